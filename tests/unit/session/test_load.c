#include "session/load.h"

#include <string.h>

#include "small_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "device/worker_group.h"
#include "session/slice.h"

enum { N = 5, WIDTH = 3 };

/* A batch, and where its fields are given back: inputs [n, 3], labels [n, ...]. */
typedef struct loading {
    batch b;
    double input[N * WIDTH], label[N * WIDTH];
    int64_t no_label; /* workers whose slice has none */
} loading;

static odeon_status load(worker *w, void *context)
{
    loading *l = context;
    odeon_layer_call call = worker_call(w, ODEON_CALL_TRAIN);
    int64_t n = 0, first = worker_slice(w, l->b.n, &n);
    worker_group_resolve(&w->group);
    ODEON_TRY(load_slice(w, &l->b, &call, first, n));
    const odeon_tensor *label = &w->fields.of[ODEON_ROLE_LABEL];
    if (label->view.data == NULL) {
        __atomic_fetch_add(&l->no_label, 1, __ATOMIC_SEQ_CST);
    } else {
        ODEON_TRY(worker_give_back(w, label, first, l->label));
    }
    ODEON_TRY(worker_give_back(w, &w->fields.of[ODEON_ROLE_INPUT], first, l->input));
    load_end(w, ODEON_OK);
    return ODEON_OK;
}

/* Bytes with a scale and, in front of the network, a transform. */
static const char bytes[] = "[run]\nworkers = 2\ndtype = float64\n"
                            "[data]\ndataset = idx(path=data, shape=1 1 3, classes=2)\n"
                            "[data.pixels]\nlayer = flatten\nthen = scale(factor=2)\n"
                            "[model.head]\nlayer = dense(units=classes)\n"
                            "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

static void test_slices_come_from_the_data_set_in_the_order_of_indices(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    data_source *source = support_batch_source(&s);
    static const int64_t indices[N] = {4, 0, 7, 2, 2};
    loading l = {.b = {.n = N, .source = source, .indices = indices}};
    support_require(small_run(s.session, load, &l), "load");
    double labels[N];
    float samples[N * WIDTH];
    int64_t classes[N];
    void *fields[DATA_ROLES] = {[ODEON_ROLE_INPUT] = samples, [ODEON_ROLE_LABEL] = classes};
    support_require(data_batch(source, N, indices, fields), "read");
    for (int i = 0; i < N * WIDTH; i++) {
        assert_true(l.input[i] == (double)samples[i]);
    }
    support_require(data_labels(source, N, indices, labels), "labels");
    assert_memory_equal(l.label, labels, sizeof labels);
    data_close(source);
    support_session_close(&s);
}

/* What is placed on the device comes from there, with the same numbers. */
static void test_placed_samples_are_the_same(void **state)
{
    (void)state;
    const char *overrides[] = {"data.on_device=yes", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    data_source *source = support_batch_source(&s);
    static const int64_t indices[N] = {4, 0, 7, 2, 2};
    loading host = {.b = {.n = N, .source = source, .indices = indices}}, placed = host;
    support_require(session_place(s.session, source), "place");
    placed.b.samples = session_placed(s.session, source);
    assert_non_null(placed.b.samples);
    support_require(small_run(s.session, load, &host), "load");
    support_require(small_run(s.session, load, &placed), "load");
    assert_memory_equal(host.input, placed.input, sizeof host.input);
    assert_memory_equal(host.label, placed.label, sizeof host.label);
    data_close(source);
    support_session_close(&s);
}

static void test_given_inputs_skip_the_transforms(void **state)
{
    (void)state;
    support_session s = support_session_open(bytes, N, NULL);
    loading l = {.b = {.n = N}};
    l.b.given[ODEON_ROLE_INPUT] = support_given(&s)[ODEON_ROLE_INPUT];
    support_require(small_run(s.session, load, &l), "load");
    assert_memory_equal(l.input, s.x, sizeof l.input);
    assert_int_equal(l.no_label, 2); /* a field that is left out is absent */
    support_session_close(&s);
}

/* The data set's scale applies to what is stored, the transforms to both. */
static void test_stored_bytes_and_their_numbers_pass_the_transforms(void **state)
{
    (void)state;
    support_session s = support_session_open(bytes, N, NULL);
    const odeon_field_info *info = &s.fields.of[ODEON_ROLE_INPUT];
    unsigned char stored[N * WIDTH];
    double values[N * WIDTH];
    for (int i = 0; i < N * WIDTH; i++) {
        stored[i] = (unsigned char)(17 * i);
        values[i] = info->scale * stored[i] + info->shift;
    }
    loading by_bytes = {.b = {.n = N, .stored = stored}};
    loading by_numbers = {.b = {.n = N, .values = values}};
    support_require(small_run(s.session, load, &by_bytes), "load");
    support_require(small_run(s.session, load, &by_numbers), "load");
    assert_memory_equal(by_bytes.input, by_numbers.input, sizeof values);
    for (int i = 0; i < N * WIDTH; i++) {
        assert_true(by_numbers.input[i] == 2.0 * values[i]);
    }
    support_session_close(&s);
}

static void test_host_memory_grows_with_the_batch_and_is_kept(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_FLOW, N, NULL);
    data_source *source = support_batch_source(&s);
    static const int64_t indices[N] = {4, 0, 7, 2, 2};
    loading l = {.b = {.n = 2, .source = source, .indices = indices}};
    support_require(small_run(s.session, load, &l), "load");
    const worker *w = &s.session->workers[1];
    assert_int_equal(w->host_samples, 1);
    assert_non_null(w->numbers[ODEON_ROLE_TIME]);
    assert_non_null(w->numbers[ODEON_ROLE_MASK]);
    l.b.n = N;
    support_require(small_run(s.session, load, &l), "load");
    assert_int_equal(w->host_samples, 3);
    l.b.n = 2;
    support_require(small_run(s.session, load, &l), "load");
    assert_int_equal(w->host_samples, 3);
    data_close(source);
    support_session_close(&s);
}

static void test_a_sample_that_cannot_be_read_is_the_batchs_failure(void **state)
{
    (void)state;
    static const char ini[] = "[run]\nworkers = 1\n"
                              "[data]\ndataset = numbered(unreadable=3)\n"
                              "[model.head]\nlayer = dense(units=classes)\n"
                              "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
    support_session s = support_session_open(ini, N, NULL);
    data_source *source = support_batch_source(&s);
    static const int64_t indices[2] = {0, 3};
    session_result result;
    diag_clear();
    odeon_status status = session_evaluate(s.session, source, 2, indices, &result);
    assert_true(status < 0 && status != ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(), "data: numbered: sample 3 is unreadable");
    support_require(session_evaluate(s.session, source, 1, indices, &result), "evaluate");
    data_close(source);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices_come_from_the_data_set_in_the_order_of_indices),
        cmocka_unit_test(test_placed_samples_are_the_same),
        cmocka_unit_test(test_given_inputs_skip_the_transforms),
        cmocka_unit_test(test_stored_bytes_and_their_numbers_pass_the_transforms),
        cmocka_unit_test(test_host_memory_grows_with_the_batch_and_is_kept),
        cmocka_unit_test(test_a_sample_that_cannot_be_read_is_the_batchs_failure),
    };
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
