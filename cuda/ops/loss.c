#include <stdbool.h>

#include "odeon/device_loss.h"
#include "ops.h"

static const int64_t two[] = {2};

/* Several blocks: their pairs of sums fit into the scratch. */
enum { MOST_PAIRS = SCRATCH_BYTES / (2 * (int)sizeof(double)) };

static loss_sums sums_of(odeon_queue *queue, const odeon_tensor *sums, double weight,
                         int64_t blocks)
{
    const loss_sums to = {odeon_write(sums), blocks > 1 ? queue_scratch(queue) : NULL, weight,
                          blocks};
    return to;
}

static odeon_status finish_loss(odeon_queue *queue, const loss_sums *to)
{
    kernel_shape shape = shape_sums(1, to->count);
    shape.shared_bytes *= 2;
    return to->count > 1 ? launch(queue, KERNEL_loss_finish, to, shape) : ODEON_OK;
}

/* ---- softmax ---- */

enum { LANE_CLASSES = 8 }; /* so many classes a thread, where threads suffice */

static int64_t softmax_blocks(int64_t B, int32_t lanes)
{
    int64_t rows = KERNEL_THREADS / lanes;
    return B > rows ? (B + rows - 1) / rows : 1;
}

/* As many threads a row as its classes want, fewer where that makes too many blocks. */
static int32_t softmax_lanes(int64_t B, int64_t K)
{
    int32_t lanes = 1;
    while (lanes < KERNEL_THREADS && (int64_t)lanes * LANE_CLASSES < K) {
        lanes *= 2;
    }
    while (lanes > 1 && softmax_blocks(B, lanes) > MOST_PAIRS) {
        lanes /= 2;
    }
    return lanes;
}

/* sums go through scratch where there are several blocks; bytes of it hold something else. */
static odeon_status take_softmax(odeon_queue *queue, const odeon_softmax_cross_entropy *call,
                                 double *scratch, int64_t bytes, softmax_args *a)
{
    int64_t K = call->x->shape.dim[1];
    *a = (softmax_args){
        .x = odeon_read(call->x),
        .labels = odeon_read(call->labels),
        .dx = write_or_null(call->dx),
        .B = K > 0 ? call->x->shape.dim[0] : 0,
        .K = K,
        .lanes = softmax_lanes(call->x->shape.dim[0], K),
    };
    int64_t blocks = softmax_blocks(a->B, a->lanes);
    if (blocks > MOST_PAIRS - (bytes + 15) / 16) {
        return device_fail(queue, ODEON_ERR_UNSUPPORTED,
                           "softmax_cross_entropy of %lld rows and %lld classes; use a smaller "
                           "batch",
                           (long long)a->B, (long long)K);
    }
    a->to = (loss_sums){odeon_write(call->sums), scratch, call->weight, blocks};
    return ODEON_OK;
}

static odeon_status launch_softmax(odeon_queue *queue, const odeon_softmax_cross_entropy *call,
                                   int32_t kernel, const softmax_args *of, const void *arguments)
{
    kernel_shape shape = shape_sums(of->to.count, of->B * of->lanes);
    shape.shared_bytes *= SOFTMAX_DOUBLES;
    ODEON_TRY(launch(queue, kernel_of(kernel, call->x->shape.dtype), arguments, shape));
    return finish_loss(queue, &of->to);
}

static odeon_status plain_cross_entropy(odeon_queue *queue, const odeon_softmax_cross_entropy *call)
{
    softmax_args a;
    ODEON_TRY(take_softmax(queue, call, queue_scratch(queue), 0, &a));
    return launch_softmax(queue, call, KERNEL_softmax_f32, &a, &a);
}

/* More weights of classes than a launch brings along go to `to` by launches before it. */
static odeon_status write_weights(odeon_queue *queue, const double *weights, int64_t n, double *to)
{
    static const kernel_shape few = {1, ODEON_MAX_PARTS, 0};
    for (int64_t done = 0; done < n; done += ODEON_MAX_PARTS) {
        slots_write_args a = {.slots = to + done, .n = ODEON_MAX_PARTS};
        a.n = n - done < a.n ? (int32_t)(n - done) : a.n;
        for (int32_t i = 0; i < a.n; i++) {
            a.values[i] = weights[done + i];
        }
        ODEON_TRY(launch(queue, KERNEL_slots_write, &a, few));
    }
    return ODEON_OK;
}

/* Many stand at the end of the scratch, at whose begin the blocks' sums do. */
static odeon_status take_weights(odeon_queue *queue, const odeon_softmax_cross_entropy *call,
                                 double *scratch, weighed_args *a)
{
    const double *weights = call->class_weight;
    int64_t K = call->x->shape.dim[1];
    if (weights == NULL) {
        a->sum = (double)K;
        return ODEON_OK;
    }
    a->has_few = K <= FEW_CLASSES;
    for (int64_t k = 0; k < K; k++) {
        a->sum += weights[k];
        a->few[a->has_few ? k : 0] = weights[k];
    }
    if (a->has_few) {
        return ODEON_OK;
    }
    double *to = scratch + SCRATCH_BYTES / (int)sizeof(double) - K;
    a->weights = to;
    return write_weights(queue, weights, K, to);
}

static odeon_status weighed_cross_entropy(odeon_queue *queue,
                                          const odeon_softmax_cross_entropy *call)
{
    int64_t K = call->x->shape.dim[1];
    ODEON_TRY(expect_true(queue, call->class_weight == NULL || call->n == K,
                          "softmax_cross_entropy: class_weight is not of K numbers"));
    if (call->mask != NULL) {
        ODEON_TRY(expect_shape(queue, "softmax_cross_entropy: mask", &call->mask->shape,
                               call->x->shape.dtype, 1, &call->x->shape.dim[0]));
    }
    double *scratch = queue_scratch(queue);
    bool many = call->class_weight != NULL && K > FEW_CLASSES;
    weighed_args a = {.mask = read_or_null(call->mask),
                      .smoothing = K > 0 ? call->smoothing / (double)K : 0.0,
                      .rest = 1.0 - call->smoothing};
    ODEON_TRY(take_softmax(queue, call, scratch, many ? K * (int64_t)sizeof(double) : 0, &a.of));
    ODEON_TRY(take_weights(queue, call, scratch, &a));
    return launch_softmax(queue, call, KERNEL_weighed_softmax_f32, &a.of, &a);
}

static odeon_status ops_softmax_cross_entropy(odeon_queue *queue,
                                              const odeon_softmax_cross_entropy *call)
{
    const uint32_t weighed = ODEON_CROSS_ENTROPY_WEIGHED;
    ODEON_TRY(expect_flags(queue, "softmax_cross_entropy", call->flags & ~weighed));
    ODEON_TRY(expect_real(queue, "softmax_cross_entropy: x", &call->x->shape, 2));
    ODEON_TRY(expect_shape(queue, "softmax_cross_entropy: labels", &call->labels->shape,
                           ODEON_DTYPE_I64, 1, &call->x->shape.dim[0]));
    ODEON_TRY(expect_shape(queue, "softmax_cross_entropy: sums", &call->sums->view.shape,
                           ODEON_DTYPE_F64, 1, two));
    ODEON_TRY(expect_optional(queue, "softmax_cross_entropy: dx", odeon_as_view(call->dx),
                              &call->x->shape));
    return (call->flags & weighed) != 0 ? weighed_cross_entropy(queue, call)
                                        : plain_cross_entropy(queue, call);
}

/* ---- differences ---- */

static odeon_status ops_difference_loss(odeon_queue *queue, const odeon_difference_loss *call)
{
    ODEON_TRY(expect_flags(queue, "difference_loss", call->flags));
    enum { BLOCK_ELEMENTS = 8 * KERNEL_THREADS, MOST_BLOCKS = 512 };
    ODEON_TRY(expect_true(queue, call->kind >= 0 && call->kind < ODEON_DIFFERENCE_COUNT,
                          "difference_loss: the kind is none of ODEON_DIFFERENCE_"));
    ODEON_TRY(expect_real(queue, "difference_loss: x", &call->x->shape, 0));
    ODEON_TRY(expect_like(queue, "difference_loss: target", &call->target->shape, &call->x->shape));
    ODEON_TRY(expect_optional(queue, "difference_loss: mask", call->mask, &call->x->shape));
    ODEON_TRY(
        expect_optional(queue, "difference_loss: dx", odeon_as_view(call->dx), &call->x->shape));
    ODEON_TRY(expect_shape(queue, "difference_loss: sums", &call->sums->view.shape, ODEON_DTYPE_F64,
                           1, two));
    int64_t count = odeon_count(&call->x->shape),
            blocks = (count + BLOCK_ELEMENTS - 1) / BLOCK_ELEMENTS;
    blocks = blocks < 1 ? 1 : blocks > MOST_BLOCKS ? MOST_BLOCKS : blocks;
    const difference_args a = {
        .x = odeon_read(call->x),
        .target = odeon_read(call->target),
        .mask = read_or_null(call->mask),
        .dx = write_or_null(call->dx),
        .count = count,
        .beta = call->beta,
        .kind = call->kind,
        .to = sums_of(queue, call->sums, call->weight, blocks),
    };
    kernel_shape shape = shape_sums(blocks, count);
    shape.shared_bytes *= 2;
    ODEON_TRY(
        launch(queue, kernel_of(KERNEL_difference_loss_f32, call->x->shape.dtype), &a, shape));
    return finish_loss(queue, &a.to);
}

const odeon_loss_family ops_loss = {
    .struct_size = sizeof(odeon_loss_family),
    .softmax_cross_entropy = ops_softmax_cross_entropy,
    .difference_loss = ops_difference_loss,
};
