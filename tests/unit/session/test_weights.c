#include "session/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "small_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "format/checkpoint.h"

enum { N = 4, MOST = 16 };

static safetensors *read_back(const char *path)
{
    safetensors *file = NULL;
    support_require(safetensors_read(path, &file), "read");
    return file;
}

static void test_a_file_has_every_tensor_by_path_and_no_moments(void **state)
{
    (void)state;
    folder f = folder_create();
    const char *path = folder_file(&f, "w.safetensors");
    support_session s = support_session_open(SMALL_CLASSES, N, NULL); /* with adam */
    support_require(session_save(s.session, path), "save");
    safetensors *file = read_back(path);
    assert_int_equal(safetensors_count(file), 4);
    assert_int_equal(safetensors_find(file, "a.weight")->dtype, ODEON_DTYPE_F64);
    assert_string_equal(safetensors_metadata(file, "format"), "odeon");
    assert_null(safetensors_metadata(file, "step"));
    safetensors_destroy(file);
    diag_clear();
    assert_int_equal(session_save(s.session, "/nowhere/w.safetensors"), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "/nowhere/w.safetensors"));
    support_session_close(&s);
    folder_remove(&f);
}

/* Whoever loads gets what was saved; a check finds nothing to say and changes nothing. */
static void test_what_is_saved_loads_to_the_bit(void **state)
{
    (void)state;
    folder f = folder_create();
    const char *path = folder_file(&f, "w.safetensors"), *overrides[] = {"run.seed=99", NULL};
    support_session s = support_session_open(SMALL_STATE, N, NULL);
    support_session t = support_session_open(SMALL_STATE, N, overrides);
    int64_t n;
    support_require(session_save(s.session, path), "save");
    double *saved = support_parameters(&s, &n), *before = support_parameters(&t, &n);
    support_require(session_check_weights(t.session, path), "check");
    double *checked = support_parameters(&t, &n);
    assert_memory_equal(checked, before, (size_t)n * sizeof *before);
    assert_memory_not_equal(saved, before, (size_t)n * sizeof *before);
    support_require(session_load(t.session, path), "load");
    double *loaded = support_parameters(&t, &n);
    assert_memory_equal(loaded, saved, (size_t)n * sizeof *saved);
    mem_free(saved);
    mem_free(before);
    mem_free(checked);
    mem_free(loaded);
    support_session_close(&s);
    support_session_close(&t);
    folder_remove(&f);
}

/* Loading and checking refuse the same, in the same words. */
static void assert_refused(support_session *s, const char *path, const char *end)
{
    for (int check = 0; check < 2; check++) {
        diag_clear();
        odeon_status status =
            check ? session_check_weights(s->session, path) : session_load(s->session, path);
        assert_int_equal(status, ODEON_ERR_DATA);
        assert_memory_equal(diag_message(), path, strlen(path));
        assert_string_equal(diag_message() + strlen(path), end);
    }
}

static void test_weights_of_another_model_are_refused(void **state)
{
    (void)state;
    folder f = folder_create();
    const char *path = folder_file(&f, "w.safetensors");
    const char *wider[] = {"model.a.units=4", NULL};
    support_session plain = support_session_open(SMALL_CLASSES, N, NULL);
    support_session normed = support_session_open(SMALL_STATE, N, NULL);
    support_session wide = support_session_open(SMALL_CLASSES, N, wider);
    support_require(session_save(normed.session, path), "save");
    assert_refused(&plain, path,
                   ": tensor 'norm.bias' belongs to no layer of this model: are these the "
                   "weights of another one?");
    support_require(session_save(plain.session, path), "save");
    assert_refused(&normed, path,
                   ": tensor 'norm.weight' is missing: are these the weights of another model?");
    support_require(session_save(wide.session, path), "save");
    assert_refused(&plain, path, ": tensor 'a.weight' is [4, 3], the model needs [3, 3]");
    support_session_close(&plain);
    support_session_close(&normed);
    support_session_close(&wide);
    folder_remove(&f);
}

/* Of a model that ends with its ODE block the head's weights are no strangers. */
static void test_a_flow_takes_the_weights_of_the_whole_model(void **state)
{
    (void)state;
    folder f = folder_create();
    const char *path = folder_file(&f, "w.safetensors");
    support_session s = support_session_open(SMALL_FLOW, N, NULL);
    session *flow = NULL;
    support_require(session_save(s.session, path), "save");
    support_require(session_create_flow(s.registry, s.config, &s.fields, N, &flow), "flow");
    support_require(session_check_weights(flow, path), "check");
    support_require(session_load(flow, path), "load");
    session_destroy(flow);
    support_session_close(&s);
    folder_remove(&f);
}

/* A copy stays what it was when the session goes on. */
static void test_a_copy_is_of_the_moment_it_was_taken(void **state)
{
    (void)state;
    folder f = folder_create();
    const char *path = folder_file(&f, "w.safetensors");
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    double before[MOST];
    static const double zeros[MOST];
    session_copy copy;
    support_require(session_parameter_get(s.session, 0, before), "get");
    support_require(session_copy_take(s.session, &copy), "copy");
    support_require(session_parameter_set(s.session, 0, zeros), "set");
    support_require(session_copy_write(&copy, s.session, 17, path), "write");
    session_copy_fini(&copy);
    assert_null(copy.data);
    safetensors *file = read_back(path);
    assert_string_equal(safetensors_metadata(file, "step"), "17");
    assert_memory_equal(safetensors_find(file, "a.weight")->data, before, 9 * sizeof(double));
    safetensors_destroy(file);
    support_require(session_copy_write(&copy, s.session, 0, path), "write"); /* of the session */
    file = read_back(path);
    assert_memory_equal(safetensors_find(file, "a.weight")->data, zeros, 9 * sizeof(double));
    assert_null(safetensors_metadata(file, "step"));
    safetensors_destroy(file);
    support_session_close(&s);
    folder_remove(&f);
}

/* A checkpoint's moments are left alone, and those of the session are not touched. */
static void test_a_checkpoint_gives_its_weights(void **state)
{
    (void)state;
    folder f = folder_create();
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    session_tensors x;
    support_require(session_tensors_list(s.session, true, &x), "list");
    checkpoint_tensors tensors = {
        .n = x.n, .entries = x.entries, .source = session_tensors_read, .context = &x};
    checkpoint at = {.step = 3,
                     .epoch = 2,
                     .position = 4,
                     .total = 9,
                     .best = -(double)INFINITY,
                     .samples = 8,
                     .batch = 4,
                     .workers = 2,
                     .config = s.config->effective};
    assert_int_equal(mkdir(folder_file(&f, "checkpoints"), 0700), 0);
    support_require(checkpoint_write(f.path, &tensors, &at), "checkpoint");
    session_tensors_fini(&x);
    double before[MOST], after[MOST];
    static const double zeros[MOST];
    char *path = checkpoint_path(f.path, 3);
    support_require(session_parameter_get(s.session, 0, before), "get");
    support_require(session_parameter_set(s.session, 0, zeros), "set");
    support_require(session_check_weights(s.session, path), "check");
    support_require(session_load(s.session, path), "load");
    support_require(session_parameter_get(s.session, 0, after), "get");
    assert_memory_equal(after, before, 9 * sizeof *after);
    mem_free(path);
    support_session_close(&s);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_has_every_tensor_by_path_and_no_moments),
        cmocka_unit_test(test_what_is_saved_loads_to_the_bit),
        cmocka_unit_test(test_weights_of_another_model_are_refused),
        cmocka_unit_test(test_a_flow_takes_the_weights_of_the_whole_model),
        cmocka_unit_test(test_a_copy_is_of_the_moment_it_was_taken),
        cmocka_unit_test(test_a_checkpoint_gives_its_weights),
    };
    return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
