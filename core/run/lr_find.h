/* lr_find.h: a range of learning rates tried on a model: one batch each, growing from the least to
 * the largest by equal factors, until the loss explodes. Source: Smith, Cyclical learning rates for
 * training neural networks, WACV 2017, 3.3. */
#ifndef ODEON_CORE_RUN_LR_FIND_H
#define ODEON_CORE_RUN_LR_FIND_H
#include "data/data.h"
#include "run/table.h"
#include "session/handle.h"

typedef struct lr_find_plan {
    double from, to; /* learning rates, 0 < from < to */
    int64_t batches; /* at least 2 */
} lr_find_plan;

typedef struct lr_find_row {
    double lr, loss;
    double smooth; /* the losses so far, weighed by 0.9 to the power of their age */
    double grad_norm;
} lr_find_row;

typedef struct lr_find {
    int64_t n;
    lr_find_row *rows;
    bool exploded; /* it ended before the largest learning rate */
    /* Where the smooth loss falls fastest in the logarithm of the learning rate, and a tenth of
     * where it is least; NAN: it does not fall. */
    double steepest, tenth;
} lr_find;

/* Trains s, whose parameters are others afterwards, on batches of source in the order of training.
 * A numerical failure ends it as a loss that explodes does. ODEON_ERR_CANCELLED after a signal that
 * interrupt.h notes; ODEON_ERR_CONFIG: the optimizer's learning rate is 0. out can be given to
 * lr_find_fini whatever the answer. */
odeon_status lr_find_run(session *s, const config *c, const data_source *source,
                         const lr_find_plan *plan, lr_find *out);
void lr_find_fini(lr_find *x);

/* Both learning rates from the rows. */
void lr_find_choose(lr_find *x);
/* Every step-th row, and the last. */
void lr_find_table(const lr_find *x, int64_t step, table *out);

#endif
