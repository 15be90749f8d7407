#include "run/note.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "captured.h"

static void test_a_note_is_a_line_on_a_file(void **state)
{
    (void)state;
    char *text;
    size_t bytes;
    captured said;
    FILE *out = open_memstream(&text, &bytes);
    captured_start(&said);
    note(out, "%s has %d keys", "section", 3);
    captured_stop(&said);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "section has 3 keys\n");
    assert_string_equal(said.text, "");
    free(text);
}

static void test_without_a_file_it_is_a_warning(void **state)
{
    (void)state;
    captured said;
    captured_start(&said);
    note(NULL, "%d of %d", 1, 2);
    captured_stop(&said);
    assert_string_equal(said.text, "odeon: warning: 1 of 2\n");
}

static void test_a_long_note_is_cut_and_shows_it(void **state)
{
    (void)state;
    static char longer[2 * DIAG_MESSAGE_BYTES];
    char *text;
    size_t bytes;
    memset(longer, 'x', sizeof longer - 1);
    FILE *out = open_memstream(&text, &bytes);
    note(out, "%s", longer);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(bytes, DIAG_MESSAGE_BYTES); /* 1023 and the line's end */
    assert_string_equal(text + bytes - 5, "x...\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_note_is_a_line_on_a_file),
        cmocka_unit_test(test_without_a_file_it_is_a_warning),
        cmocka_unit_test(test_a_long_note_is_cut_and_shows_it),
    };
    return cmocka_run_group_tests_name("note", tests, NULL, NULL);
}
