/* Observers as a run has them: which there are, and what their events cost. */
#include "run/observers.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "run/metrics.h"
#include "run_fixture.h"
#include "support.h"

/* All that ship with the program and need nothing of it, beside csv and jsonl. */
static const char *const more[] = {"tensorboard", "terminal(force=yes)", "report(every=0)", "csv",
                                   "tensorboard"};
enum { N_MORE = sizeof more / sizeof *more };

typedef struct many {
    registry *r;
    observers *all;
} many;

static many open_many(void **state)
{
    run_fixture *f = *state;
    many m = {.r = support_registry()};
    if (observers_create(m.r, &f->config, N_MORE, more, &m.all) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return m;
}

static void close_many(many *m)
{
    observers_destroy(m->all);
    registry_destroy(m->r);
}

static void test_further_observers_are_there_once(void **state)
{
    static const char *const expected[] = {"csv", "jsonl", "tensorboard", "terminal", "report"};
    many m = open_many(state);
    assert_int_equal(m.all->n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < m.all->n; i++) {
        assert_string_equal(m.all->list[i].instance->component->id, expected[i]);
        assert_int_equal(observer_has_records(&m.all->list[i]), i == 2);
    }
    close_many(&m);
}

static void test_what_cannot_be_is_refused_with_its_place(void **state)
{
    run_fixture *f = *state;
    static const char *const wrong[] = {"report(every=-1)"};
    registry *r = support_registry();
    observers *all = NULL;
    assert_int_equal(observers_create(r, &f->config, 1, wrong, &all), ODEON_ERR_CONFIG);
    assert_null(all);
    assert_non_null(strstr(diag_message(), "every"));
    diag_clear();
    registry_destroy(r);
}

static odeon_status add_rows(metrics *m, int64_t first, int64_t n)
{
    metrics_row row = run_fixture_row();
    for (int64_t i = first; i < first + n; i++) {
        row.step = i;
        row.seconds = 0.25 * (double)i;
        row.loss = 1.0 / (double)i;
        ODEON_TRY(run_fixture_add(m, &row));
    }
    return ODEON_OK;
}

/* From the second row on there is room for all of it: names, texts, lines, records, points. */
static void test_rows_allocate_nothing(void **state)
{
    many all = open_many(state);
    metrics *m = NULL;
    assert_int_equal(metrics_open(".", all.all, &m), ODEON_OK);
    assert_int_equal(add_rows(m, 1, 20), ODEON_OK);
    int64_t before = mem_total_allocs();
    assert_int_equal(add_rows(m, 21, 2000), ODEON_OK);
    assert_int_equal(mem_total_allocs() - before, 0);
    assert_int_equal(metrics_close(m), ODEON_OK);
    for (size_t i = 0; i < all.all->n; i++) {
        assert_false(all.all->list[i].failed);
    }
    close_many(&all);
}

static void test_files_are_known_by_their_names(void **state)
{
    (void)state;
    assert_true(observers_own_file("metrics.csv"));
    assert_true(observers_own_file("events.out.tfevents.0.odeon"));
    assert_false(observers_own_file("manifest.json"));
    assert_false(observers_own_file("weights.safetensors"));
    assert_false(observers_own_file("metrics"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_further_observers_are_there_once),
        WITH_FOLDER(test_what_cannot_be_is_refused_with_its_place),
        WITH_FOLDER(test_rows_allocate_nothing),
        cmocka_unit_test(test_files_are_known_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
