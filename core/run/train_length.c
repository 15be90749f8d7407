/* How many steps a run has. Everything follows from samples, batch and epochs, as long as these
 * stay; a run that goes on with others keeps the steps that it has made, and the difference is
 * carried along as extra. */
#include "run/train_length.h"

#include <inttypes.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/describe.h"

/* The same division for training, for its length and for what is checked before it. A step takes as
 * many batches as train.accumulate says. */
batches train_batches(const config *c, int64_t samples)
{
    int64_t batch = c->batch; /* without [train] nothing accumulates */
    if (c->accumulate > 1 && !checked_mul(c->batch, c->accumulate, &batch)) {
        batch = INT64_MAX;
    }
    return (batches){.samples = samples, .batch = batch, .drop_last = c->drop_last};
}

int64_t train_steps_an_epoch(const config *c, int64_t samples)
{
    batches b = train_batches(c, samples);
    return batches_steps(&b);
}

/* The samples of the epoch that were trained on stay so, as far as the epoch still has them; extra
 * makes up for the steps that they took with the other batch. */
checkpoint train_cut_anew(const config *c, int64_t samples, checkpoint at)
{
    batches b = train_batches(c, samples);
    int64_t used = batches_samples(&b), steps = 0;
    if (at.samples == samples && at.batch == b.batch && (at.drop_last != 0) == b.drop_last) {
        return at;
    }
    at.samples = samples;
    at.batch = b.batch;
    at.drop_last = b.drop_last;
    at.position = at.position < used ? at.position : used;
    at.position += b.drop_last ? (used - at.position) % b.batch : 0;
    at.extra = batches_steps_until(&b, at.epoch, at.position, &steps) ? at.step - steps : 0;
    return at;
}

/* Steps of before a cut count as they were made: extra. */
int64_t train_steps(const config *c, int64_t samples, const checkpoint *from)
{
    batches b = train_batches(c, samples);
    int64_t total = 0, extra = from != NULL ? train_cut_anew(c, samples, *from).extra : 0;
    if (c->iterations > 0) {
        return c->iterations;
    }
    return checked_mul(batches_steps(&b), c->epochs, &total) && checked_add(total, extra, &total)
               ? total
               : INT64_MAX;
}

/* The last batch of an epoch may be smaller than the others; a run that ends before it is not
 * refused. */
odeon_status train_check_batches(const session *s, const config *c, int64_t samples)
{
    session_layer layer;
    int64_t least = session_min_batch(s, &layer);
    if (c->batch < least) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: layer %s takes no fewer than %" PRId64
                         " samples a batch in training, but data.batch = %" PRId64,
                         layer.path, layer.layer, least, c->batch);
    }
    batches b = train_batches(c, samples);
    int64_t last = batches_samples(&b) % c->batch;
    bool reached = last > 0 && train_steps(c, samples, NULL) >= batches_steps(&b);
    if (reached && last < least) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: layer %s takes no fewer than %" PRId64
                         " samples a batch in training, but the last batch of an epoch has %" PRId64
                         ": %" PRId64 " samples, data.batch = %" PRId64
                         "; leave it out (data.drop_last = yes), or choose another data.batch",
                         layer.path, layer.layer, least, last, samples, c->batch);
    }
    return ODEON_OK;
}
