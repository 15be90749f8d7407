#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "plugin/calling.h"

static char path[] = "model.gain";
static const odeon_component layer = {.kind = ODEON_KIND_LAYER, .id = "gain"};
static const odeon_component device = {.kind = ODEON_KIND_DEVICE, .id = "cpu"};
static const instance gain = {.component = &layer, .path = path, .file = "/some/gain.so"};
static const instance cpu = {.component = &device, .path = path, .file = "/some/cpu.so"};

static odeon_status call(odeon_status answer, const char *reason)
{
    diag_clear();
    calling outer = calling_begin(&gain, "forward");
    if (reason != NULL) {
        (void)diag_fail(answer, "%s", reason);
    }
    return calling_end(outer, answer);
}

static void assert_message(const char *text)
{
    assert_string_equal(diag_message(), text);
}

static void test_unknown_status_is_laid_at_the_plugins_door(void **state)
{
    (void)state;
    assert_int_equal(call(-1234, NULL), ODEON_ERR_PLUGIN);
    assert_message("model.gain: layer gain (/some/gain.so), forward: it answered with the unknown "
                   "status -1234: a bug in the plugin");
}

static void test_failure_without_words_gets_some(void **state)
{
    (void)state;
    assert_int_equal(call(ODEON_ERR_NUMERIC, NULL), ODEON_ERR_NUMERIC);
    assert_message("model.gain: layer gain (/some/gain.so), forward: numerical failure; it gives "
                   "no reason");
    assert_int_equal(call(ODEON_ERR_NUMERIC, ""), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "it gives no reason"));
    assert_int_equal(call(ODEON_ERR_NUMERIC, "x is no number"), ODEON_ERR_NUMERIC);
    assert_message("x is no number");
}

static void test_calls_nest(void **state)
{
    (void)state;
    calling none = calling_here.now;
    calling outer = calling_begin(&gain, "forward");
    calling inner = calling_begin(&cpu, "copy");
    assert_ptr_equal(calling_here.now.who, &cpu);
    calling_leave(inner);
    assert_ptr_equal(calling_here.now.who, &gain);
    assert_string_equal(calling_here.now.slot, "forward");
    calling_leave(outer);
    assert_ptr_equal(calling_here.now.who, none.who);
}

static void test_who_asked_a_device_for_what_it_refuses_is_blamed(void **state)
{
    (void)state;
    diag_clear();
    calling outer = calling_begin(&gain, "vjp");
    assert_true(calling_refused(&cpu, ODEON_ERR_INTERNAL, "copy: shapes differ"));
    assert_int_equal(calling_end(outer, ODEON_ERR_INTERNAL), ODEON_ERR_PLUGIN);
    assert_message("model.gain: layer gain (/some/gain.so), vjp asks the device for what it "
                   "refuses: copy: shapes differ");
}

static void test_device_that_fails_by_itself_is_not_excused(void **state)
{
    (void)state;
    calling outer = calling_begin(&cpu, "copy");
    assert_false(calling_refused(&cpu, ODEON_ERR_INTERNAL, "lost"));
    calling_leave(outer);
    outer = calling_begin(&gain, "forward");
    assert_false(calling_refused(&cpu, ODEON_ERR_NOMEM, "no memory"));
    calling_leave(outer);
    assert_false(calling_refused(&cpu, ODEON_ERR_INTERNAL, "nobody has asked"));
}

static void test_board_shows_what_a_thread_is_inside_of(void **state)
{
    (void)state;
    calling_board board = {.who = NULL};
    calling_show(&board);
    unsigned long before = atomic_load(&board.changes);
    calling outer = calling_begin(&gain, "forward");
    assert_ptr_equal(calling_read(&board).who, &gain);
    assert_string_equal(calling_read(&board).slot, "forward");
    calling_leave(outer);
    assert_null(calling_read(&board).who);
    assert_int_equal(atomic_load(&board.changes), before + 2);
    calling_show(NULL);
}

static void test_file_that_is_being_started_is_named_by_itself(void **state)
{
    (void)state;
    static char file[] = "/some/gain.so";
    const instance starter = {.path = file};
    char text[64];
    calling_text(&(calling){.who = &starter, .slot = "init"}, text, sizeof text);
    assert_string_equal(text, "/some/gain.so, init");
    diag_clear();
    calling outer = calling_begin(&starter, "init");
    (void)calling_end(outer, -77);
    assert_message("/some/gain.so, init: it answered with the unknown status -77: a bug in the "
                   "plugin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_status_is_laid_at_the_plugins_door),
        cmocka_unit_test(test_failure_without_words_gets_some),
        cmocka_unit_test(test_calls_nest),
        cmocka_unit_test(test_who_asked_a_device_for_what_it_refuses_is_blamed),
        cmocka_unit_test(test_device_that_fails_by_itself_is_not_excused),
        cmocka_unit_test(test_board_shows_what_a_thread_is_inside_of),
        cmocka_unit_test(test_file_that_is_being_started_is_named_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
