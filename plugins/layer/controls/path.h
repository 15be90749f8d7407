/* path.h: a batch's controls as functions of the time, and their derivatives. All of it is computed
 * in float64, on the device, by operators that every device has. */
#ifndef ODEON_LAYER_CONTROLS_PATH_H
#define ODEON_LAYER_CONTROLS_PATH_H
#include <stdbool.h>

#include "odeon/dataset.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/layer.h"

/* In the order of the choices. */
enum { PATH_PREVIOUS = 0, PATH_LINEAR = 1, PATH_HERMITE = 2, PATH_CUBIC = 3 };

/* What a call works with: shapes, and parts of scratch, F64. B samples, T knots, C channels of the
 * data, of which the path has c: all, or with PATH_CUBIC the first half, whose slopes the others
 * are. */
typedef struct control_path {
    const odeon_layer_call *call;
    const odeon_view *times, *given; /* [B,T], [B,T,C] */
    int64_t closed; /* the first interval has its start, too; else no derivative is there */
    int64_t kind, samples, knots, given_channels, channels;
    odeon_tensor past, step;       /* [B,T]: max(t - t_j, 0), and 1 where that rises */
    odeon_tensor column;           /* [B,T] of a channel */
    odeon_tensor span, run, share; /* [B,T-1]: t_j+1 - t_j; t - t_j within it; run / span */
    odeon_tensor within;           /* [B,T-1]: 1 where t is in the interval */
    odeon_tensor rise, slope, second, third, term, other; /* [B,T-1] */
    odeon_tensor u;                                       /* [B,T,C] */
    odeon_tensor value;                                   /* [B] */
} control_path;

uint64_t control_path_bytes(int64_t samples, int64_t knots, int64_t channels);
/* Takes the batch's fields, and scratch at *at, which is moved on. */
void control_path_begin(const odeon_layer_call *call, int64_t kind, int64_t closed, char **at,
                        control_path *p);
/* What all channels have in common at call->t. */
odeon_status control_path_at(const control_path *p);
/* value = the derivative of that order, 0 to 2, of channel k. */
odeon_status control_path_channel(const control_path *p, int64_t k, int order);

#endif
