#include "session/transfer.h"

#include <math.h>
#include <string.h>

#include "small_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/layer.h"

enum { N = 4, MOST = 16 };

static const param *find(const session *s, int32_t role)
{
    const params *all = &s->model.params;
    for (size_t i = 0; i < all->n; i++) {
        if (all->list[i].role == role) {
            return &all->list[i];
        }
    }
    fail_msg("no parameter of role %d", (int)role);
    return NULL;
}

static void test_a_parameter_is_cut_into_chunks(void **state)
{
    (void)state;
    param p = {.count = 2 * TRANSFER_CHUNK + 5};
    assert_int_equal(transfer_chunk(&p, 0), TRANSFER_CHUNK);
    assert_int_equal(transfer_chunk(&p, TRANSFER_CHUNK), TRANSFER_CHUNK);
    assert_int_equal(transfer_chunk(&p, 2 * (int64_t)TRANSFER_CHUNK), 5);
    p.count = TRANSFER_CHUNK;
    assert_int_equal(transfer_chunk(&p, 0), TRANSFER_CHUNK);
}

static void test_numbers_are_narrowed_to_the_runs_dtype_in_place(void **state)
{
    (void)state;
    config c = {.dtype = ODEON_DTYPE_F64};
    session s = {.model = {.config = &c}};
    double values[3] = {1.0 + 0x1p-40, -2.0, (double)INFINITY};
    const double kept[3] = {1.0 + 0x1p-40, -2.0, (double)INFINITY};
    transfer_narrow(&s, values, 3, values);
    assert_memory_equal(values, kept, sizeof values);
    c.dtype = ODEON_DTYPE_F32;
    transfer_narrow(&s, values, 3, values);
    float narrow[3];
    memcpy(narrow, values, sizeof narrow);
    assert_true(narrow[0] == 1.0f && narrow[1] == -2.0f && isinf(narrow[2]));
}

static void test_a_part_goes_to_the_device_and_comes_back(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_STATE, N, NULL);
    const param *p = find(s.session, ODEON_PARAM_WEIGHT);
    double before[MOST], after[MOST];
    const double part[2] = {7.0, 8.0};
    const char *base = transfer_base(s.session, p);
    assert_ptr_equal(base, s.session->model.values.data);
    support_require(transfer_download(s.session, base, p, 0, p->count, before), "download");
    support_require(transfer_upload_param(s.session, p, 1, 2, part), "upload");
    support_require(transfer_download(s.session, base, p, 0, p->count, after), "download");
    before[1] = 7.0;
    before[2] = 8.0;
    assert_memory_equal(after, before, (size_t)p->count * sizeof *after);
    support_session_close(&s);
}

static void test_running_state_lies_on_each_worker(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_STATE, N, NULL);
    const param *p = find(s.session, ODEON_PARAM_STATE);
    const double numbers[3] = {1.0, 2.0, 3.0};
    double found[3];
    assert_ptr_equal(transfer_base(s.session, p), s.session->workers[0].states.data);
    support_require(transfer_upload_param(s.session, p, 0, 3, numbers), "upload");
    support_require(transfer_download(s.session, s.session->workers[1].states.data, p, 0, 3, found),
                    "download");
    assert_memory_equal(found, numbers, sizeof found);
    support_session_close(&s);
}

/* Where numbers stop, with a message of their own. */
typedef struct giving {
    int64_t asked;
    odeon_status status;
} giving;

static odeon_status give(void *context, const param *p, int64_t first, int64_t n, double *out)
{
    giving *g = context;
    (void)p;
    g->asked += n;
    for (int64_t i = 0; i < n; i++) {
        out[i] = (double)(first + i);
    }
    return g->status == ODEON_OK ? ODEON_OK : diag_fail(g->status, "no more numbers");
}

static void test_a_parameter_is_set_chunk_by_chunk(void **state)
{
    (void)state;
    const char *overrides[] = {"model.a.units=30000", NULL}; /* 90000 elements: two chunks */
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    const param *p = &s.session->model.params.list[0];
    giving g = {.asked = 0};
    assert_true(p->count > TRANSFER_CHUNK);
    assert_false(s.session->unprepared);
    support_require(transfer_set(s.session, p, give, &g), "set");
    assert_true(s.session->unprepared);
    assert_int_equal(g.asked, p->count);
    double *found = mem_alloc((size_t)p->count * sizeof *found);
    support_require(session_parameter_get(s.session, 0, found), "get");
    for (int64_t i = 0; i < p->count; i++) {
        assert_true(found[i] == (double)i);
    }
    mem_free(found);
    support_session_close(&s);
}

static void test_a_source_that_fails_ends_the_transfer(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    double before[MOST], after[MOST];
    giving g = {.status = ODEON_ERR_DATA};
    int64_t blocks = mem_live_blocks();
    support_require(session_parameter_get(s.session, 0, before), "get");
    diag_clear();
    assert_int_equal(transfer_set(s.session, &s.session->model.params.list[0], give, &g),
                     ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "no more numbers");
    assert_true(s.session->unprepared); /* a chunk before it may have been set */
    support_require(session_parameter_get(s.session, 0, after), "get");
    assert_memory_equal(before, after, 9 * sizeof *after);
    assert_int_equal(mem_live_blocks(), blocks);
    support_session_close(&s);
}

static void test_a_gradient_is_searched_to_its_last_element(void **state)
{
    (void)state;
    static const char *const dtypes[] = {"run.dtype=float64", "run.dtype=float32"};
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {dtypes[i], NULL};
        support_session s = support_session_open(SMALL_CLASSES, N, overrides);
        const param *p = &s.session->model.params.list[0];
        worker *w = &s.session->workers[0];
        double bad = (double)NAN;
        char raw[sizeof(double)];
        (void)support_differentiate(&s, NULL, NULL);
        assert_true(transfer_gradient_is_finite(s.session, p));
        transfer_narrow(s.session, &bad, 1, raw);
        support_require(transfer_upload(w, w->grads.data, p, p->count - 1, 1, raw), "upload");
        assert_false(transfer_gradient_is_finite(s.session, p));
        assert_true(transfer_gradient_is_finite(s.session, &s.session->model.params.list[2]));
        mem_fail_at(1);
        assert_true(transfer_gradient_is_finite(s.session, p)); /* where it cannot be read */
        mem_fail_at(0);
        support_session_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_parameter_is_cut_into_chunks),
        cmocka_unit_test(test_numbers_are_narrowed_to_the_runs_dtype_in_place),
        cmocka_unit_test(test_a_part_goes_to_the_device_and_comes_back),
        cmocka_unit_test(test_running_state_lies_on_each_worker),
        cmocka_unit_test(test_a_parameter_is_set_chunk_by_chunk),
        cmocka_unit_test(test_a_source_that_fails_ends_the_transfer),
        cmocka_unit_test(test_a_gradient_is_searched_to_its_last_element),
    };
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
