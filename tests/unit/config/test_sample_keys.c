/* Sections [sample.NAME] become overrides of [model.NAME]. */
#include "config/sample_keys.h"

#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/temporary.h"
#include "support.h"

static const char ini[] = "[let]\nn = 3\n[model.a]\nlayer = identity\n[sample.a]\nlayer = ode\n"
                          "steps = ${n}\n[sample.a.b]\nunits = 2\n";

/* Of an INI of this text. */
static odeon_status read_keys(const char *text, size_t n, const char *const *operands,
                              sample_keys *out)
{
    char *path = NULL;
    assert_int_equal(temporary_file(text, strlen(text), &path), ODEON_OK);
    odeon_status status = sample_keys_read(path, n, operands, out);
    (void)unlink(path);
    mem_free(path);
    return status;
}

static void test_keys_stand_between_the_ini_and_what_was_typed(void **state)
{
    (void)state;
    static const char *const operands[] = {"f.ini", "model.a.rtol=1", "let.n=5"};
    static const char *const expected[] = {"f.ini",           "model.a.layer=ode",
                                           "model.a.steps=5", "model.a.b.units=2",
                                           "model.a.rtol=1",  "let.n=5"};
    sample_keys keys;
    assert_int_equal(read_keys(ini, 3, operands, &keys), ODEON_OK);
    assert_int_equal(keys.n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(keys.list[i], expected[i]);
    }
    sample_keys_fini(&keys);
}

static void test_without_sections_nothing_is_added(void **state)
{
    (void)state;
    static const char *const operands[] = {"f.ini", "run.seed=2"};
    sample_keys keys;
    assert_int_equal(read_keys("[model.a]\nlayer = identity\n", 2, operands, &keys), ODEON_OK);
    assert_int_equal(keys.n, 2);
    assert_string_equal(keys.list[1], "run.seed=2");
    sample_keys_fini(&keys);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const operands[] = {"f.ini", "let.n=5"};
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 1;
    for (; n < 1000 && status == ODEON_ERR_NOMEM; n++) {
        sample_keys keys;
        char *path = NULL;
        assert_int_equal(temporary_file(ini, sizeof ini - 1, &path), ODEON_OK);
        mem_fail_at(n);
        status = sample_keys_read(path, 2, operands, &keys);
        mem_fail_at(0);
        sample_keys_fini(&keys);
        (void)unlink(path);
        mem_free(path);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_stand_between_the_ini_and_what_was_typed),
        cmocka_unit_test(test_without_sections_nothing_is_added),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
