/* dual_values.h: values and tangents of a device of dual numbers (odeon/device_dual.h), copied by
 * its base, for which tangents are numbers like all others. Of call only device and queue are
 * looked at. [worker] */
#ifndef ODEON_CORE_DEVICE_DUAL_VALUES_H
#define ODEON_CORE_DEVICE_DUAL_VALUES_H
#include "odeon/device_dual.h"
#include "odeon/layer.h"

/* What the base calls the tangents of x. */
odeon_tensor dual_tangent(const odeon_device_dual *dual, const odeon_layer_call *call,
                          const odeon_tensor *x);
/* to = from, or 0 where there is none. */
odeon_status dual_set(const odeon_device_dual *dual, const odeon_layer_call *call,
                      const odeon_view *from, const odeon_tensor *to);
/* The values of to = value, its tangents = dot; 0 where there is none. */
odeon_status dual_put(const odeon_device_dual *dual, const odeon_layer_call *call,
                      const odeon_view *value, const odeon_view *dot, const odeon_tensor *to);
/* to += from. */
odeon_status dual_add(const odeon_device_dual *dual, const odeon_layer_call *call,
                      const odeon_view *from, const odeon_tensor *to);

#endif
