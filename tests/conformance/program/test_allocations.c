/* Every allocation of a run fails once, alone or with all that follow: an error with its reason,
 * nothing left behind, nobody left waiting; and where the run goes on nevertheless, the same
 * numbers. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocation_sites.h"
#include "base/diag.h"
#include "base/mem.h"
#include "config/config_load.h"
#include "data/data.h"
#include "plugin/registry.h"
#include "session/placement.h"
#include "session/run_batch.h"
#include "session/services.h"
#include "session/session.h"
#include "session/weights.h"
#include "small_run.h"

enum { SECONDS = 240 };

/* ---- a run in two parts ---- */

typedef struct run_result {
    double loss[2], tested;
} run_result;

static odeon_status load(registry **plugins, const char *ini, config **out)
{
    static const char *const paths[] = {ODEON_TEST_PLUGINS, ODEON_BUILD "/plugins"};
    ODEON_TRY(registry_create(2, paths, plugins));
    registry_offer(*plugins, session_services);
    return config_load(*plugins, ini, 0, NULL, out);
}

static odeon_status steps_and_save(session *s, const data_source *train, const data_source *test,
                                   const char *weights, run_result *out)
{
    session_result result;
    int64_t order[SMALL_RUN_IMAGES];
    ODEON_TRY(data_order(train, 3, 1, order));
    ODEON_TRY(session_place(s, test)); /* where the device says so; the others are read ahead */
    session_expect(s, train, SMALL_RUN_BATCH, order + SMALL_RUN_BATCH);
    for (int64_t step = 1; step <= 2; step++) {
        ODEON_TRY(session_train(s, train, SMALL_RUN_BATCH, order + SMALL_RUN_BATCH * (step - 1), 1,
                                step, 1.0, &result));
        out->loss[step - 1] = result.loss;
    }
    ODEON_TRY(session_save(s, weights));
    ODEON_TRY(session_load(s, weights));
    int64_t all[SMALL_RUN_IMAGES];
    for (int64_t i = 0; i < SMALL_RUN_IMAGES; i++) {
        all[i] = i;
    }
    ODEON_TRY(session_evaluate(s, test, SMALL_RUN_IMAGES, all, &result));
    out->tested = result.loss;
    return ODEON_OK;
}

static odeon_status train(registry *plugins, const config *c, const char *weights, run_result *out)
{
    data_fields fields;
    data_source *train_set = NULL, *test_set = NULL;
    session *s = NULL;
    ODEON_TRY(data_describe(c, &fields));
    odeon_status status = data_open(c, ODEON_SPLIT_TRAIN, &train_set);
    if (status == ODEON_OK) {
        status = data_open(c, ODEON_SPLIT_TEST, &test_set);
    }
    if (status == ODEON_OK) {
        status = session_create(plugins, c, &fields, SMALL_RUN_BATCH, &s);
    }
    if (status == ODEON_OK) {
        status = steps_and_save(s, train_set, test_set, weights, out);
    }
    session_destroy(s);
    data_close(train_set);
    data_close(test_set);
    return status;
}

/* ---- what must hold for every allocation ---- */

typedef void (*failure)(int64_t k);

static void check_answer(odeon_status status, int64_t k, int64_t live)
{
    if (status != ODEON_OK && (status != ODEON_ERR_NOMEM || diag_message()[0] == '\0')) {
        fail_msg("allocation %lld: status %d, '%s'", (long long)k, (int)status, diag_message());
    }
    if (mem_live_blocks() != live) {
        fail_msg("allocation %lld: %lld blocks more than before (%s)", (long long)k,
                 (long long)(mem_live_blocks() - live), diag_message());
    }
}

/* Did the k-th allocation since total come at all? */
static bool happened(int64_t k, int64_t total)
{
    return mem_total_allocs() - total >= k;
}

/* Loads ini, while the k-th allocation fails; false: there were fewer. */
static bool loads(failure fail_allocation, const char *ini, int64_t k)
{
    registry *plugins = NULL;
    config *c = NULL;
    int64_t live = mem_live_blocks(), total = mem_total_allocs();
    diag_clear();
    fail_allocation(k);
    odeon_status status = load(&plugins, ini, &c);
    mem_fail_at(0);
    bool failed = k > 0 && happened(k, total);
    config_destroy(c);
    registry_destroy(plugins);
    check_answer(status, k, live);
    assert_true(failed || status == ODEON_OK);
    return failed;
}

static int64_t fail_loading(failure fail_allocation, const char *ini)
{
    allocation_sites_begin(fail_allocation == mem_fail_from);
    (void)loads(mem_fail_at, ini, 0);
    allocation_sites_end();
    int64_t k = allocation_sites_next(0);
    while (loads(fail_allocation, ini, k)) {
        k = allocation_sites_next(k);
    }
    return k - 1;
}

static int64_t fail_training(failure fail_allocation, registry *plugins, const config *c,
                             const char *weights)
{
    run_result expected;
    diag_clear();
    allocation_sites_begin(fail_allocation == mem_fail_from);
    if (train(plugins, c, weights, &expected) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    allocation_sites_end();
    size_t bytes, again;
    void *saved = folder_read(weights, &bytes);
    int64_t k = 0;
    for (bool failed = true; failed;) {
        run_result result = {.tested = 0.0};
        k = allocation_sites_next(k);
        int64_t live = mem_live_blocks(), total = mem_total_allocs();
        diag_clear();
        fail_allocation(k);
        odeon_status status = train(plugins, c, weights, &result);
        mem_fail_at(0);
        failed = happened(k, total);
        check_answer(status, k, live);
        assert_true(failed || status == ODEON_OK);
        if (status == ODEON_OK) {
            void *written = folder_read(weights, &again);
            assert_int_equal(again, bytes);
            assert_memory_equal(written, saved, bytes);
            assert_memory_equal(&result, &expected, sizeof result);
            free(written);
        }
    }
    free(saved);
    return k - 1;
}

/* f is removed. Loading is the same for two workers as for one, of which a file holds the number.
 */
static void check_run(failure fail_allocation, folder f, const char *what, int workers)
{
    (void)alarm(SECONDS); /* a worker that waits for ever */
    registry *plugins = NULL;
    config *c = NULL;
    const char *ini = folder_file(&f, "run.ini");
    int64_t loading = workers == 1 ? fail_loading(fail_allocation, ini) : 0;
    assert_int_equal(load(&plugins, ini, &c), ODEON_OK);
    int64_t training =
        fail_training(fail_allocation, plugins, c, folder_file(&f, "weights.safetensors"));
    print_message("%s, %d workers: %lld allocations of loading, %lld of training\n", what, workers,
                  (long long)loading, (long long)training);
    assert_true(workers > 1 || (loading >= 100 && loading <= 100000));
    assert_in_range(training, 100, 100000);
    config_destroy(c);
    registry_destroy(plugins);
    folder_remove(&f);
    (void)alarm(0);
}

static void check(const char *device, const char *gradient, int workers)
{
    check_run(mem_fail_at, small_run_create(device, gradient, workers), gradient, workers);
    check_run(mem_fail_from, small_run_create(device, gradient, workers), gradient, workers);
}

static void test_numbers_survive_every_failing_allocation(void **state)
{
    (void)state;
    for (int workers = 1; workers <= 2; workers++) {
        check_run(mem_fail_at, small_run_create_numbers(workers), "numbers", workers);
        check_run(mem_fail_from, small_run_create_numbers(workers), "numbers", workers);
    }
}

static void test_direct_survives_every_failing_allocation(void **state)
{
    (void)state;
    check("cpu", "direct", 1);
}

static void test_adjoint_survives_every_failing_allocation(void **state)
{
    (void)state;
    check("cpu", "adjoint", 1);
}

static void test_two_workers_survive_every_failing_allocation(void **state)
{
    (void)state;
    check("cpu", "direct", 2);
}

static void test_adjoint_of_two_workers_survives_every_failing_allocation(void **state)
{
    (void)state;
    check("cpu", "adjoint", 2);
}

/* Its memory is out of the host's reach, but what it keeps of its own is not. */
static void test_remote_device_survives_every_failing_allocation(void **state)
{
    (void)state;
    check("remote", "direct", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_survives_every_failing_allocation),
        cmocka_unit_test(test_adjoint_survives_every_failing_allocation),
        cmocka_unit_test(test_two_workers_survive_every_failing_allocation),
        cmocka_unit_test(test_adjoint_of_two_workers_survives_every_failing_allocation),
        cmocka_unit_test(test_numbers_survive_every_failing_allocation),
        cmocka_unit_test(test_remote_device_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
