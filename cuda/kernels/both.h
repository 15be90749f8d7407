/* both.h: includes the file that KERNEL_BODY names once a dtype. In it, real is float or double,
 * REAL(name) is name_f32 or name_f64, MATH(exp) is expf or exp. */
#define real       float
#define REAL(name) name##_f32
#define MATH(name) name##f
#include KERNEL_BODY
#undef real
#undef REAL
#undef MATH

#define real       double
#define REAL(name) name##_f64
#define MATH(name) name
#include KERNEL_BODY
#undef real
#undef REAL
#undef MATH
#undef KERNEL_BODY
