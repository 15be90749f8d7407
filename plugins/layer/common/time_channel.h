/* time_channel.h: append the time t as a channel, first or last: x [R,C,S] -> y [R,C+1,S]. t holds
 * one number, or one per sample; each sample has the same number of rows of R. */
#ifndef ODEON_LAYER_TIME_CHANNEL_H
#define ODEON_LAYER_TIME_CHANNEL_H
#include "odeon/host.h"
#include "odeon/layer.h"

enum { TIME_NO = ODEON_TIME_NONE, TIME_FIRST = ODEON_TIME_FIRST, TIME_LAST = ODEON_TIME_LAST };

/* The option time, written into the field `int64_t time` of the instance: TIME_*. */
#define TIME_OPTION(type)                                                                          \
    ODEON_OPTION(type, time, CHOICE, .aliases = "usetime|timedependent|concattime",                \
                 .default_text = "no", .choices = "no|first|last",                                 \
                 .help = "take the time t of the ODE block as one more input, before or behind "   \
                         "the others")

/* ODEON_ERR_CONFIG outside of an ODE block, where there is no time; layer is the id for the
 * message.
 */
odeon_status time_require(const odeon_host *host, const char *layer, const odeon_layer_call *call);
/* y = x with t appended; requires it. */
odeon_status time_join(const odeon_host *host, const char *layer, const odeon_layer_call *call,
                       int64_t where, const odeon_view *x, const odeon_tensor *y);
/* The vjp: writes the call's d_in, which has as many elements as x, and adds to its d_t. */
odeon_status time_part(const odeon_layer_call *call, int64_t where, const odeon_view *dy);

#endif
