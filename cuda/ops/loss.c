#include "ops.h"

static const int64_t two[] = {2};

/* Several blocks: their pairs of sums fit into the scratch. */
enum { MOST_PAIRS = SCRATCH_BYTES / (2 * (int)sizeof(double)) };

static loss_sums sums_of(odeon_queue *queue, const odeon_tensor *sums, double weight,
                         int64_t blocks)
{
    const loss_sums to = {sums->data, blocks > 1 ? queue_scratch(queue) : NULL, weight, blocks};
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

odeon_status ops_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                       const odeon_tensor *labels, double weight,
                                       const odeon_tensor *sums, const odeon_tensor *dx)
{
    ODEON_TRY(expect_real(queue, "softmax_cross_entropy: x", x, 2));
    ODEON_TRY(expect_shape(queue, "softmax_cross_entropy: labels", labels, ODEON_DTYPE_I64, 1,
                           &x->dim[0]));
    ODEON_TRY(expect_shape(queue, "softmax_cross_entropy: sums", sums, ODEON_DTYPE_F64, 1, two));
    ODEON_TRY(expect_like(queue, "softmax_cross_entropy: dx", dx != NULL ? dx : x, x));
    softmax_args a = {
        .x = x->data,
        .labels = labels->data,
        .dx = dx != NULL ? dx->data : NULL,
        .B = x->dim[1] > 0 ? x->dim[0] : 0,
        .K = x->dim[1],
    };
    a.lanes = softmax_lanes(a.B, a.K);
    int64_t blocks = softmax_blocks(a.B, a.lanes);
    if (blocks > MOST_PAIRS) {
        return device_fail(queue, ODEON_ERR_UNSUPPORTED,
                           "softmax_cross_entropy of %lld rows; use a smaller batch",
                           (long long)a.B);
    }
    a.to = sums_of(queue, sums, weight, blocks);
    kernel_shape shape = shape_sums(blocks, a.B * a.lanes);
    shape.shared_bytes *= SOFTMAX_DOUBLES;
    ODEON_TRY(launch(queue, kernel_of(KERNEL_softmax_f32, x->dtype), &a, shape));
    return finish_loss(queue, &a.to);
}

/* ---- differences ---- */

odeon_status ops_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                 const odeon_tensor *x, const odeon_tensor *target,
                                 const odeon_tensor *mask, double weight, const odeon_tensor *sums,
                                 const odeon_tensor *dx)
{
    enum { BLOCK_ELEMENTS = 8 * KERNEL_THREADS, MOST_BLOCKS = 512 };
    ODEON_TRY(expect_true(queue, kind >= 0 && kind < ODEON_DIFFERENCE_COUNT,
                          "difference_loss: the kind is none of ODEON_DIFFERENCE_"));
    ODEON_TRY(expect_real(queue, "difference_loss: x", x, 0));
    ODEON_TRY(expect_like(queue, "difference_loss: target", target, x));
    ODEON_TRY(expect_like(queue, "difference_loss: mask", mask != NULL ? mask : x, x));
    ODEON_TRY(expect_like(queue, "difference_loss: dx", dx != NULL ? dx : x, x));
    ODEON_TRY(expect_shape(queue, "difference_loss: sums", sums, ODEON_DTYPE_F64, 1, two));
    int64_t count = odeon_count(x), blocks = (count + BLOCK_ELEMENTS - 1) / BLOCK_ELEMENTS;
    blocks = blocks < 1 ? 1 : blocks > MOST_BLOCKS ? MOST_BLOCKS : blocks;
    const difference_args a = {
        .x = x->data,
        .target = target->data,
        .mask = mask != NULL ? mask->data : NULL,
        .dx = dx != NULL ? dx->data : NULL,
        .count = count,
        .beta = beta,
        .kind = kind,
        .to = sums_of(queue, sums, weight, blocks),
    };
    kernel_shape shape = shape_sums(blocks, count);
    shape.shared_bytes *= 2;
    ODEON_TRY(launch(queue, kernel_of(KERNEL_difference_loss_f32, x->dtype), &a, shape));
    return finish_loss(queue, &a.to);
}
