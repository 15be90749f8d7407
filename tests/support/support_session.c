#include "support_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/temporary.h"
#include "config/config_load.h"
#include "odeon/layer.h"
#include "plugin/registry.h"

/* The INI's text as a file, which config_load wants. */
static char *write_ini(const char *text)
{
    char *path;
    if (temporary_file(text, strlen(text), &path) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return path;
}

static double made_value(int32_t role, int64_t i, int64_t size)
{
    switch (role) {
    case ODEON_ROLE_TIME:
        return (double)(i % size);
    case ODEON_ROLE_MASK:
        return i % 3 == 1 ? 0.0 : 1.0;
    default:
        return support_random(11 + (uint64_t)role, (uint64_t)i);
    }
}

static void make_batch(support_session *s, int64_t n)
{
    int64_t classes = s->fields.of[ODEON_ROLE_LABEL].classes;
    s->n = n;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_shape one = role == ODEON_ROLE_INPUT
                              ? session_input(s->session)
                              : data_field_shape(&s->fields, role, 1, ODEON_DTYPE_F64);
        int64_t size = odeon_count(&one);
        if (data_has(&s->fields, role)) {
            s->given[role] = mem_zalloc((size_t)(n * size) + 1, sizeof(double));
            for (int64_t i = 0; i < n * size; i++) {
                s->given[role][i] = made_value(role, i, size);
            }
        }
        s->input_size = role == ODEON_ROLE_INPUT ? size : s->input_size;
    }
    s->x = s->given[ODEON_ROLE_INPUT];
    s->labels = mem_zalloc((size_t)n + 1, sizeof *s->labels);
    for (int64_t i = 0; i < n && classes > 0; i++) {
        s->labels[i] = (7 * i + 3) % classes;
    }
}

const double *const *support_given(support_session *s)
{
    for (int64_t i = 0; i < s->n && s->fields.of[ODEON_ROLE_LABEL].classes > 0; i++) {
        s->given[ODEON_ROLE_LABEL][i] = (double)s->labels[i];
    }
    return (const double *const *)s->given;
}

static odeon_status build(const char *path, int64_t n, const char *const *overrides,
                          support_session *out)
{
    enum { MOST = 64 };
    const char *all[MOST], *device = support_device_name(NULL);
    size_t count = 0;
    while (overrides != NULL && overrides[count] != NULL && count < MOST - 1) {
        all[count] = overrides[count];
        device = support_device_name(all[count]) != all[count] ? device : NULL; /* it stays */
        count++;
    }
    char *last = mem_printf("run.device=%s", device != NULL ? device : "");
    if (device != NULL) {
        all[count++] = last;
    }
    odeon_status status = config_load(out->registry, path, count, all, &out->config);
    mem_free(last);
    ODEON_TRY(status);
    support_force_simd(out->config->device);
    ODEON_TRY(data_describe(out->config, &out->fields));
    return session_create(out->registry, out->config, &out->fields, n, &out->session);
}

/* One for all sessions of the program: to find and load the plugins takes longer than most
 * sessions.
 */
static registry *plugins;

static void unload_plugins(void)
{
    registry_destroy(plugins);
}

static registry *loaded_plugins(void)
{
    if (plugins == NULL) {
        plugins = support_registry();
        assert_int_equal(atexit(unload_plugins), 0);
    }
    return plugins;
}

static odeon_status open_file(const char *path, int64_t n, const char *const *overrides,
                              support_session *out)
{
    diag_clear();
    *out = (support_session){.registry = loaded_plugins()};
    odeon_status status = build(path, n, overrides, out);
    if (status != ODEON_OK) {
        support_session_close(out);
        return status;
    }
    make_batch(out, n);
    return ODEON_OK;
}

odeon_status support_session_try(const char *ini, int64_t n, const char *const *overrides,
                                 support_session *out)
{
    char *path = write_ini(ini);
    odeon_status status = open_file(path, n, overrides, out);
    (void)unlink(path);
    mem_free(path);
    return status;
}

support_session support_session_file(const char *path, int64_t n, const char *const *overrides)
{
    support_session s;
    char *whole = mem_printf("%s/%s", ODEON_SOURCE, path);
    if (open_file(whole, n, overrides, &s) != ODEON_OK) {
        fail_msg("%s: %s", path, diag_message());
    }
    mem_free(whole);
    return s;
}

support_session support_session_open(const char *ini, int64_t n, const char *const *overrides)
{
    support_session s;
    if (support_session_try(ini, n, overrides, &s) != ODEON_OK) {
        fail_msg("session: %s", diag_message());
    }
    return s;
}

void support_session_close(support_session *s)
{
    session_destroy(s->session);
    config_destroy(s->config);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(s->given[role]);
    }
    mem_free(s->labels);
    *s = (support_session){0};
}

odeon_status support_differentiate_try(support_session *s, session_result *out)
{
    diag_clear();
    return session_differentiate(s->session, s->n, support_given(s), NULL, NULL, out);
}

void support_keep(session_result *result)
{
    enum { KEPT = 256, MOST = 4 };
    static ode_counters kept[KEPT][MOST];
    static size_t next;
    assert_in_range(result->n_blocks, 0, MOST);
    ode_counters *blocks = kept[next++ % KEPT];
    for (size_t i = 0; i < result->n_blocks; i++) {
        blocks[i] = result->blocks[i];
    }
    result->blocks = blocks;
}

session_result support_differentiate(support_session *s, double *output, double *d_x)
{
    session_result result;
    diag_clear();
    if (session_differentiate(s->session, s->n, support_given(s), output, d_x, &result) !=
        ODEON_OK) {
        fail_msg("differentiate: %s", diag_message());
    }
    support_keep(&result);
    return result;
}

typedef odeon_status (*getter)(session *s, size_t index, double *out);

/* One tensor after the other; running state only where get has it. */
static double *gather(session *s, getter get, bool states, int64_t *n)
{
    int64_t total = 0, at = 0;
    for (size_t i = 0; i < session_parameters(s); i++) {
        total += session_parameter_at(s, i).count;
    }
    double *out = mem_zalloc((size_t)total + 1, sizeof *out);
    for (size_t i = 0; i < session_parameters(s); i++) {
        session_parameter p = session_parameter_at(s, i);
        if (states || p.role != ODEON_PARAM_STATE) {
            support_require(get(s, i, out + at), p.path);
            at += p.count;
        }
    }
    *n = at;
    return out;
}

double *support_gradients(support_session *s, int64_t *n)
{
    return gather(s->session, session_gradient_get, false, n);
}

double *support_parameters(support_session *s, int64_t *n)
{
    return gather(s->session, session_parameter_get, true, n);
}

data_source *support_batch_source(support_session *s)
{
    data_source *source = NULL;
    support_require(data_open(s->config, ODEON_SPLIT_TRAIN, &source), "data");
    return source;
}

void support_require(odeon_status status, const char *what)
{
    if (status != ODEON_OK) {
        fail_msg("%s: %s: %s", what, status_text(status), diag_message());
    }
}

/* ---- finite differences ---- */

/* The loss of the batch in evaluation mode, which is the forward pass alone. */
static double evaluated_loss(support_session *s)
{
    session_batch batch = {.n = s->n};
    session_result result;
    memcpy(batch.field, support_given(s), sizeof batch.field);
    diag_clear();
    if (session_repeat(s->session, &batch, &result) != ODEON_OK) {
        fail_msg("evaluate: %s", diag_message());
    }
    return result.loss;
}

/* The loss as the gradient has it: in training mode, unless both are the same to the bit. */
static double loss_at(support_session *s, bool in_training)
{
    return in_training ? support_differentiate(s, NULL, NULL).loss : evaluated_loss(s);
}

/* Central differences of one parameter, or of the input (index = number of parameters). */
static double *differences(support_session *s, size_t index, int64_t count, bool in_training)
{
    bool input = index == session_parameters(s->session);
    double *values = input ? s->x : mem_zalloc((size_t)count, sizeof *values);
    double *out = mem_zalloc((size_t)count, sizeof *out);
    if (!input) {
        assert_int_equal(session_parameter_get(s->session, index, values), ODEON_OK);
    }
    for (int64_t i = 0; i < count; i++) {
        /* truncation h^2, rounding 1e-16 / h: both near 1e-10 of the loss */
        double step = 1e-5, kept = values[i], loss[2];
        for (int side = 0; side < 2; side++) {
            values[i] = kept + (side == 0 ? step : -step);
            if (!input) {
                assert_int_equal(session_parameter_set(s->session, index, values), ODEON_OK);
            }
            loss[side] = loss_at(s, in_training);
        }
        values[i] = kept;
        out[i] = (loss[0] - loss[1]) / (2.0 * step);
    }
    if (!input) {
        assert_int_equal(session_parameter_set(s->session, index, values), ODEON_OK);
        mem_free(values);
    }
    return out;
}

/* The gradient of every parameter, NULL of running state; the last one is that of the input. */
static double **all_gradients(support_session *s, double *loss)
{
    size_t n = session_parameters(s->session);
    double **out = mem_zalloc(n + 1, sizeof(double *));
    out[n] = mem_zalloc((size_t)(s->n * s->input_size), sizeof(double));
    *loss = support_differentiate(s, NULL, out[n]).loss;
    for (size_t i = 0; i < n; i++) {
        session_parameter p = session_parameter_at(s->session, i);
        if (p.role != ODEON_PARAM_STATE) {
            out[i] = mem_zalloc((size_t)p.count, sizeof(double));
            assert_int_equal(session_gradient_get(s->session, i, out[i]), ODEON_OK);
        }
    }
    return out;
}

double support_gradient_gap(support_session *s)
{
    double worst = 0.0, loss, **gradients = all_gradients(s, &loss);
    size_t n = session_parameters(s->session);
    bool in_training = evaluated_loss(s) != loss;
    for (size_t i = 0; i <= n; i++) {
        int64_t count = i < n ? session_parameter_at(s->session, i).count : s->n * s->input_size;
        if (gradients[i] != NULL) {
            double *expected = differences(s, i, count, in_training);
            double gap = support_distance(count, gradients[i], expected);
            worst = !(gap <= worst) ? gap : worst;
            mem_free(expected);
            mem_free(gradients[i]);
        }
    }
    mem_free(gradients);
    return worst;
}
