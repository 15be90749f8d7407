/* Kept steps: which states there are, which records a step has, and how states are thinned out. */
#include "solver/kept_steps.h"

#include "base/mem.h"
#include "support.h"

/* A counted vector with one user more than the lists, so that none is ever free. */
static counted_vector counted[64];

static bound_vector vector(int i)
{
    counted[i].refs++;
    return (bound_vector){.data = (char *)&counted[i], .owner = &counted[i]};
}

/* A step, and a state of two vectors if one is due. */
static void add(kept_steps *k, double t, bool is_start)
{
    const solve_record record = {.t = t, .is_start = is_start};
    assert_true(kept_steps_reserve(k));
    if (!is_start && (int64_t)k->n_steps % k->every == 0) {
        int at = 2 * (int)k->n_steps;
        k->states.x[2 * k->states.n] = vector(at);
        k->states.x[2 * k->states.n + 1] = vector(at + 1);
        k->states.n++;
    }
    kept_steps_add(k, &record);
}

static void begin(kept_steps *k, workspace *w, int64_t every)
{
    for (int i = 0; i < 64; i++) {
        counted[i] = (counted_vector){.refs = 1};
    }
    kept_steps_clear(k, w, every, 2, 0);
}

static void test_a_start_belongs_to_its_step(void **state)
{
    (void)state;
    kept_steps k = {0};
    workspace w = {0};
    begin(&k, &w, 2);
    add(&k, 0.0, true);
    add(&k, 0.0, false);
    add(&k, 1.0, false);
    add(&k, 2.0, true); /* a method for equal steps begins anew */
    add(&k, 2.0, false);
    assert_true(k.n_steps == 3 && k.n_records == 5);
    assert_true(k.first[0] == 0 && k.first[1] == 2 && k.first[2] == 3);
    assert_true(!kept_steps_record(&k, 0)->is_start && kept_steps_record(&k, 2)->t == 2.0);
    assert_true(kept_steps_has_state(&k, 0) && !kept_steps_has_state(&k, 1));
    assert_true(kept_steps_has_state(&k, 2) && !kept_steps_has_state(&k, 4));
    assert_ptr_equal(kept_steps_state(&k, 2)[1].owner, &counted[5]);
    assert_int_equal(kept_steps_vectors(&k), 4);
    kept_steps_clear(&k, &w, 3, 0, 0);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(counted[i].refs, 1);
    }
    assert_false(kept_steps_has_state(&k, 0));
    kept_steps_fini(&k);
}

static void test_thinning_leaves_every_other_state(void **state)
{
    (void)state;
    kept_steps k = {0};
    workspace w = {0};
    begin(&k, &w, 0);
    assert_true(k.chooses && k.every == 1);
    for (int i = 0; i < 7; i++) {
        add(&k, i, false);
    }
    kept_steps_thin(&k, &w);
    assert_true(k.every == 2 && k.states.n == 4);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(counted[2 * i].refs, i % 2 == 0 ? 2 : 1);
        assert_true(kept_steps_has_state(&k, i) == (i % 2 == 0));
    }
    assert_ptr_equal(kept_steps_state(&k, 6)[0].owner, &counted[12]);
    kept_steps_thin(&k, &w);
    assert_true(k.every == 4 && k.states.n == 2);
    assert_ptr_equal(kept_steps_state(&k, 4)[0].owner, &counted[8]);
    kept_steps_clear(&k, &w, 1, 0, 0);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(counted[i].refs, 1);
    }
    kept_steps_fini(&k);
}

static void test_reserve_without_memory_changes_nothing(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 4; n++) {
        kept_steps k = {0};
        workspace w = {0};
        kept_steps_clear(&k, &w, 1, 2, 3);
        mem_fail_at(n);
        assert_false(kept_steps_reserve(&k));
        mem_fail_at(0);
        assert_true(k.n_steps == 0 && kept_steps_vectors(&k) == 0);
        assert_true(kept_steps_reserve(&k));
        kept_steps_fini(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_start_belongs_to_its_step),
        cmocka_unit_test(test_thinning_leaves_every_other_state),
        cmocka_unit_test(test_reserve_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
