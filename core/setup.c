#include "setup.h"

#include "diag.h"
#include "mem.h"

/* The override that an option stands for; NULL if it is not given. */
static odeon_status add_option(const command_line *a, int option, const char *key, char **text)
{
    if (a->value[option] == NULL) {
        return ODEON_OK;
    }
    *text = mem_printf("%s=%s", key, a->value[option]);
    return *text != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "command line: no memory");
}

static odeon_status load(const command_line *a, const char *ini, setup *s)
{
    char *weights = NULL, *dtype = NULL;
    size_t n = a->n_operands - 1;
    const char **overrides = mem_zalloc(n + 2, sizeof *overrides);
    odeon_status status =
        overrides != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "command line: no memory");
    if (status == ODEON_OK) {
        status = add_option(a, ARGUMENT_WEIGHTS, "train.weights", &weights);
    }
    if (status == ODEON_OK) {
        status = add_option(a, ARGUMENT_DTYPE, "run.dtype", &dtype);
    }
    if (status == ODEON_OK) {
        for (size_t i = 0; i < n; i++) {
            overrides[i] = a->operands[i + 1];
        }
        if (weights != NULL) {
            overrides[n++] = weights;
        }
        if (dtype != NULL) {
            overrides[n++] = dtype;
        }
        status = config_load(s->registry, ini, n, overrides, &s->config);
    }
    mem_free(overrides);
    mem_free(weights);
    mem_free(dtype);
    return status;
}

odeon_status setup_open(const command_line *a, setup *out)
{
    return setup_open_ini(a, a->operands[0], out);
}

static odeon_status open_any(const command_line *a, const char *ini, bool trusted, setup *out)
{
    *out = (setup){.out = a->out};
    ODEON_TRY(registry_create(a->n_plugin_paths, a->plugin_paths, &out->registry));
    if (!trusted) {
        registry_distrust(out->registry);
    }
    ODEON_TRY(load(a, ini, out));
    return data_describe(out->config, &out->fields);
}

odeon_status setup_open_model(const command_line *a, setup *out)
{
    return open_any(a, a->operands[0], true, out);
}

odeon_status setup_open_unknown(const command_line *a, setup *out)
{
    return open_any(a, a->operands[0], a->value[ARGUMENT_TRUST] != NULL, out);
}

odeon_status setup_open_ini(const command_line *a, const char *ini, setup *out)
{
    ODEON_TRY(open_any(a, ini, true, out));
    return out->config->dataset != NULL
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: without [data] and [train] a model can be solved only (odeon help "
                           "solve)",
                           ini);
}

odeon_status setup_session(setup *s)
{
    const config *c = s->config;
    int64_t largest = c->batch > c->test_batch ? c->batch : c->test_batch;
    return session_create(s->registry, c, &s->fields, largest, &s->session);
}

odeon_status setup_flow(setup *s)
{
    return session_create_flow(s->registry, s->config, &s->fields, s->config->test_batch,
                               &s->session);
}

void setup_warn(const setup *s, notes_use use)
{
    (void)notes_give(NULL, s->config, s->session, use);
}

void setup_close(setup *s)
{
    session_destroy(s->session);
    config_destroy(s->config);
    registry_destroy(s->registry);
    *s = (setup){.registry = NULL};
}
