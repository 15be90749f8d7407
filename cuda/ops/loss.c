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

static odeon_status ops_softmax_cross_entropy(odeon_queue *queue,
                                              const odeon_softmax_cross_entropy *call)
{
    if ((call->flags & ODEON_CROSS_ENTROPY_WEIGHED) != 0) {
        return device_fail(queue, ODEON_ERR_UNSUPPORTED,
                           "cross entropy with class weights, label smoothing or a mask is not "
                           "made for this device yet; run.device = cpu has it");
    }
    ODEON_TRY(expect_flags(queue, "softmax_cross_entropy", call->flags));
    ODEON_TRY(expect_real(queue, "softmax_cross_entropy: x", &call->x->shape, 2));
    ODEON_TRY(expect_shape(queue, "softmax_cross_entropy: labels", &call->labels->shape,
                           ODEON_DTYPE_I64, 1, &call->x->shape.dim[0]));
    ODEON_TRY(expect_shape(queue, "softmax_cross_entropy: sums", &call->sums->view.shape,
                           ODEON_DTYPE_F64, 1, two));
    ODEON_TRY(expect_optional(queue, "softmax_cross_entropy: dx", odeon_as_view(call->dx),
                              &call->x->shape));
    softmax_args a = {
        .x = odeon_read(call->x),
        .labels = odeon_read(call->labels),
        .dx = write_or_null(call->dx),
        .B = call->x->shape.dim[1] > 0 ? call->x->shape.dim[0] : 0,
        .K = call->x->shape.dim[1],
    };
    a.lanes = softmax_lanes(a.B, a.K);
    int64_t blocks = softmax_blocks(a.B, a.lanes);
    if (blocks > MOST_PAIRS) {
        return device_fail(queue, ODEON_ERR_UNSUPPORTED,
                           "softmax_cross_entropy of %lld rows; use a smaller batch",
                           (long long)a.B);
    }
    a.to = sums_of(queue, call->sums, call->weight, blocks);
    kernel_shape shape = shape_sums(blocks, a.B * a.lanes);
    shape.shared_bytes *= SOFTMAX_DOUBLES;
    ODEON_TRY(launch(queue, kernel_of(KERNEL_softmax_f32, call->x->shape.dtype), &a, shape));
    return finish_loss(queue, &a.to);
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
