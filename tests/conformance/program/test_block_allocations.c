/* Training with blocks that ask for memory of their own, with every allocation failing once. */
#include "failing_program.h"

#include "allocation_sites.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/config_load.h"
#include "support_session.h"

#define HEAD                                                                                       \
    "[run]\nseed = 3\nworkers = 1\ndtype = float64\niterations = 2\n"                              \
    "[data]\ndataset = measured(shape=2, label=2, length=4)\nbatch = 4\n"

/* Jumps, and an optimizer that searches. */
static const char events[] = HEAD
    "[model.ode]\n"
    "layer = ode(span=0 1, direction=down, rtol=1e-3, atol=1e-3)\n"
    "integrator = bosh3\n"
    "gradient = direct\n"
    "[model.ode.f]\n"
    "layer = formula(equations=h' = v | v' = -g, constants=g=9, learn=g)\n"
    "[model.ode.event]\n"
    "layer = formula(inputs=h v, outputs=ground, equations=ground = h + 2)\n"
    "[model.ode.reset]\n"
    "layer = formula(inputs=h v, outputs=h up, equations=up = -e*v, constants=e=0.6, learn=e)\n"
    "[train]\n"
    "loss = mse\n"
    "optimizer = lbfgs\n";

/* Samples by themselves, side by side and one after the other, integrals, two terms, and a key on a
 * schedule. */
static const char samples[] = HEAD "[model.z]\n"
                                   "layer = dense(units=4)\n"
                                   "[model.code]\n"
                                   "layer = gaussian\n"
                                   "[model.ode]\n"
                                   "layer = ode(span=0 1, step=sample, rtol=1e-3, atol=1e-3)\n"
                                   "integrator = tsit5\n"
                                   "gradient = direct\n"
                                   "[model.ode.f]\n"
                                   "layer = dense(units=state)\n"
                                   "then = tanh\n"
                                   "[model.energy]\n"
                                   "layer = ode(span=0 1, rtol=1e-3, atol=1e-3)\n"
                                   "integrator = tsit5\n"
                                   "gradient = adjoint(y=dense)\n"
                                   "[model.energy.f]\n"
                                   "layer = dense(units=state)\n"
                                   "then = tanh, kinetic\n"
                                   "[model.stiff]\n"
                                   "layer = ode(span=0 1, step=sample, rtol=1e-3, atol=1e-3)\n"
                                   "integrator = trbdf2\n"
                                   "gradient = direct\n"
                                   "[model.stiff.f]\n"
                                   "layer = dense(units=state)\n"
                                   "then = tanh\n"
                                   "[model.split]\n"
                                   "layer = ode(span=0 1, steps=3)\n"
                                   "integrator = ark324\n"
                                   "gradient = checkpoint\n"
                                   "[model.split.f]\n"
                                   "layer = dense(units=state)\n"
                                   "[model.split.stiff]\n"
                                   "layer = dense(units=state)\n"
                                   "[train]\n"
                                   "loss = mse, penalty(of=energy.kinetic code.kl)\n"
                                   "optimizer = adam(lr=0.01)\n"
                                   "clip_norm = 1\n"
                                   "ema = 0.9\n"
                                   "set = model.ode.tolerance_factor: linear(from=10, epochs=1)\n";

/* ---- building, and a gradient ---- */

enum { SAMPLES = 4 };

enum { MOST_NUMBERS = 64 };

typedef struct outcome {
    double loss, gradient[MOST_NUMBERS];
} outcome;

static odeon_status take_gradient(session *s, outcome *out)
{
    int64_t at = 0;
    for (size_t i = 0; i < session_parameters(s); i++) {
        assert_true(at + session_parameter_at(s, i).count <= MOST_NUMBERS);
        ODEON_TRY(session_gradient_get(s, i, out->gradient + at));
        at += session_parameter_at(s, i).count;
    }
    return ODEON_OK;
}

/* The batch is that of a session which is there already. */
static odeon_status differentiate(const char *ini, support_session *whole, outcome *out)
{
    config *c = NULL;
    data_fields fields;
    session *s = NULL;
    session_result result = {.loss = 0.0};
    odeon_status status = config_load(whole->registry, ini, 0, NULL, &c);
    status = status == ODEON_OK ? data_describe(c, &fields) : status;
    status = status == ODEON_OK ? session_create(whole->registry, c, &fields, SAMPLES, &s) : status;
    if (status == ODEON_OK) {
        status = session_differentiate(s, SAMPLES, support_given(whole), NULL, NULL, &result);
        out->loss = result.loss;
    }
    status = status == ODEON_OK ? take_gradient(s, out) : status;
    session_destroy(s);
    config_destroy(c);
    return status;
}

/* Every single allocation: no memory, or the bits of a session that has all it asks for. */
static void check_session(const char *text)
{
    folder f = folder_create();
    folder_write(&f, "run.ini", text, strlen(text));
    char *ini = mem_strdup(folder_file(&f, "run.ini"));
    support_session whole = support_session_open(text, SAMPLES, NULL);
    outcome wanted = {0}, got = {0};
    assert_int_equal(differentiate(ini, &whole, &wanted), ODEON_OK);
    int64_t failed = 0;
    for (bool failing = true; failing; failed += failing) {
        int64_t live = mem_live_blocks(), total = mem_total_allocs();
        diag_clear();
        mem_fail_at(failed + 1);
        odeon_status status = differentiate(ini, &whole, &got);
        mem_fail_at(0);
        failing = mem_total_allocs() - total > failed;
        assert_int_equal(mem_live_blocks(), live);
        if (status == ODEON_OK) {
            assert_memory_equal(&got, &wanted, sizeof got);
        } else if (status != ODEON_ERR_NOMEM) {
            fail_msg("allocation %lld: status %d, %s", (long long)failed + 1, (int)status,
                     diag_message());
        }
    }
    print_message("%lld allocations failed\n", (long long)failed);
    assert_in_range(failed, 200, 10000);
    support_session_close(&whole);
    mem_free(ini);
    folder_remove(&f);
}

static void test_sessions_survive_every_failing_allocation(void **state)
{
    (void)state;
    check_session(events);
    check_session(samples);
}

/* ---- the program ---- */

static void check(const char *ini)
{
    folder f = folder_create();
    folder_write(&f, "run.ini", ini, strlen(ini));
    char *out = mem_printf("run.out=%s/run", f.path);
    const char *const arguments[] = {
        "odeon", "train", folder_file(&f, "run.ini"), "--plugin-path=" ODEON_TEST_PLUGINS,
        out,     NULL};
    failing_program_check(&f, arguments, (program_made){"run", "run/weights.safetensors"});
    mem_free(out);
    folder_remove(&f);
}

static void test_events_survive_every_failing_allocation(void **state)
{
    (void)state;
    check(events);
}

static void test_samples_by_themselves_survive_them(void **state)
{
    (void)state;
    check(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_survive_every_failing_allocation),
        cmocka_unit_test(test_events_survive_every_failing_allocation),
        cmocka_unit_test(test_samples_by_themselves_survive_them),
    };
    allocation_sites_share(32); /* ODEON_ALLOCATIONS=0 for all chains */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
