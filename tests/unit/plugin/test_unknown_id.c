#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "option/kinds.h"
#include "plugin/unknown_id.h"

/* Only dopri5 is called something else, too; asking pool goes wrong. */
static odeon_status write_alias(void *self, int32_t kind, const char *id, FILE *out)
{
    (void)self;
    (void)kind;
    if (strcmp(id, "pool") == 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "broken");
    }
    (void)fputs(strcmp(id, "dopri5") == 0 ? "rk45|ode45" : "", out);
    return ODEON_OK;
}

/* What is said to whoever asks for id where there are these ids, separated by blanks. */
static void expect(const char *ids, const char *id, const char *said)
{
    static const alias_source aliases = {.write = write_alias};
    id_list list = {.kind = ODEON_KIND_LAYER};
    char copy[128], *rest = NULL;
    (void)snprintf(copy, sizeof copy, "%s", ids);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        id_list_add(&list, ODEON_KIND_LAYER, word);
    }
    diag_clear();
    assert_int_equal(unknown_id_refuse(&list, id, &aliases), ODEON_ERR_CONFIG);
    if (strstr(diag_message(), said) == NULL) {
        fail_msg("'%s' does not stand in '%s'", said, diag_message());
    }
    id_list_fini(&list);
}

static void test_nearest_name_or_alias_is_said(void **state)
{
    (void)state;
    expect("tsit5 dopri5", "tsit", "no layer is named 'tsit': did you mean 'tsit5'");
    expect("tsit5 dopri5 pool", "ode45", "did you mean 'dopri5'");
    expect("tsit5 dopri5", "xyzzy", "allowed: dopri5, tsit5");
}

static void test_kernels_are_nobodys_choice(void **state)
{
    (void)state;
    expect("swish@cuda dense", "swish", "there is only swish@cuda, which takes its place");
    expect("swish@cuda dense", "xyzzy", "allowed: dense (`odeon plugins`");
}

static void test_ids_of_other_kinds_and_second_ones_are_not_added(void **state)
{
    (void)state;
    id_list list = {.kind = ODEON_KIND_LOSS};
    id_list_add(&list, ODEON_KIND_LOSS, "mse");
    id_list_add(&list, ODEON_KIND_LOSS, "mse");
    id_list_add(&list, ODEON_KIND_LAYER, "dense");
    assert_int_equal(list.n, 1);
    id_list_fini(&list);
}

static void test_kernels_id_names_layer_and_device(void **state)
{
    (void)state;
    assert_string_equal(kernel_device("swish@cuda", "swish"), "cuda");
    assert_null(kernel_device("swish@cuda", "swis"));
    assert_null(kernel_device("swish", "swish"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_name_or_alias_is_said),
        cmocka_unit_test(test_kernels_are_nobodys_choice),
        cmocka_unit_test(test_ids_of_other_kinds_and_second_ones_are_not_added),
        cmocka_unit_test(test_kernels_id_names_layer_and_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
