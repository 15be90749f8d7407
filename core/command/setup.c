/* From a command line to a configuration, and from that to a session, for all commands that have a
 * model. They differ in what they can do without ([train], [data]), in whether they trust the INI's
 * plugin files, and in whether a run's folder brings its weights: four openers over one function.
 *
 * Options such as --weights become overrides of keys, so that the effective configuration says all
 * of what was done. */
#include "command/setup.h"

#include "base/diag.h"
#include "base/mem.h"
#include "config/sample_keys.h"
#include "format/run_folder.h"
#include "plugin/registry.h"
#include "run/interrupt.h"
#include "session/services.h"
#include "session/session.h"

/* The override that an option stands for; NULL if it is not given. */
static odeon_status add_option(const command_line *a, int option, const char *key, char **text)
{
    if (a->value[option] == NULL) {
        return ODEON_OK;
    }
    *text = mem_printf("%s=%s", key, a->value[option]);
    return *text != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "command line: no memory");
}

/* How the words of the command line become overrides: the weights of the run's folder run, which
 * may be NULL, come first, so that all others win over them. */
static odeon_status load(const command_line *a, const char *ini, const char *run, bool untrained,
                         size_t n_more, const char *const *more, setup *s)
{
    char *own = NULL, *weights = NULL, *dtype = NULL;
    size_t n = 0;
    const char **overrides = mem_zalloc(a->n_operands + 3 + n_more, sizeof *overrides);
    odeon_status status =
        overrides != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "command line: no memory");
    if (status == ODEON_OK && run != NULL) {
        own = mem_printf("train.weights=%s", run);
        status = own != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "command line: no memory");
    }
    if (status == ODEON_OK) {
        status = add_option(a, ARGUMENT_WEIGHTS, "train.weights", &weights);
    }
    if (status == ODEON_OK) {
        status = add_option(a, ARGUMENT_DTYPE, "run.dtype", &dtype);
    }
    if (status == ODEON_OK) {
        if (own != NULL) {
            overrides[n++] = own;
        }
        for (size_t i = 1; i < a->n_operands; i++) {
            overrides[n++] = a->operands[i];
        }
        if (weights != NULL) {
            overrides[n++] = weights;
        }
        if (dtype != NULL) {
            overrides[n++] = dtype;
        }
        for (size_t i = 0; i < n_more; i++) {
            overrides[n++] = more[i];
        }
        status = untrained ? config_load_untrained(s->registry, ini, n, overrides, &s->config)
                           : config_load(s->registry, ini, n, overrides, &s->config);
    }
    mem_free(overrides);
    mem_free(own);
    mem_free(weights);
    mem_free(dtype);
    return status;
}

/* How an INI is taken. */
typedef struct taking {
    bool trusted;   /* plugin files that it names are loaded */
    bool weights;   /* a run's folder is also its weights */
    bool untrained; /* [data] does without [train] */
} taking;

static odeon_status open_any(const command_line *a, const char *ini, const char *run,
                             const taking *how, setup *out)
{
    *out = (setup){.out = a->out};
    ODEON_TRY(registry_create(a->n_plugin_paths, a->plugin_paths, &out->registry));
    registry_offer(out->registry, session_services);
    figures_on_cancel(registry_figures(out->registry), interrupt_signal);
    if (!how->trusted) {
        registry_distrust(out->registry);
    }
    ODEON_TRY(load(a, ini, run, how->untrained, 0, NULL, out));
    return data_describe(out->config, &out->fields);
}

/* A folder stands for the run in it. */
static odeon_status open_operand(const command_line *a, taking how, setup *out)
{
    const char *operand = a->operands[0];
    char *ini;
    *out = (setup){.registry = NULL};
    ODEON_TRY(run_folder_find_ini(operand, &ini));
    bool is_run = how.weights && run_folder_is_run(operand);
    odeon_status status = open_any(a, ini, is_run ? operand : NULL, &how, out);
    mem_free(ini);
    return status;
}

/* For commands that cannot do with a model alone. */
static odeon_status need_data(const setup *s, const char *ini)
{
    return s->config->dataset != NULL
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: without [data] and [train] a model can be solved only (odeon help "
                           "solve)",
                           ini);
}

odeon_status setup_open(const command_line *a, setup *out)
{
    ODEON_TRY(open_operand(a, (taking){.trusted = true, .weights = true}, out));
    return need_data(out, a->operands[0]);
}

odeon_status setup_open_untrained(const command_line *a, setup *out)
{
    ODEON_TRY(setup_open_model(a, out));
    return need_data(out, a->operands[0]);
}

odeon_status setup_open_model(const command_line *a, setup *out)
{
    taking how = {.trusted = true, .weights = true, .untrained = true};
    return open_operand(a, how, out);
}

/* The operands with the keys of [sample.NAME] among them; keys is for sample_keys_fini. */
static odeon_status read_sample_keys(const command_line *a, sample_keys *keys, command_line *with)
{
    char *ini;
    *keys = (sample_keys){.n = 0};
    *with = *a;
    ODEON_TRY(run_folder_find_ini(a->operands[0], &ini));
    odeon_status status = sample_keys_read(ini, a->n_operands, a->operands, keys);
    with->operands = (const char *const *)keys->list;
    with->n_operands = keys->n;
    mem_free(ini);
    return status;
}

odeon_status setup_open_sample(const command_line *a, setup *out)
{
    sample_keys keys;
    command_line with;
    *out = (setup){.registry = NULL};
    odeon_status status = read_sample_keys(a, &keys, &with);
    if (status == ODEON_OK) {
        status = setup_open_untrained(&with, out);
    }
    sample_keys_fini(&keys);
    return status;
}

odeon_status setup_open_unknown_sample(const command_line *a, setup *out, bool *has)
{
    sample_keys keys;
    command_line with;
    *out = (setup){.registry = NULL};
    odeon_status status = read_sample_keys(a, &keys, &with);
    *has = status == ODEON_OK && keys.n > a->n_operands;
    if (*has) {
        taking how = {.trusted = a->value[ARGUMENT_TRUST] != NULL, .untrained = true};
        status = open_operand(&with, how, out);
    }
    sample_keys_fini(&keys);
    return status;
}

/* Whoever only looks at an INI runs no code that it names. */
odeon_status setup_open_unknown(const command_line *a, setup *out)
{
    return open_operand(a, (taking){.trusted = a->value[ARGUMENT_TRUST] != NULL}, out);
}

odeon_status setup_open_ini(const command_line *a, const char *ini, setup *out)
{
    ODEON_TRY(open_any(a, ini, NULL, &(taking){.trusted = true}, out));
    return need_data(out, ini);
}

/* The base's normal form stays that of the run: what the phases set stands in it as their keys. */
static odeon_status load_set(const command_line *a, const char *ini, size_t n,
                             const char *const *set, size_t stage, setup *s)
{
    config *base = s->config;
    s->config = NULL;
    odeon_status status = load(a, ini, NULL, false, n, set, s);
    if (status == ODEON_OK) {
        char *own = s->config->effective;
        s->config->effective = base->effective;
        base->effective = own;
        s->config->workers = base->workers;
        s->config->stage = stage;
        status = data_describe(s->config, &s->fields);
    }
    config_destroy(base);
    return status;
}

/* Keys of all phases so far, a later one over an earlier one. Their texts are the base's, which
 * lives until the new configuration is there. */
odeon_status setup_set_stage(const command_line *a, const char *ini, size_t stage, setup *s)
{
    size_t n = 0;
    if (stage == s->config->stage) {
        return ODEON_OK;
    }
    for (size_t i = 0; i < stage; i++) {
        n += s->config->phases[i].n_set;
    }
    const char **set = mem_zalloc(n + 1, sizeof *set);
    if (set == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "[train]: no memory for its phases");
    }
    n = 0;
    for (size_t i = 0; i < stage; i++) {
        for (size_t k = 0; k < s->config->phases[i].n_set; k++) {
            set[n++] = s->config->phases[i].set[k];
        }
    }
    odeon_status status = load_set(a, ini, n, set, stage, s);
    mem_free(set);
    return status;
}

/* It helps to choose the number of workers. */
static int64_t largest_batch(const config *c)
{
    return c->batch > c->test_batch ? c->batch : c->test_batch;
}

odeon_status setup_session(setup *s)
{
    return session_create(s->registry, s->config, &s->fields, largest_batch(s->config),
                          &s->session);
}

odeon_status setup_shapes(setup *s)
{
    return session_create_shapes(s->registry, s->config, &s->fields, largest_batch(s->config),
                                 &s->session);
}

/* Samples to solve for come in batches of data.test_batch alone. */
odeon_status setup_flow(setup *s)
{
    return session_create_flow(s->registry, s->config, &s->fields, s->config->test_batch,
                               &s->session);
}

odeon_status setup_observers(setup *s, size_t n, const char *const *more)
{
    return observers_create(s->registry, s->config, n, more, &s->observers);
}

void setup_warn(const setup *s, notes_use use)
{
    (void)notes_give(NULL, s->config, s->session, use);
}

/* The session first: it borrows configuration and registry. Takes {0}, and leaves it. */
void setup_close(setup *s)
{
    observers_destroy(s->observers);
    session_destroy(s->session);
    config_destroy(s->config);
    registry_destroy(s->registry);
    *s = (setup){.registry = NULL};
}
