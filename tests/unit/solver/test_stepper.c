/* Steps as programs of verbs: what may be said, what is refused, and what a program knows of
 * itself. */
#include "solver/stepper.h"

#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "plugin/component.h"
#include "plugin/registry.h"
#include "support.h"

static registry *plugins;

/* Steppers borrow what they were made of, so all of it lives until the end. */
enum { MAX_CONFIGS = 128 };
static odeon_config *configs[MAX_CONFIGS];
static size_t n_configs;

static int open_plugins(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int close_plugins(void **state)
{
    (void)state;
    while (n_configs > 0) {
        schema_destroy(configs[--n_configs]);
    }
    registry_destroy(plugins);
    return 0;
}

static odeon_status make(const char *expression, stepper **out)
{
    location where = {.file = "test"};
    odeon_config *config = NULL;
    diag_clear();
    assert_int_equal(component_read(plugins, ODEON_KIND_INTEGRATOR, expression, where, "test",
                                    ODEON_SOURCE, 0, NULL, &config),
                     ODEON_OK);
    odeon_status status = stepper_create(config, "ode", DENSE_UNUSED, out);
    if (status != ODEON_OK) {
        schema_destroy(config);
        return status;
    }
    assert_true(n_configs < MAX_CONFIGS);
    configs[n_configs++] = config;
    return ODEON_OK;
}

static stepper *make_good(const char *expression)
{
    stepper *s = NULL;
    if (make(expression, &s) != ODEON_OK) {
        fail_msg("%s: %s", expression, diag_message());
    }
    return s;
}

/* ---- what is refused ---- */

/* A rule of registers is broken: the message names the method and says what is wrong. */
static void check_status(odeon_status expected, const char *rule, const char *text)
{
    char *expression = mem_printf("scripted(rule=%s)", rule);
    stepper *s = NULL;
    (void)make(expression, &s); /* loads the plugin */
    int64_t live = mem_live_blocks();
    assert_int_equal(make(expression, &s), expected);
    assert_null(s);
    assert_int_equal(mem_live_blocks(), live);
    if (strstr(diag_message(), text) == NULL) {
        fail_msg("%s: '%s' does not say '%s'", rule, diag_message(), text);
    }
    mem_free(expression);
}

static void check_refused(const char *rule, const char *text)
{
    check_status(ODEON_ERR_PLUGIN, rule, text);
}

static void test_what_a_step_owes_must_be_written(void **state)
{
    (void)state;
    check_refused("no_y1", "integrator scripted: step uses register 1 wrongly: never written");
    check_refused("no_error", "register 4 wrongly: never written");
    check_refused("no_carry", "register 272 wrongly: never written");
}

static void test_registers_are_written_once_and_before_they_are_read(void **state)
{
    (void)state;
    check_refused("twice", "register 1025 wrongly: written twice");
    check_refused("unwritten", "register 1028 wrongly: read before it is written");
    check_refused("start_reads_carry", "register 16 wrongly: read before it is written");
}

static void test_registers_have_their_direction(void **state)
{
    (void)state;
    check_refused("reads_error", "register 4 wrongly: it cannot be read");
    check_refused("evaluates_into_error", "register 4 wrongly");
    check_refused("writes_y0", "register 0 wrongly: it cannot be written");
    check_refused("writes_carry_in", "register 16 wrongly: it cannot be written");
    check_refused("start_writes_y1", "start uses register 1 wrongly: it cannot be written");
}

static void test_numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    check_refused("unknown", "register 1124 wrongly: it cannot be written");
    check_refused("no_terms", "wrong number of addends");
    check_refused("many_terms", "wrong number of addends");
    check_refused("many_combinations", "wrong number of addends");
    check_refused("many_evals", "no more evaluations");
    check_refused("order", "numbers out of range");
    check_refused("carries", "numbers out of range");
    check_refused("much_work", "numbers out of range");
    check_refused("no_work",
                  "register 1024 wrongly"); /* none is allowed, but then none may be used */
}

/* The largest numbers are within the range, and what they name can be written. */
static void test_the_most_of_everything_is_taken(void **state)
{
    (void)state;
    const program *p;
    stepper *s = make_good("scripted(rule=most)");
    assert_int_equal(s->info.n_carry, ODEON_MAX_CARRY);
    assert_int_equal(s->info.n_work, ODEON_MAX_WORK);
    assert_int_equal(s->info.n_scalars, ODEON_MAX_SCALARS);
    assert_int_equal(stepper_program(s, 0, &p), ODEON_OK);
    assert_int_equal(p->n_combines, 4 + ODEON_MAX_CARRY); /* k1, end, y1, error, work, the others */
    assert_int_equal(s->start->n_combines, ODEON_MAX_CARRY - 1);
    stepper_destroy(s);
}

static void test_steps_said_to_be_alike_must_be(void **state)
{
    (void)state;
    check_refused("varies",
                  "integrator scripted says that its steps are alike from index 0 on, but step 2 ");
}

/* A second call shows it: the count of calls is not among what a step may depend on. */
static void test_a_method_that_remembers_is_refused(void **state)
{
    (void)state;
    check_refused("remembers", "integrator scripted: step 0 is another one when it is asked for "
                               "again: a method keeps nothing from step to step but carry");
}

static void test_scalars_and_factors_must_be_there(void **state)
{
    (void)state;
    check_refused("text", "integrator scripted: step: scalar 16: expected a number, a name or ( at "
                          "character 10");
    check_refused("ratio", "there is no step before, of which h_prev or w could tell");
    check_refused("scalar_twice", "step writes scalar 16, which cannot be, or twice");
    check_refused("scalar_unknown", "step writes scalar 18, which cannot be, or twice");
    check_refused("scalar_unwritten", "its coefficient is not finite, or of a scalar that is not");
    check_refused("factor", "its coefficient is not finite, or of a scalar that is not");
    check_refused("start_by_h", "start uses register 0 wrongly: its coefficient");
    check_refused("no_gamma", "no factor, or no scalar, to solve an equation with");
    check_refused("part", "uses part 0 of register 1027 wrongly: the method names no such part");
    check_refused("short_verb", "its verb has another struct_size than this host's");
}

static void test_terms_are_named_by_those_who_declare_it(void **state)
{
    (void)state;
    check_refused("terms",
                  "register 1027 wrongly: it is of terms that the method does not declare");
    check_refused("unknown_terms",
                  "register 1027 wrongly: it is of terms that the method does not");
    check_refused("terms_of_combine", "register 1027 wrongly: it is of terms that the method does");
    check_refused("reserved", "register 1027 wrongly: it is of terms that the method does not");
}

static void test_reserved_verbs_are_refused(void **state)
{
    (void)state;
    check_status(ODEON_ERR_UNSUPPORTED, "linsolve", "this host cannot yet carry out verb 5");
    check_status(ODEON_ERR_UNSUPPORTED, "noise", "this host cannot yet carry out verb 6");
}

/* ---- what a program knows ---- */

/* q and p of a state are two registers, and one again where it is read as a whole. */
static void test_leapfrog_puts_parts_together(void **state)
{
    (void)state;
    const program *p, *back;
    stepper *s = make_good("leapfrog");
    assert_int_equal(stepper_program(s, 0, &p), ODEON_OK);
    assert_int_equal(s->n_parts, 2);
    assert_true(s->needs_host && !s->implicit);
    assert_int_equal(p->n_evals, 3);
    assert_int_equal(p->n_joins, 3); /* M without q, y1 without p, y1 */
    assert_int_equal(stepper_inverse(s, &back), ODEON_OK);
    assert_int_equal(back->n_evals, 3);
    assert_true(back->c[0] == 1.0 && back->c[2] == 0.0);
    stepper_destroy(s);
}

/* Not by the step before: index 0 has none. */
static void test_bdf2_settles_behind_its_first_step(void **state)
{
    (void)state;
    const program *first, *second, *later;
    stepper *s = make_good("bdf2");
    assert_int_equal(stepper_program(s, 0, &first), ODEON_OK);
    assert_int_equal(stepper_program(s, 1, &second), ODEON_OK);
    assert_int_equal(stepper_program(s, 1000000, &later), ODEON_OK);
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(second, later);
    assert_int_equal(first->n_scalars, 0);
    assert_int_equal(second->n_scalars, 7);
    assert_int_equal(second->n_implicit, 1);
    assert_true(s->implicit);
    stepper_destroy(s);
}

/* By hand: y0, k1, k2, k3 and, at its peak, the fourth stage's state and k4 (or y1 for it). */
static void test_rk4_holds_six_vectors(void **state)
{
    (void)state;
    const program *p;
    stepper *s = make_good("rk4");
    assert_int_equal(stepper_program(s, 0, &p), ODEON_OK);
    assert_int_equal(p->n_evals, 4);
    assert_int_equal(p->n_combines, 4);
    assert_int_equal(p->max_live, 6);
    /* cotangents of y1 and of three stages' states, of k1, what its vjp writes, and that of y0 */
    assert_int_equal(p->reverse_live, 7);
    /* y0 is read by all three states and by y1, k1 by one of them and y1; both stay to the end */
    assert_int_equal(p->use_begin[REG_Y0 + 1] - p->use_begin[REG_Y0], 4);
    for (int32_t i = p->use_begin[REG_Y0]; i + 1 < p->use_begin[REG_Y0 + 1]; i++) {
        assert_true(p->uses[i].verb < p->uses[i + 1].verb);
        assert_int_equal(p->terms[p->uses[i].term].x, REG_Y0);
    }
    /* three states, each behind its evaluation, and four slopes behind y1 */
    assert_int_equal(p->free_begin[p->n_verbs], 7);
    for (int32_t v = 0; v < p->n_verbs; v++) {
        for (int32_t i = p->free_begin[v]; i < p->free_begin[v + 1]; i++) {
            assert_int_equal(p->last_use[p->free_order[i]], v);
        }
    }
    assert_null(s->start);
    stepper_destroy(s);
}

/* By hand: y0, k1 (carried in) to k6, y1 at which k7 is taken, k7 (carried out). */
static void test_tsit5_holds_nine_vectors(void **state)
{
    (void)state;
    const program *p;
    stepper *s = make_good("tsit5");
    assert_int_equal(stepper_program(s, 0, &p), ODEON_OK);
    assert_int_equal(p->n_evals, 6);
    assert_int_equal(p->n_combines, 7); /* six states and the error */
    assert_int_equal(p->max_live, 9);
    /* y1, five states, what the last vjp writes, y0 and k1, carried in */
    assert_int_equal(p->reverse_live, 9);
    assert_non_null(s->start);
    assert_int_equal(s->start->n_evals, 1);
    stepper_destroy(s);
}

/* A stage state is free behind its evaluation, slopes only at the end: the error reads them. */
static void test_registers_are_free_after_their_last_use(void **state)
{
    (void)state;
    const program *p;
    stepper *s = make_good("tsit5");
    assert_int_equal(stepper_program(s, 0, &p), ODEON_OK);
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        if (w->kind == VERB_EVAL) {
            bool y1 = w->in == REG_Y1;
            assert_int_equal(p->last_use[w->in], y1 ? p->n_verbs : v);
            assert_int_equal(p->last_use[w->out], p->n_verbs);
            assert_int_equal(p->eval_only[w->in], !y1);
            assert_false(p->eval_only[w->out]);
        }
    }
    stepper_destroy(s);
}

/* Every index the same verbs: one program, however often it is asked for. */
static void test_equal_steps_are_one_program(void **state)
{
    (void)state;
    stepper *s = make_good("scripted");
    const program *first, *p;
    assert_int_equal(stepper_program(s, 0, &first), ODEON_OK);
    int64_t allocations = mem_total_allocs();
    for (int64_t index = 1; index < 200; index++) {
        assert_int_equal(stepper_program(s, index, &p), ODEON_OK);
        assert_ptr_equal(p, first);
    }
    assert_int_equal(s->n_programs, 1);
    assert_int_equal(mem_total_allocs(), allocations);
    stepper_destroy(s);
}

/* Three starting steps of one sort, then the method proper. */
static void test_multistep_method_is_two_programs(void **state)
{
    (void)state;
    stepper *s = make_good("adams_bashforth(order=4)");
    const program *p[6];
    for (int64_t index = 0; index < 6; index++) {
        assert_int_equal(stepper_program(s, index, &p[index]), ODEON_OK);
    }
    assert_int_equal(s->n_programs, 2);
    assert_ptr_equal(p[0], p[2]);
    assert_ptr_not_equal(p[2], p[3]);
    assert_ptr_equal(p[3], p[5]);
    assert_int_equal(p[0]->n_evals, 4);
    assert_int_equal(p[3]->n_evals, 1);
    stepper_destroy(s);
}

static void test_creation_reports_every_allocation_that_fails(void **state)
{
    (void)state;
    stepper *s = NULL;
    location where = {.file = "test"};
    odeon_config *config = NULL;
    assert_int_equal(component_read(plugins, ODEON_KIND_INTEGRATOR, "tsit5", where, "test",
                                    ODEON_SOURCE, 0, NULL, &config),
                     ODEON_OK);
    int64_t live = mem_live_blocks(), n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 100) {
        mem_fail_at(++n);
        status = stepper_create(config, "ode", DENSE_UNUSED, &s);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || mem_live_blocks() == live);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 5); /* stepper, instance, scratch twice, start, a program */
    stepper_destroy(s);
    schema_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_step_owes_must_be_written),
        cmocka_unit_test(test_registers_are_written_once_and_before_they_are_read),
        cmocka_unit_test(test_registers_have_their_direction),
        cmocka_unit_test(test_numbers_out_of_range_are_refused),
        cmocka_unit_test(test_the_most_of_everything_is_taken),
        cmocka_unit_test(test_steps_said_to_be_alike_must_be),
        cmocka_unit_test(test_a_method_that_remembers_is_refused),
        cmocka_unit_test(test_scalars_and_factors_must_be_there),
        cmocka_unit_test(test_terms_are_named_by_those_who_declare_it),
        cmocka_unit_test(test_reserved_verbs_are_refused),
        cmocka_unit_test(test_leapfrog_puts_parts_together),
        cmocka_unit_test(test_bdf2_settles_behind_its_first_step),
        cmocka_unit_test(test_rk4_holds_six_vectors),
        cmocka_unit_test(test_tsit5_holds_nine_vectors),
        cmocka_unit_test(test_registers_are_free_after_their_last_use),
        cmocka_unit_test(test_equal_steps_are_one_program),
        cmocka_unit_test(test_multistep_method_is_two_programs),
        cmocka_unit_test(test_creation_reports_every_allocation_that_fails),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
