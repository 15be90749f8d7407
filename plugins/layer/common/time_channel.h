/* time_channel.h: append the time t as a channel, first or last: x [R,C,S] -> y [R,C+1,S]. t holds
 * one number, or one per sample; each sample has the same number of rows of R. */
#ifndef ODEON_LAYER_TIME_CHANNEL_H
#define ODEON_LAYER_TIME_CHANNEL_H
#include "odeon/host.h"
#include "odeon/layer.h"

enum { TIME_NO = 0, TIME_FIRST = 1, TIME_LAST = 2 };

/* The option time = no|first|last for a layer's option table; its index is TIME_*. */
extern const odeon_option time_option;

/* y = x with t appended. ODEON_ERR_CONFIG outside of an ODE block, where there is no time; layer is
 * the id for the message. */
odeon_status time_join(const odeon_host *host, const char *layer, const odeon_context *context,
                       int32_t where, const odeon_tensor *x, const odeon_tensor *y);
/* The vjp: writes dx (NULL: not wanted) and adds to d_t (NULL: not wanted). */
odeon_status time_part(const odeon_context *context, int32_t where, const odeon_tensor *dy,
                       const odeon_tensor *dx, const odeon_tensor *d_t);

#endif
