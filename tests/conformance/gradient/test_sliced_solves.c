/* Solves slice by slice against solves of whole batches, on the cpu's own products, whose rows do
 * not depend on one another: outputs, steps and evaluations are the same to the bit, and gradients
 * but for the order in which they are added up over samples. */
#include <string.h>

#include "base/mem.h"
#include "ode/block.h"
#include "session/members.h"
#include "solver/state.h"
#include "support_session.h"

/* Slices are of as many samples as hold sixteen times what its weights take: not of all. */
static const char network[] = "[run]\nname = test\ndtype = float64\nworkers = 1\n"
                              "[data]\ndataset = idx(path=/nowhere, shape=1 2 2, classes=3)\n"
                              "[model.flat]\nlayer = flatten\n"
                              "[model.stem]\nlayer = dense(units=3)\nthen = tanh\n"
                              "[model.ode]\nlayer = ode\nintegrator = dopri5\ngradient = direct\n"
                              "[model.ode.time]\nlayer = concat_time(at=first)\n"
                              "[model.ode.a]\nlayer = dense(units=4)\nthen = tanh\n"
                              "[model.ode.b]\nlayer = dense(units=state)\nthen = softplus\n"
                              "[model.rows]\nlayer = flatten\n"
                              "[model.head]\nlayer = dense(units=classes)\n"
                              "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { SAMPLES = 31, CLASSES = 3, MAX_OVERRIDES = 10 };

typedef struct answer {
    session_result result;
    double output[SAMPLES * CLASSES];
    double *gradients;
    int64_t n;
} answer;

static answer solve(const char *device, const char *const *overrides)
{
    const char *all[MAX_OVERRIDES] = {device};
    for (int i = 0; overrides[i] != NULL; i++) {
        all[i + 1] = overrides[i];
    }
    answer out;
    memset(&out, 0, sizeof out);
    support_session s = support_session_open(network, SAMPLES, all);
    out.result = support_differentiate(&s, out.output, NULL);
    out.gradients = support_gradients(&s, &out.n);
    support_session_close(&s);
    return out;
}

/* Sums in float64 over the samples in another order: 1e-12 of their size is far above that. */
static void check(const char *const *overrides)
{
    answer whole = solve("run.device=cpu(blas=own, slice_kib=0)", overrides);
    answer sliced = solve("run.device=cpu(blas=own, slice_kib=1)", overrides);
    const ode_counters *a = whole.result.blocks, *b = sliced.result.blocks;
    assert_memory_equal(whole.output, sliced.output, sizeof whole.output);
    assert_true(whole.result.loss == sliced.result.loss);
    assert_int_equal(a->evals_forward, b->evals_forward);
    assert_int_equal(a->evals_backward, b->evals_backward);
    assert_int_equal(a->accepted, b->accepted);
    assert_int_equal(a->rejected, b->rejected);
    assert_true(support_distance(whole.n, whole.gradients, sliced.gradients) <= 1e-12);
    assert_true(sliced.result.device.launches > whole.result.device.launches);
    mem_free(whole.gradients);
    mem_free(sliced.gradients);
}

static void test_frames_of_direct_are_those_of_slices(void **state)
{
    (void)state;
    check((const char *[]){"model.ode.rtol=1e-4", NULL});
    check((const char *[]){"model.ode.integrator=rk4", "model.ode.steps=3", NULL});
    check((const char *[]){"model.ode.times=0 0.3 1", "model.ode.integrator=tsit5", NULL});
}

static void test_adjoint_is_solved_slice_by_slice(void **state)
{
    (void)state;
    check((const char *[]){"model.ode.gradient=adjoint", NULL});
    check((const char *[]){"model.ode.gradient=adjoint(norm=full)", "model.ode.rtol=1e-5", NULL});
    check((const char *[]){"model.ode.gradient=adjoint(norm=full, count_time=yes)", NULL});
    check((const char *[]){"model.ode.gradient=adjoint", "model.ode.integrator=bosh3", NULL});
    check((const char *[]){"model.ode.gradient=adjoint", "model.ode.integrator=rk4",
                           "model.ode.steps=3", NULL});
    check((const char *[]){"model.ode.gradient=adjoint(y=dense)", NULL});
}

/* The end, and times within a step, are read off slopes of one slice after the other. */
static void test_outputs_within_steps_are_read_slice_by_slice(void **state)
{
    (void)state;
    check((const char *[]){"model.ode.gradient=adjoint(norm=full)", "model.ode.end=interpolate",
                           NULL});
    check((const char *[]){"model.ode.gradient=adjoint", "model.ode.end=interpolate",
                           "model.ode.times=0 0.1 0.11 0.12 0.5 2", NULL});
}

static void test_other_norms_and_methods_are_solved_alike(void **state)
{
    (void)state;
    check((const char *[]){"model.ode.gradient=adjoint(error_norm=max)", NULL});
    check((const char *[]){"model.ode.gradient=adjoint", "model.ode.rtol=1e-3 1e-4 1e-5", NULL});
    check((const char *[]){"model.ode.gradient=adjoint", "model.ode.integrator=dop853", NULL});
    check((const char *[]){"model.ode.gradient=checkpoint", "model.ode.integrator=rk4",
                           "model.ode.steps=6", NULL});
    check((const char *[]){"model.ode.gradient=adjoint", "model.ode.step_size=0.1",
                           "model.ode.integrator=adams_bashforth(order=2)", NULL});
}

/* Workspace of the stages is that of a slice: at equal steps the block takes less. */
static void test_stages_of_a_slice_take_less_memory(void **state)
{
    (void)state;
    const char *const adjoint[] = {"model.ode.gradient=adjoint", NULL};
    answer whole = solve("run.device=cpu(blas=own, slice_kib=0)", adjoint);
    answer sliced = solve("run.device=cpu(blas=own, slice_kib=1)", adjoint);
    assert_true(sliced.result.blocks[0].bytes < whole.result.blocks[0].bytes);
    mem_free(whole.gradients);
    mem_free(sliced.gradients);
}

/* How many outputs the last step of the forward solve was read at. */
static int32_t reads_of_last_step(const char *end)
{
    const char *overrides[] = {"run.device=cpu(blas=own, slice_kib=1)",
                               "model.ode.gradient=adjoint", end, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    (void)support_differentiate(&s, NULL, NULL);
    const solver *forward = s.session->workers[0].site.odes[0]->forward;
    assert_true(forward->slices.spare.data == NULL);
    int32_t reads = forward->slices.n_reads;
    support_session_close(&s);
    return reads;
}

/* There the end of the step is the value. */
static void test_output_at_the_end_of_a_step_is_not_read(void **state)
{
    (void)state;
    assert_int_equal(reads_of_last_step("model.ode.end=clip"), 0);
    assert_int_equal(reads_of_last_step("model.ode.end=interpolate"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_of_direct_are_those_of_slices),
        cmocka_unit_test(test_adjoint_is_solved_slice_by_slice),
        cmocka_unit_test(test_outputs_within_steps_are_read_slice_by_slice),
        cmocka_unit_test(test_other_norms_and_methods_are_solved_alike),
        cmocka_unit_test(test_stages_of_a_slice_take_less_memory),
        cmocka_unit_test(test_output_at_the_end_of_a_step_is_not_read),
    };
    return cmocka_run_group_tests_name("sliced solves", tests, NULL, NULL);
}
