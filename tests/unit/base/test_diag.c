#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "captured.h"
#include "odeon/host.h"

static void test_fail_returns_status_and_keeps_first_message(void **state)
{
    (void)state;
    diag_clear();
    assert_int_equal(diag_fail(ODEON_ERR_DATA, "file %s, byte %d", "a.idx", 7), ODEON_ERR_DATA);
    assert_int_equal(diag_fail(ODEON_ERR_IO, "later"), ODEON_ERR_IO);
    assert_string_equal(diag_message(), "file a.idx, byte 7");
}

static void test_clear_leaves_no_message(void **state)
{
    (void)state;
    diag_fail(ODEON_ERR_IO, "something");
    diag_clear();
    assert_string_equal(diag_message(), "");
}

static void test_message_is_cut_at_1023_bytes(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    diag_clear();
    diag_fail(ODEON_ERR_IO, "%s", text);
    assert_int_equal(strlen(diag_message()), 1023);
    diag_clear();
    diag_adopt(text);
    assert_int_equal(strlen(diag_message()), 1023);
}

/* Whoever reads it sees that there was more, and no half of a character before that. */
static void test_message_that_is_cut_says_so(void **state)
{
    (void)state;
    char text[3000] = "", fits[DIAG_MESSAGE_BYTES];
    for (size_t odd = 0; odd < 2; odd++) {
        memset(text, 'x', odd);
        for (size_t i = odd; i + 2 < sizeof text; i += 2) {
            memcpy(text + i, "\xc3\xa4", 3);
        }
        for (int adopt = 0; adopt < 2; adopt++) {
            diag_clear();
            if (adopt == 0) {
                diag_fail(ODEON_ERR_IO, "%s", text);
            } else {
                diag_adopt(text);
            }
            const char *end = diag_message() + strlen(diag_message()) - 3;
            assert_string_equal(end, "...");
            assert_in_range(strlen(diag_message()), 1022, 1023);
            assert_int_equal((unsigned char)end[-1], 0xa4);
        }
    }
    memset(fits, 'x', sizeof fits - 1);
    fits[sizeof fits - 1] = '\0';
    diag_clear();
    diag_fail(ODEON_ERR_IO, "%s", fits);
    assert_string_equal(diag_message(), fits);
}

static void test_message_is_one_line(void **state)
{
    (void)state;
    diag_clear();
    diag_fail(ODEON_ERR_IO, "a\nb\tc");
    assert_string_equal(diag_message(), "a b c");
}

static void test_message_may_be_built_from_the_message_before(void **state)
{
    (void)state;
    diag_clear();
    diag_fail(ODEON_ERR_IO, "inner");
    char before[64];
    (void)snprintf(before, sizeof before, "%s", diag_message());
    diag_clear();
    diag_fail(ODEON_ERR_IO, "outer: %s", before);
    assert_string_equal(diag_message(), "outer: inner");
}

static void test_adopt_keeps_first_message(void **state)
{
    (void)state;
    diag_clear();
    diag_adopt("from a worker");
    diag_adopt("from another");
    assert_string_equal(diag_message(), "from a worker");
}

static void *fail_elsewhere(void *message_there)
{
    diag_fail(ODEON_ERR_NUMERIC, "there");
    (void)snprintf(message_there, 16, "%s", diag_message());
    return NULL;
}

static void test_a_message_that_is_taken_makes_room_for_another(void **state)
{
    (void)state;
    diag_clear();
    diag_fail(ODEON_ERR_IO, "first");
    diag_reason reason = diag_take();
    assert_string_equal(diag_message(), "");
    diag_fail(ODEON_ERR_DATA, "second");
    assert_string_equal(reason.text, "first");
    diag_clear();
    diag_adopt(reason.text);
    assert_string_equal(diag_message(), "first");
    diag_clear();
    assert_string_equal(diag_take().text, "");
}

static void test_message_belongs_to_its_thread(void **state)
{
    (void)state;
    char there[16] = "";
    pthread_t thread;
    diag_clear();
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, there), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(there, "there");
    assert_string_equal(diag_message(), "");
}

/* What log says on stderr. */
static void capture_log(int32_t level, const char *text, char *out, size_t bytes)
{
    captured c;
    captured_start(&c);
    diag_log(level, "%s", text);
    captured_stop(&c);
    (void)snprintf(out, bytes, "%s", c.text);
}

static void test_log_writes_one_line_with_its_level(void **state)
{
    (void)state;
    char line[sizeof((captured *)0)->text];
    capture_log(ODEON_LOG_WARNING, "slow\nkernel", line, sizeof line);
    assert_string_equal(line, "odeon: warning: slow kernel\n");
    capture_log(ODEON_LOG_INFO, "ready", line, sizeof line);
    assert_string_equal(line, "odeon: ready\n");
}

static void test_log_shows_debug_only_when_asked(void **state)
{
    (void)state;
    char line[sizeof((captured *)0)->text];
    (void)unsetenv("ODEON_DEBUG");
    capture_log(ODEON_LOG_DEBUG, "detail", line, sizeof line);
    assert_string_equal(line, "");
    (void)setenv("ODEON_DEBUG", "1", 1);
    capture_log(ODEON_LOG_DEBUG, "detail", line, sizeof line);
    (void)unsetenv("ODEON_DEBUG");
    assert_string_equal(line, "odeon: debug: detail\n");
}

static void test_status_has_text_and_exit_code(void **state)
{
    (void)state;
    assert_string_equal(status_text(ODEON_ERR_NUMERIC), "numerical failure");
    assert_int_equal(status_exit_code(ODEON_OK), 0);
    assert_int_equal(status_exit_code(ODEON_ERR_NOMEM), 7);
    assert_int_equal(status_exit_code(ODEON_ERR_CANCELLED), 130);
}

static void test_unknown_status_is_an_internal_error(void **state)
{
    (void)state;
    assert_int_equal(status_exit_code(-77), 1);
    assert_int_equal(status_exit_code(77), status_exit_code(ODEON_VOID_STEP));
    assert_string_equal(status_text(-77), "unknown failure");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_returns_status_and_keeps_first_message),
        cmocka_unit_test(test_clear_leaves_no_message),
        cmocka_unit_test(test_message_is_cut_at_1023_bytes),
        cmocka_unit_test(test_message_that_is_cut_says_so),
        cmocka_unit_test(test_message_is_one_line),
        cmocka_unit_test(test_message_may_be_built_from_the_message_before),
        cmocka_unit_test(test_adopt_keeps_first_message),
        cmocka_unit_test(test_a_message_that_is_taken_makes_room_for_another),
        cmocka_unit_test(test_message_belongs_to_its_thread),
        cmocka_unit_test(test_log_writes_one_line_with_its_level),
        cmocka_unit_test(test_log_shows_debug_only_when_asked),
        cmocka_unit_test(test_status_has_text_and_exit_code),
        cmocka_unit_test(test_unknown_status_is_an_internal_error),
    };
    return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
