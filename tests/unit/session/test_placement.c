#include "session/placement.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "small_session.h"

#include "base/diag.h"

enum { N = 4, SAMPLES = 8, SAMPLE_BYTES = 3 * sizeof(float) + sizeof(int64_t) };

static support_session open_with(const char *on_device, const char *device, data_source **source)
{
    const char *overrides[] = {on_device, device, NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    *source = support_batch_source(&s);
    return s;
}

static void close_all(support_session *s, data_source *source)
{
    session_release_placed(s->session); /* before its source is closed */
    data_close(source);
    support_session_close(s);
}

static void test_yes_places_a_split_on_any_device(void **state)
{
    (void)state;
    data_source *source;
    support_session s = open_with("data.on_device=yes", "run.device=cpu", &source);
    assert_null(session_placed(s.session, source));
    assert_int_equal(session_placed_bytes(s.session), 0);
    support_require(session_place(s.session, source), "place");
    assert_non_null(session_placed(s.session, source));
    assert_null(session_placed(s.session, NULL)); /* another split is not */
    assert_int_equal(session_placed_bytes(s.session), SAMPLES * SAMPLE_BYTES);
    session_release_placed(s.session);
    assert_null(session_placed(s.session, source));
    assert_int_equal(session_placed_bytes(s.session), 0);
    close_all(&s, source);
}

static void test_splits_are_told_apart_and_add_up(void **state)
{
    (void)state;
    data_source *train, *test = NULL;
    support_session s = open_with("data.on_device=yes", "run.device=cpu", &train);
    support_require(data_open(s.config, ODEON_SPLIT_TEST, &test), "test");
    support_require(session_place(s.session, train), "place");
    uint64_t first = session_placed_bytes(s.session);
    support_require(session_place(s.session, test), "place");
    assert_true(session_placed(s.session, train) != session_placed(s.session, test));
    assert_int_equal(session_placed_bytes(s.session), 2 * first);
    session_release_placed(s.session);
    data_close(test);
    close_all(&s, train);
}

static void test_no_leaves_the_samples_with_the_host(void **state)
{
    (void)state;
    data_source *source;
    support_session s = open_with("data.on_device=no", "run.device=remote", &source);
    support_require(session_place(s.session, source), "place");
    assert_null(session_placed(s.session, source));
    close_all(&s, source);
}

/* The processor has no memory of its own, the remote device has. */
static void test_auto_asks_the_device_for_its_memory(void **state)
{
    (void)state;
    data_source *source;
    support_session s = open_with("data.on_device=auto", "run.device=cpu", &source);
    support_require(session_place(s.session, source), "place");
    assert_null(session_placed(s.session, source));
    close_all(&s, source);
    s = open_with("data.on_device=auto", "run.device=remote", &source);
    support_require(session_place(s.session, source), "place");
    assert_non_null(session_placed(s.session, source));
    close_all(&s, source);
}

/* session_place with what it writes to stderr. */
static odeon_status place_and_read(const support_session *s, const data_source *source, char *text,
                                   size_t bytes)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    int before = dup(STDERR_FILENO);
    (void)fflush(stderr);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    odeon_status status = session_place(s->session, source);
    (void)fflush(stderr);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    assert_int_equal(close(before), 0);
    rewind(file);
    text[fread(text, 1, bytes - 1, file)] = '\0';
    (void)fclose(file);
    return status;
}

/* Two megabytes of samples are more than all of what this device has. */
static void test_what_does_not_fit_is_a_failure_only_where_it_was_asked_for(void **state)
{
    (void)state;
    static const char *const wishes[] = {"data.on_device=auto", "data.on_device=yes"};
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {wishes[i], "data.dataset=drawn(shape=3, length=100000)",
                                   "run.device=remote(memory=1048576)", NULL};
        support_session s = support_session_open(SMALL_CLASSES, N, overrides);
        data_source *source = support_batch_source(&s);
        diag_clear();
        char text[1024];
        odeon_status status = place_and_read(&s, source, text, sizeof text);
        assert_int_equal(status, i == 0 ? ODEON_OK : ODEON_ERR_NOMEM);
        if (i == 1) {
            static const char start[] = "data.on_device = yes: no room for samples of 2000000 "
                                        "bytes: ";
            assert_memory_equal(diag_message(), start, sizeof start - 1);
            assert_non_null(strstr(diag_message(), "; auto or no leaves them with the host"));
        } else {
            assert_string_equal(diag_message(), "");
            assert_non_null(strstr(text, "warning: 2 MB of samples stay with the host"));
            assert_non_null(strstr(text, "more than a quarter of the memory"));
        }
        assert_null(session_placed(s.session, source));
        close_all(&s, source);
    }
}

static void test_an_expectation_holds_for_the_next_batch_alone(void **state)
{
    (void)state;
    data_source *source;
    support_session s = open_with("data.on_device=no", "run.device=cpu", &source);
    static const int64_t indices[2 * N] = {0, 1, 2, 3, 4, 5, 6, 7};
    session_result result;
    session_expect(s.session, source, N, indices + N);
    assert_ptr_equal(s.session->expected.source, source);
    assert_int_equal(s.session->expected.n, N);
    assert_ptr_equal(s.session->expected.indices, indices + N);
    support_require(session_evaluate(s.session, source, N, indices, &result), "evaluate");
    assert_null(s.session->expected.source);
    close_all(&s, source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yes_places_a_split_on_any_device),
        cmocka_unit_test(test_splits_are_told_apart_and_add_up),
        cmocka_unit_test(test_no_leaves_the_samples_with_the_host),
        cmocka_unit_test(test_auto_asks_the_device_for_its_memory),
        cmocka_unit_test(test_what_does_not_fit_is_a_failure_only_where_it_was_asked_for),
        cmocka_unit_test(test_an_expectation_holds_for_the_next_batch_alone),
    };
    return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
