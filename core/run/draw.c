#include "run/draw.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/fitted.h"
#include "odeon/dataset.h"
#include "session/describe.h"

/* What the data set standardized for training was its input. */
static odeon_status undo_units(const config *c, predictions *p)
{
    field_units units;
    odeon_status status = field_units_read(c, ODEON_ROLE_INPUT, &units);
    if (status == ODEON_OK && units.n == p->size) {
        field_units_undo(&units, p->n, p->output);
    }
    field_units_fini(&units);
    return status;
}

odeon_status draw_samples(const config *c, session *s, int64_t n, predictions *out)
{
    odeon_shape one = session_input(s);
    predict_input in = {.n = n};
    int64_t values = 0;
    *out = (predictions){.n = 0};
    double *noise = checked_mul(n, odeon_count(&one), &values)
                        ? mem_zalloc((size_t)values, sizeof *noise)
                        : NULL;
    if (noise == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "sample: no memory for %lld samples", (long long)n);
    }
    uint64_t key = rng_key(c->seed, "sample", 0, 0);
    for (int64_t i = 0; i < values; i++) {
        noise[i] = rng_normal(key, (uint64_t)i);
    }
    in.field[ODEON_ROLE_INPUT] = noise;
    odeon_status status = predict_run(s, &in, NULL, c->test_batch, out);
    predict_input_fini(&in);
    return status == ODEON_OK ? undo_units(c, out) : status;
}
