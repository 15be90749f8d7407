#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "format/safetensors_write.h"
#include "session/start.h"

static const char ini[] = "[run]\nworkers = 1\n"
                          "[data]\ndataset = idx(path=data, shape=1 1 3, classes=2)\n"
                          "[model.flat]\nlayer = flatten\n"
                          "[model.a]\nlayer = dense(units=3)\nthen = tanh, dense(units=classes)\n"
                          "[train]\nloss = cross_entropy\noptimizer = adam\n";

enum { N = 4 };

/* What a file says, tensor by tensor. */
static safetensors *write_and_read(session_tensors *x, safetensors_source source, const char *path)
{
    safetensors *file = NULL;
    const safetensors_meta meta[] = {{"format", "odeon"}};
    support_require(safetensors_write_from(path, x->n, x->entries, 1, meta, source, x), "write");
    support_require(safetensors_read(path, &file), "read");
    return file;
}

static void test_a_snapshot_has_values_and_moments_by_path(void **state)
{
    (void)state;
    support_session s = support_session_open(ini, N, NULL);
    session_tensors all, values;
    support_require(session_tensors_list(s.session, true, &all), "list");
    support_require(session_tensors_list(s.session, false, &values), "list");
    assert_int_equal(values.n, session_parameters(s.session));
    assert_int_equal(all.n, 3 * values.n);
    assert_string_equal(values.names[0], session_parameter_at(s.session, 0).path);
    assert_string_equal(all.names[0], values.names[0]);
    char *expected = mem_printf("/%s", all.names[0]);
    for (int i = 1; i <= 2; i++) {
        assert_memory_equal(all.names[i], SNAPSHOT_MOMENTS, sizeof SNAPSHOT_MOMENTS - 1);
        assert_non_null(strstr(all.names[i], expected));
        assert_int_equal(all.sources[i].moment, i - 1);
    }
    mem_free(expected);
    session_tensors_fini(&all);
    session_tensors_fini(&values);
    support_session_close(&s);
}

/* What a run began with, and what it has: the same before any step, also of train.weights. */
static void test_the_start_is_what_there_is_before_the_first_step(void **state)
{
    (void)state;
    folder f = folder_create();
    char saved[FOLDER_BYTES], *option;
    (void)snprintf(saved, sizeof saved, "%s", folder_file(&f, "saved.safetensors"));
    option = mem_printf("train.weights=%s", saved);
    const char *overrides[][2] = {{"run.seed=7", NULL}, {option, NULL}};
    for (int i = 0; i < 2; i++) {
        support_session s = support_session_open(ini, N, overrides[i]);
        session_tensors now, start;
        support_require(session_tensors_list(s.session, true, &now), "list");
        support_require(session_start_list(s.session, &start), "list");
        safetensors *a = write_and_read(&now, session_tensors_read, folder_file(&f, "a"));
        safetensors *b = write_and_read(&start, session_start_read, folder_file(&f, "b"));
        assert_int_equal(safetensors_count(a), now.n);
        for (size_t k = 0; k < safetensors_count(a); k++) {
            const safetensors_entry *x = safetensors_at(a, k), *y = safetensors_at(b, k);
            assert_string_equal(x->name, y->name);
            assert_memory_equal(x->data, y->data, x->bytes);
        }
        support_require(session_save(s.session, saved), "save");
        safetensors_destroy(a);
        safetensors_destroy(b);
        session_tensors_fini(&now);
        session_tensors_fini(&start);
        support_session_close(&s);
    }
    mem_free(option);
    folder_remove(&f);
}

static void test_a_snapshot_restores_to_the_bit(void **state)
{
    (void)state;
    folder f = folder_create();
    support_session s = support_session_open(ini, N, NULL);
    session_tensors x;
    int64_t n;
    double *before = support_parameters(&s, &n), *other = mem_zalloc((size_t)n, sizeof *other);
    support_require(session_tensors_list(s.session, true, &x), "list");
    safetensors *file = write_and_read(&x, session_tensors_read, folder_file(&f, "a"));
    for (size_t i = 0; i < session_parameters(s.session); i++) {
        support_require(session_parameter_set(s.session, i, other), "set");
    }
    support_require(session_restore(s.session, file, "a"), "restore");
    double *after = support_parameters(&s, &n);
    assert_memory_equal(before, after, (size_t)n * sizeof *after);
    mem_free(before);
    mem_free(other);
    mem_free(after);
    safetensors_destroy(file);
    session_tensors_fini(&x);
    support_session_close(&s);
    folder_remove(&f);
}

/* Without the moments, and with another shape. */
static void test_another_snapshot_is_refused(void **state)
{
    (void)state;
    folder f = folder_create();
    const char *larger[] = {"model.a.layer=dense(units=4)", NULL};
    support_session s = support_session_open(ini, N, NULL),
                    t = support_session_open(ini, N, larger);
    session_tensors values, others;
    support_require(session_tensors_list(s.session, false, &values), "list");
    support_require(session_tensors_list(t.session, true, &others), "list");
    safetensors *a = write_and_read(&values, session_tensors_read, folder_file(&f, "a"));
    safetensors *b = write_and_read(&others, session_tensors_read, folder_file(&f, "b"));
    diag_clear();
    assert_int_equal(session_restore(s.session, a, "a"), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "a: tensor 'optimizer/"));
    assert_non_null(strstr(diag_message(), "is missing"));
    diag_clear();
    assert_int_equal(session_restore(s.session, b, "b"), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), ", the model needs "));
    safetensors_destroy(a);
    safetensors_destroy(b);
    session_tensors_fini(&values);
    session_tensors_fini(&others);
    support_session_close(&s);
    support_session_close(&t);
    folder_remove(&f);
}

static void test_lists_and_copies_survive_every_failing_allocation(void **state)
{
    (void)state;
    support_session s = support_session_open(ini, N, NULL);
    int64_t before = mem_live_blocks();
    for (int copy = 0; copy < 2; copy++) {
        odeon_status status = ODEON_ERR_NOMEM;
        for (int n = 1; status != ODEON_OK; n++) {
            session_copy x = {.data = NULL};
            diag_clear();
            mem_fail_at(n);
            status = copy != 0 ? session_copy_take(s.session, &x)
                               : session_tensors_list(s.session, true, &x.list);
            mem_fail_at(0);
            assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
            assert_int_equal(status == ODEON_OK, diag_message()[0] == '\0');
            session_copy_fini(&x);
            assert_int_equal(mem_live_blocks(), before);
        }
    }
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_has_values_and_moments_by_path),
        cmocka_unit_test(test_the_start_is_what_there_is_before_the_first_step),
        cmocka_unit_test(test_a_snapshot_restores_to_the_bit),
        cmocka_unit_test(test_another_snapshot_is_refused),
        cmocka_unit_test(test_lists_and_copies_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
