/* The checkpoints of a run by their names. */
#include "format/checkpoint_list.h"

#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "support.h"

static void add(const folder *f, const char *name)
{
    folder_write(f, name, "", 0);
}

static void test_names(void **state)
{
    (void)state;
    char *path = checkpoint_list_path("run/checkpoints", 40);
    char *in_run = checkpoint_list_folder("run");
    assert_string_equal(path, "run/checkpoints/ckpt-40.safetensors");
    assert_string_equal(in_run, "run/checkpoints");
    mem_free(path);
    mem_free(in_run);
}

static void test_newest_first_by_number(void **state)
{
    (void)state;
    folder f = folder_create();
    size_t n;
    int64_t *steps;
    add(&f, "ckpt-9.safetensors");
    add(&f, "ckpt-100.safetensors");
    add(&f, "ckpt-0.safetensors");
    assert_int_equal(checkpoint_list_steps(f.path, &n, &steps), ODEON_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(steps, ((int64_t[]){100, 9, 0}), 3 * sizeof *steps);
    mem_free(steps);
    folder_remove(&f);
}

static void test_other_names_are_no_checkpoints(void **state)
{
    (void)state;
    static const char *const others[] = {"ckpt-.safetensors",
                                         "ckpt-07.safetensors",
                                         "ckpt--1.safetensors",
                                         "ckpt-1.safetensors.tmp",
                                         "ckpt-1x.safetensors",
                                         "xckpt-1.safetensors",
                                         "ckpt-99999999999999999999.safetensors",
                                         "ckpt-9223372036854775808.safetensors"};
    folder f = folder_create();
    size_t n;
    int64_t *steps;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        add(&f, others[i]);
    }
    assert_int_equal(checkpoint_list_steps(f.path, &n, &steps), ODEON_OK);
    assert_int_equal(n, 0);
    assert_null(steps);
    folder_remove(&f);
}

static void test_a_folder_that_is_not_there_has_none(void **state)
{
    (void)state;
    size_t n;
    int64_t *steps;
    assert_int_equal(checkpoint_list_steps("/nowhere/checkpoints", &n, &steps), ODEON_OK);
    assert_int_equal(n, 0);
    folder f = folder_create();
    add(&f, "file");
    diag_clear();
    assert_int_equal(checkpoint_list_steps(folder_file(&f, "file"), &n, &steps), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "cannot open the folder"));
    folder_remove(&f);
}

static void test_no_memory_gives_no_list(void **state)
{
    (void)state;
    folder f = folder_create();
    size_t n;
    int64_t *steps, live = mem_live_blocks();
    add(&f, "ckpt-1.safetensors");
    mem_fail_at(1);
    assert_int_equal(checkpoint_list_steps(f.path, &n, &steps), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_null(steps);
    assert_int_equal(n, 0);
    assert_int_equal(mem_live_blocks(), live);
    folder_remove(&f);
}

/* Those after the step are of another course of the run and stay. */
static void test_prune_keeps_the_newest_up_to_a_step(void **state)
{
    (void)state;
    folder f = folder_create();
    size_t n;
    int64_t *steps;
    for (int i = 1; i <= 5; i++) {
        char name[] = "ckpt-1.safetensors";
        name[5] = (char)('0' + i);
        add(&f, name);
    }
    checkpoint_list_prune(f.path, 4, 2);
    assert_int_equal(checkpoint_list_steps(f.path, &n, &steps), ODEON_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(steps, ((int64_t[]){5, 4, 3}), 3 * sizeof *steps);
    mem_free(steps);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_newest_first_by_number),
        cmocka_unit_test(test_other_names_are_no_checkpoints),
        cmocka_unit_test(test_a_folder_that_is_not_there_has_none),
        cmocka_unit_test(test_no_memory_gives_no_list),
        cmocka_unit_test(test_prune_keeps_the_newest_up_to_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
