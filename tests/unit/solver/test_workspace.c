/* A solver's device memory: vectors are counted, frames are in one list at a time, and what is
 * freed was not in use. */
#include "solver/workspace.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

typedef struct fake {
    int64_t n_live, n_made, fail_at; /* fail_at: the allocation that fails; 0: none */
} fake;

static odeon_status fake_alloc(void *self, uint64_t bytes, void **out)
{
    fake *f = self;
    *out = ++f->n_made == f->fail_at ? NULL : mem_alloc(bytes);
    f->n_live += *out != NULL;
    return *out != NULL ? ODEON_OK : ODEON_ERR_DEVICE;
}

static void fake_free(void *self, void *memory)
{
    fake *f = self;
    f->n_live -= memory != NULL;
    mem_free(memory);
}

static const odeon_device_ops ops = {
    .struct_size = sizeof ops, .alloc = fake_alloc, .free = fake_free};

typedef struct fixture {
    fake memory;
    odeon_device device;
    workspace w;
} fixture;

static void open_fixture(fixture *f)
{
    *f = (fixture){.w = {.path = "test"}};
    f->device = (odeon_device){
        .struct_size = sizeof f->device, .handle = &f->memory, .self = &f->memory, .ops = &ops};
    f->w.device = &f->device;
}

static void close_fixture(fixture *f)
{
    workspace_fini(&f->w);
    assert_int_equal(f->memory.n_live, 0);
}

static void test_sizes_are_rounded_up_to_64(void **state)
{
    (void)state;
    assert_int_equal(workspace_aligned(0), 0);
    assert_int_equal(workspace_aligned(1), 64);
    assert_int_equal(workspace_aligned(64), 64);
    assert_int_equal(workspace_aligned(65), 128);
}

static void test_vector_is_free_when_its_last_user_releases_it(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    workspace_fit_vectors(&f.w, 128);
    assert_int_equal(workspace_reserve_vectors(&f.w, 2), ODEON_OK);
    bound_vector a = workspace_take(&f.w), b = workspace_share(a), c = workspace_take(&f.w);
    assert_non_null(a.data);
    assert_ptr_equal(a.data, b.data);
    assert_int_equal(c.data > a.data ? c.data - a.data : a.data - c.data, 128);
    assert_null(workspace_take(&f.w).data);
    workspace_release(&f.w, &a);
    assert_null(a.data);
    assert_int_equal(f.w.n_free_vectors, 0);
    workspace_release(&f.w, &b);
    assert_int_equal(f.w.n_free_vectors, 1);
    workspace_release(&f.w, &c);
    close_fixture(&f);
}

static void test_bind_keeps_what_is_bound_and_fails_where_none_is_free(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    char borrowed[64];
    bound_vector x = {.data = borrowed}, y = {0}, z = {0};
    workspace_fit_vectors(&f.w, 64);
    assert_int_equal(workspace_reserve_vectors(&f.w, 1), ODEON_OK);
    assert_int_equal(workspace_bind(&f.w, &x), ODEON_OK);
    assert_ptr_equal(x.data, borrowed);
    assert_int_equal(workspace_bind(&f.w, &y), ODEON_OK);
    assert_non_null(y.owner);
    assert_int_equal(workspace_bind(&f.w, &z), ODEON_ERR_INTERNAL);
    assert_non_null(strstr(diag_message(), "test: out of vectors"));
    workspace_release(&f.w, &x); /* a borrowed one is only forgotten */
    assert_int_equal(f.w.n_free_vectors, 0);
    workspace_release(&f.w, &y);
    diag_clear();
    close_fixture(&f);
}

/* One larger chunk replaces those that nobody uses; in the middle of a solve the rest is added. */
static void test_more_vectors_replace_or_join_those_that_are_there(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    workspace_fit_vectors(&f.w, 64);
    assert_int_equal(workspace_reserve_vectors(&f.w, 2), ODEON_OK);
    assert_int_equal(workspace_reserve_vectors(&f.w, 2), ODEON_OK);
    assert_int_equal(f.memory.n_made, 1);
    assert_int_equal(workspace_reserve_vectors(&f.w, 5), ODEON_OK);
    assert_int_equal(f.memory.n_live, 1);
    bound_vector x = workspace_take(&f.w);
    assert_int_equal(workspace_reserve_vectors(&f.w, 7), ODEON_OK);
    assert_int_equal(f.memory.n_live, 2);
    assert_true(f.w.n_vectors == 7 && f.w.n_free_vectors == 6);
    workspace_release(&f.w, &x);
    workspace_fit_vectors(&f.w, 32); /* smaller ones fit into those that are there */
    assert_int_equal(f.w.n_vectors, 7);
    workspace_fit_vectors(&f.w, 65);
    assert_int_equal(f.w.n_vectors, 0);
    close_fixture(&f);
}

/* A partner of the same device, whose vectors are larger. */
static void open_partner(const fixture *f, workspace *other)
{
    *other = (workspace){.device = &f->device, .path = "other"};
}

/* One after the other they take turns in one memory, of the larger's size. */
static void test_partners_take_turns_in_one_memory(void **state)
{
    (void)state;
    fixture f;
    workspace other;
    open_fixture(&f);
    open_partner(&f, &other);
    workspace_join(&other, &f.w);
    workspace_fit_vectors(&f.w, 64);
    assert_int_equal(workspace_reserve_vectors(&f.w, 3), ODEON_OK);
    workspace_fit_vectors(&other, 128);
    assert_int_equal(workspace_reserve_vectors(&other, 2), ODEON_OK);
    assert_int_equal(f.memory.n_live, 1);
    assert_true(other.n_vectors == 0 && workspace_n_vectors(&other) == 2);
    bound_vector a = workspace_take(&other), b = workspace_take(&other);
    assert_int_equal(b.data > a.data ? b.data - a.data : a.data - b.data, 128);
    assert_false(workspace_is_idle(&f.w));
    workspace_release(&other, &a);
    workspace_release(&other, &b);
    assert_true(workspace_is_idle(&f.w) && f.w.n_free_vectors == 2);
    workspace_fit_vectors(&f.w, 64); /* smaller ones fit */
    assert_int_equal(workspace_reserve_vectors(&f.w, 2), ODEON_OK);
    assert_int_equal(f.memory.n_made, 2);
    assert_int_equal(f.w.vector_bytes, 64);
    workspace_note_vectors(&f.w, 128);
    workspace_note_vectors(&other, 256);
    assert_int_equal(solve_peaks_bytes(&f.w, &other), 256); /* and not both */
    workspace_fini(&other);
    close_fixture(&f);
}

/* What the lender keeps is not touched, and the partner has memory of its own as long as that. */
static void test_partner_has_its_own_while_the_lender_keeps_vectors(void **state)
{
    (void)state;
    fixture f;
    workspace other;
    open_fixture(&f);
    open_partner(&f, &other);
    workspace_join(&other, &f.w);
    workspace_fit_vectors(&f.w, 64);
    assert_int_equal(workspace_reserve_vectors(&f.w, 2), ODEON_OK);
    bound_vector kept = workspace_take(&f.w);
    memset(kept.data, 7, 64);
    workspace_fit_vectors(&other, 128);
    assert_int_equal(workspace_reserve_vectors(&other, 2), ODEON_OK);
    assert_true(other.n_vectors == 2 && f.memory.n_live == 2);
    bound_vector a = workspace_take(&other);
    assert_true(a.data < kept.data || a.data >= kept.data + 64);
    workspace_release(&other, &a);
    workspace_note_vectors(&f.w, 128);
    workspace_note_vectors(&other, 256);
    assert_int_equal(solve_peaks_bytes(&f.w, &other), 128 + 256);
    workspace_release(&f.w, &kept);
    workspace_fit_vectors(&other, 128); /* its own goes */
    assert_int_equal(workspace_reserve_vectors(&other, 2), ODEON_OK);
    assert_true(other.n_vectors == 0 && f.memory.n_live == 1);
    workspace_fini(&f.w); /* in either order */
    workspace_fini(&other);
    close_fixture(&f);
}

static void test_frames_come_by_chunks_and_go_back(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    assert_true(workspace_frames_fit(&f.w, 0));
    assert_false(workspace_frames_fit(&f.w, 1));
    workspace_resize_frames(&f.w, 100);
    assert_true(workspace_frames_fit(&f.w, 128));
    assert_int_equal(workspace_reserve_frames(&f.w, 17), ODEON_OK);
    assert_int_equal(f.w.n_frames, 32);
    odeon_frame *a = workspace_take_frame(&f.w), *b = workspace_take_frame(&f.w);
    assert_ptr_not_equal(a->memory, b->memory);
    workspace_note_frames(&f.w);
    workspace_give_frame(&f.w, a);
    workspace_note_frames(&f.w);
    assert_int_equal(f.w.peak.frames, 2);
    assert_ptr_equal(workspace_take_frame(&f.w), a);
    assert_int_equal(f.w.n_free_frames, 30);
    close_fixture(&f);
}

/* Whoever held the others, they are free afterwards, each once. */
static void test_retaking_leaves_exactly_the_kept_frames_in_use(void **state)
{
    (void)state;
    fixture f;
    odeon_frame *kept[3];
    open_fixture(&f);
    workspace_resize_frames(&f.w, 64);
    assert_int_equal(workspace_reserve_frames(&f.w, 20), ODEON_OK);
    for (int i = 0; i < 3; i++) {
        (void)workspace_take_frame(&f.w);
        kept[i] = workspace_take_frame(&f.w);
    }
    for (int pass = 0; pass < 2; pass++) { /* marks are gone after the first */
        workspace_retake_frames(&f.w, kept, 3);
        assert_int_equal(f.w.n_free_frames, 29);
        int n = 0;
        for (const odeon_frame *x = f.w.free_frames; x != NULL; x = x->next) {
            assert_true(x != kept[0] && x != kept[1] && x != kept[2]);
            n++;
        }
        assert_int_equal(n, 29);
    }
    close_fixture(&f);
}

static void test_allocations_that_fail_leave_all_as_it_was(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    workspace_fit_vectors(&f.w, 64);
    workspace_resize_frames(&f.w, 64);
    for (int64_t n = 1; n <= 2; n++) {
        mem_fail_at(n);
        assert_int_equal(workspace_reserve_vectors(&f.w, 2), ODEON_ERR_NOMEM);
        mem_fail_at(n);
        assert_int_equal(workspace_reserve_frames(&f.w, 2), ODEON_ERR_NOMEM);
        mem_fail_at(0);
    }
    assert_non_null(strstr(diag_message(), "test: no memory for the solver"));
    f.memory.fail_at = f.memory.n_made + 1;
    assert_int_equal(workspace_reserve_vectors(&f.w, 2), ODEON_ERR_DEVICE);
    f.memory.fail_at = f.memory.n_made + 1;
    assert_int_equal(workspace_reserve_frames(&f.w, 2), ODEON_ERR_DEVICE);
    assert_true(f.w.n_vectors == 0 && f.w.n_frames == 0 && f.memory.n_live == 0);
    assert_int_equal(workspace_reserve_vectors(&f.w, 2), ODEON_OK);
    assert_int_equal(workspace_reserve_frames(&f.w, 2), ODEON_OK);
    diag_clear();
    close_fixture(&f);
}

static void test_peak_is_the_most_of_each(void **state)
{
    (void)state;
    workspace w = {.peak = {.frames = 3, .frame_bytes = 64}};
    workspace_note_vectors(&w, 100);
    workspace_note_vectors(&w, 50);
    workspace_note_records(&w, 7);
    workspace_note_records(&w, 9);
    assert_int_equal(solve_peak_bytes(&w.peak), 3 * 64 + 100 + 9);
    const solve_peak other = {
        .frames = 2, .frame_bytes = 128, .vector_bytes = 200, .record_bytes = 1};
    solve_peak_merge(&w.peak, &other);
    assert_int_equal(solve_peak_bytes(&w.peak), 3 * 128 + 200 + 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_are_rounded_up_to_64),
        cmocka_unit_test(test_vector_is_free_when_its_last_user_releases_it),
        cmocka_unit_test(test_bind_keeps_what_is_bound_and_fails_where_none_is_free),
        cmocka_unit_test(test_more_vectors_replace_or_join_those_that_are_there),
        cmocka_unit_test(test_partners_take_turns_in_one_memory),
        cmocka_unit_test(test_partner_has_its_own_while_the_lender_keeps_vectors),
        cmocka_unit_test(test_frames_come_by_chunks_and_go_back),
        cmocka_unit_test(test_retaking_leaves_exactly_the_kept_frames_in_use),
        cmocka_unit_test(test_allocations_that_fail_leave_all_as_it_was),
        cmocka_unit_test(test_peak_is_the_most_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
