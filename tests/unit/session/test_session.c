#include "session/session.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "small_session.h"

#include "base/cores.h"
#include "base/diag.h"
#include "base/mem.h"
#include "device/worker_group.h"
#include "folder.h"

enum { N = 4 };

static void test_nothing_may_be_destroyed(void **state)
{
    (void)state;
    session_destroy(NULL);
    support_session s = support_session_open(SMALL_STATE, N, NULL);
    support_session_close(&s); /* plugins stay loaded */
    int64_t before = mem_live_blocks();
    s = support_session_open(SMALL_STATE, N, NULL);
    assert_true(mem_live_blocks() > before);
    support_session_close(&s);
    assert_int_equal(mem_live_blocks(), before);
}

/* The initial values follow from seed and path, whatever the number of workers. */
static void test_a_seed_gives_the_same_values_on_any_number_of_workers(void **state)
{
    (void)state;
    static const char *const overrides[][3] = {{"run.workers=1", "run.seed=5", NULL},
                                               {"run.workers=3", "run.seed=5", NULL},
                                               {"run.workers=3", "run.seed=6", NULL}};
    double *values[3];
    int64_t n = 0;
    for (int i = 0; i < 3; i++) {
        support_session s = support_session_open(SMALL_CLASSES, N, overrides[i]);
        values[i] = support_parameters(&s, &n);
        support_session_close(&s);
    }
    assert_memory_equal(values[0], values[1], (size_t)n * sizeof(double));
    assert_memory_not_equal(values[0], values[2], (size_t)n * sizeof(double));
    for (int i = 0; i < 3; i++) {
        mem_free(values[i]);
    }
}

static void test_weights_of_a_file_come_in_place_of_the_seeds(void **state)
{
    (void)state;
    folder f = folder_create();
    char *option = mem_printf("train.weights=%s", folder_file(&f, "w.safetensors"));
    const char *others[] = {"run.seed=9", option, NULL};
    int64_t n;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    support_require(session_save(s.session, folder_file(&f, "w.safetensors")), "save");
    double *saved = support_parameters(&s, &n);
    support_session t = support_session_open(SMALL_CLASSES, N, others);
    double *loaded = support_parameters(&t, &n);
    assert_memory_equal(saved, loaded, (size_t)n * sizeof *saved);
    mem_free(saved);
    mem_free(loaded);
    mem_free(option);
    support_session_close(&s);
    support_session_close(&t);
    folder_remove(&f);
}

static void test_weights_that_do_not_fit_are_refused_by_every_kind(void **state)
{
    (void)state;
    folder f = folder_create();
    char *option = mem_printf("train.weights=%s", folder_file(&f, "w.safetensors"));
    const char *larger[] = {"model.a.units=4", NULL}, *overrides[] = {option, NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, larger), t;
    support_require(session_save(s.session, folder_file(&f, "w.safetensors")), "save");
    assert_int_equal(support_session_try(SMALL_CLASSES, N, overrides, &t), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), ", the model needs "));
    support_session_close(&s);
    s = support_session_open(SMALL_CLASSES, N, NULL);
    s.config->weights = mem_strdup(folder_file(&f, "w.safetensors"));
    session *shapes = s.session;
    diag_clear();
    assert_int_equal(session_create_shapes(s.registry, s.config, &s.fields, N, &shapes),
                     ODEON_ERR_DATA);
    assert_null(shapes);
    assert_non_null(strstr(diag_message(), ", the model needs "));
    support_session_close(&s);
    mem_free(option);
    folder_remove(&f);
}

/* Shapes have one worker's network, and no memory for numbers on the device. */
static void test_shapes_alone_have_no_numbers(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    session *shapes = NULL;
    support_require(session_create_shapes(s.registry, s.config, &s.fields, N, &shapes), "shapes");
    assert_int_equal(shapes->n_workers, 1);
    assert_int_equal(session_workers(shapes), 2);
    assert_null(shapes->model.values.data);
    assert_null(shapes->collective);
    assert_null(shapes->team);
    session_destroy(shapes);
    support_session_close(&s);
}

/* Slices of less than 64 kilobytes are not worth a worker each. */
static void test_a_small_batch_has_one_worker_by_itself(void **state)
{
    (void)state;
    const char *overrides[] = {"run.workers=auto", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    assert_int_equal(session_workers(s.session), 1);
    support_session_close(&s);
    s = support_session_open(SMALL_CLASSES, 1 << 20, overrides); /* 24 megabytes of values */
    int64_t cores = cores_usable();
    assert_int_equal(session_workers(s.session),
                     cores < COLLECTIVE_MAX_WORKERS ? cores : COLLECTIVE_MAX_WORKERS);
    support_session_close(&s);
}

static void test_every_failing_allocation_is_reported_and_nothing_leaks(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    session_destroy(s.session);
    s.session = NULL;
    int64_t before = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 0;
    while (status != ODEON_OK) {
        session *made = NULL;
        diag_clear();
        mem_fail_at(++n);
        status = session_create(s.registry, s.config, &s.fields, N, &made);
        mem_fail_at(0);
        assert_int_equal(status == ODEON_OK, made != NULL);
        assert_int_equal(status == ODEON_OK, diag_message()[0] == '\0');
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        session_destroy(made);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_true(n > 20);
    support_session_close(&s);
}

/* What a worker that waits in vain has said; the first call lets the other one go on. */
typedef struct stuck_note {
    atomic_int calls;
    char message[DIAG_MESSAGE_BYTES];
} stuck_note;

static void note_stuck(void *context, const char *message)
{
    stuck_note *note = context;
    if (note->calls == 0) {
        (void)snprintf(note->message, sizeof note->message, "%s", message);
    }
    note->calls++;
}

/* Rank 0 waits for rank 1, which stays where it is until that is noticed. */
static odeon_status wait_or_stay(worker *w, void *context)
{
    stuck_note *note = context;
    worker_group_resolve(&w->group);
    while (w->rank == 1 && note->calls == 0) {
    }
    return w->group.abi.agree(&w->group, ODEON_OK);
}

static void test_who_waits_in_vain_says_so_once_patience_ends(void **state)
{
    (void)state;
    const char *overrides[] = {"run.patience=0.2", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    stuck_note note = {.calls = 0};
    session_on_stuck(s.session, note_stuck, &note);
    (void)small_run(s.session, wait_or_stay, &note);
    assert_int_equal(note.calls, 1);
    static const char said[] = "worker 0 has waited 0.2 seconds in agree";
    assert_memory_equal(note.message, said, sizeof said - 1);
    assert_non_null(strstr(note.message, " for worker 1, "));
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_may_be_destroyed),
        cmocka_unit_test(test_a_seed_gives_the_same_values_on_any_number_of_workers),
        cmocka_unit_test(test_weights_of_a_file_come_in_place_of_the_seeds),
        cmocka_unit_test(test_weights_that_do_not_fit_are_refused_by_every_kind),
        cmocka_unit_test(test_shapes_alone_have_no_numbers),
        cmocka_unit_test(test_a_small_batch_has_one_worker_by_itself),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_nothing_leaks),
        cmocka_unit_test(test_who_waits_in_vain_says_so_once_patience_ends),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
