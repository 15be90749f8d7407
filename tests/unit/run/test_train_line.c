#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "base/diag.h"
#include "run/train_line.h"

/* What led to the end stays this thread's message. */
static void test_a_last_line_leaves_the_message(void **state)
{
    (void)state;
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    (void)diag_fail(ODEON_ERR_DATA, "no file");
    train_line_print(NULL, ODEON_ERR_DATA, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "{\"run\": null, \"state\": \"failed\", \"error\": \"no file\"}\n");
    assert_string_equal(diag_message(), "no file");
    diag_clear();
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_last_line_leaves_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
