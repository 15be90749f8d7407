#include "ops.h"

odeon_status ops_fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                      const double *slots)
{
    ODEON_TRY(expect_real(queue, "fill: y", y, 0));
    const fill_args a = {y->data, odeon_count(y), value, slots};
    return launch(queue, kernel_of(KERNEL_fill_f32, y->dtype), &a, shape_each(a.count));
}
