/* norm.h: scaling channels, with which rules of normalization are written. n = (x - m) r is what is
 * normalized; m and r stand in a PAIR, F64 [2,C]. batch_norm(z, (c, s), w, b) = (z - c) s w + b
 * scales each channel; or each group, where a sample's groups are looked at as the channels of one
 * sample. */
#ifndef ODEON_DUAL_NORM_H
#define ODEON_DUAL_NORM_H
#include "dual.h"

/* Row 0 or 1 of a pair: F64 [C]. */
odeon_tensor dual_row(const odeon_view *pair, int64_t row);
odeon_status dual_new_pair(dual_queue *q, int64_t channels, odeon_tensor *out);
/* A pair of two rows; NULL: c is 0, s is 1. */
odeon_status dual_make_pair(dual_queue *q, int64_t channels, const odeon_tensor *c,
                            const odeon_tensor *s, odeon_tensor *out);
/* y = (z - c) s w by channels of z[B,C,S], and the same added to y; w NULL: 1. */
odeon_status dual_scaled(dual_queue *q, const odeon_view *z, const odeon_tensor *c,
                         const odeon_tensor *s, const odeon_view *w, const odeon_tensor *y);
odeon_status dual_add_scaled(dual_queue *q, const odeon_view *z, const odeon_tensor *c,
                             const odeon_tensor *s, const odeon_view *w, const odeon_tensor *y);

#endif
