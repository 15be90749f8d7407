#include "command/stages.h"

#include <string.h>

#include "base/diag.h"
#include "command/later_keys.h"
#include "run/train_length.h"
#include "run/train_phase.h"
#include "session/parameters.h"

static odeon_status refuse(const config_phase *phase, const char *path, const char *how)
{
    return location_fail(
        phase->set_where, NULL,
        "[train.%s] set: parameter %s %s with these keys: a run keeps its parameters", phase->name,
        path, how);
}

/* A run that goes on needs the same parameters, by path and shape. */
static odeon_status compare(const session *a, const session *b, const config_phase *phase)
{
    size_t n = session_parameters(a), m = session_parameters(b);
    for (size_t i = 0; i < n && i < m; i++) {
        session_parameter x = session_parameter_at(a, i), y = session_parameter_at(b, i);
        if (strcmp(x.path, y.path) != 0) {
            return refuse(phase, x.path, "has another place");
        }
        if (x.ndim != y.ndim || memcmp(x.dim, y.dim, sizeof x.dim) != 0) {
            return refuse(phase, x.path, "has another shape");
        }
    }
    if (n != m) {
        return refuse(phase, session_parameter_at(n > m ? a : b, n > m ? m : n).path,
                      n > m ? "is gone" : "is new");
    }
    return ODEON_OK;
}

/* Batches that layers or the optimizer do not take are found, too. */
static odeon_status check_batches(const setup *s)
{
    data_source *train = NULL;
    ODEON_TRY(data_open(s->config, ODEON_SPLIT_TRAIN, &train));
    int64_t samples = data_epoch_length(train);
    data_close(train);
    ODEON_TRY(train_check_batches(s->session, s->config, samples));
    return train_phase_check(s->session, s->config, samples);
}

/* own: opened by the caller, who closes it. */
static odeon_status build_stage(const command_line *a, const setup *s, size_t stage, setup *own)
{
    const config_phase *phase = &s->config->phases[stage - 1];
    odeon_status status = setup_set_stage(a, own->config->ini, stage, own);
    if (status == ODEON_OK) {
        status = setup_shapes(own);
    }
    return status == ODEON_OK
               ? compare(s->session, own->session, phase)
               : later_keys_blame(status, phase->set_where, NULL, phase->n_set, phase->set);
}

static odeon_status check_stage(const command_line *a, const setup *s, size_t stage, bool trusted)
{
    setup own;
    odeon_status status = trusted ? setup_open(a, &own) : setup_open_unknown(a, &own);
    if (status == ODEON_OK) {
        status = build_stage(a, s, stage, &own);
    }
    if (status == ODEON_OK && trusted) {
        status = check_batches(&own);
    }
    setup_close(&own);
    return status;
}

static odeon_status check_stages(const command_line *a, const setup *s, bool trusted)
{
    for (size_t i = 0; i < s->config->n_phases; i++) {
        ODEON_TRY(s->config->phases[i].n_set > 0 ? check_stage(a, s, i + 1, trusted) : ODEON_OK);
    }
    return ODEON_OK;
}

odeon_status stages_check(const command_line *a, const setup *s)
{
    return check_stages(a, s, true);
}

odeon_status stages_check_unknown(const command_line *a, const setup *s)
{
    return check_stages(a, s, false);
}
