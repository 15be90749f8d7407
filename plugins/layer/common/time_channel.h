/* time_channel.h: a channel that is the time t everywhere, before or behind the channels of a
 * tensor: x[R,C,S] and y[R,C+1,S]. t holds one number, or one a sample; the R rows are so many for
 * each sample. */
#ifndef ODEON_LAYER_TIME_CHANNEL_H
#define ODEON_LAYER_TIME_CHANNEL_H
#include "odeon/host.h"
#include "odeon/layer.h"

enum { TIME_NO = 0, TIME_FIRST = 1, TIME_LAST = 2 };

/* time = no|first|last: a row for a layer's option table; the number is TIME_*. */
extern const odeon_option time_option;

/* y = x and t. ODEON_ERR_CONFIG where there is no time; layer: its id, for the message. */
odeon_status time_join(const odeon_host *host, const char *layer, const odeon_context *context,
                       int32_t where, const odeon_tensor *x, const odeon_tensor *y);
/* Its vjp: writes dx (NULL: not wanted), adds to d_t (NULL: not wanted). */
odeon_status time_part(const odeon_context *context, int32_t where, const odeon_tensor *dy,
                       const odeon_tensor *dx, const odeon_tensor *d_t);

#endif
