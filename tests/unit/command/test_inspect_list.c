#include "command/inspect_list.h"

#include <unistd.h>

#include "inspect_capture.h"

#include "base/mem.h"
#include "folder.h"

static odeon_status say_id(FILE *out, void *context)
{
    const inspect_item *x = context;
    fprintf(out, "%s", x->id);
    return ODEON_OK;
}

/* A folder with files of two names; what they hold is the work's business. */
static folder two_files(void)
{
    folder f = folder_create();
    folder_write(&f, "layer/one.so", "1", 1);
    folder_write(&f, "integrator/two.so", "2", 1);
    return f;
}

static const inspect_item *find(const inspect_list *list, const char *id, const child_job **job)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i].id, id) == 0) {
            *job = &list->jobs[i];
            return &list->items[i];
        }
    }
    fail_msg("%s is not in the list", id);
    return NULL;
}

/* How many files there are beside those of a test: the build's are found too. */
static size_t others(void)
{
    folder f = folder_create();
    registry *r = open_registry(f.path);
    inspect_list list;
    assert_int_equal(inspect_list_run(r, say_id, &list), ODEON_OK);
    size_t n = list.n;
    inspect_list_fini(&list);
    registry_destroy(r);
    folder_remove(&f);
    return n;
}

static void test_every_file_is_worked_on(void **state)
{
    (void)state;
    folder f = two_files();
    registry *r = open_registry(f.path);
    inspect_list list;
    const child_job *job = NULL;
    assert_int_equal(inspect_list_run(r, say_id, &list), ODEON_OK);
    assert_int_equal(list.n, others() + 2);
    const inspect_item *x = find(&list, "one", &job);
    assert_int_equal(x->kind, ODEON_KIND_LAYER);
    assert_string_equal(x->file, folder_file(&f, "layer/one.so"));
    assert_int_equal(job->status, ODEON_OK);
    assert_string_equal(job->out.data, "one");
    x = find(&list, "two", &job);
    assert_int_equal(x->kind, ODEON_KIND_INTEGRATOR);
    assert_string_equal(job->out.data, "two");
    inspect_list_fini(&list);
    assert_int_equal(list.n, 0);
    assert_null(list.items);
    registry_destroy(r);
    folder_remove(&f);
}

/* One of them hangs or ends its process; the other's answer is there all the same. */
static odeon_status hang_or_leave(FILE *out, void *context)
{
    const inspect_item *x = context;
    if (strcmp(x->id, "one") == 0) {
        for (;;) {
            (void)pause();
        }
    }
    return say_id(out, context);
}

static void test_a_job_that_hangs_does_not_end_the_list(void **state)
{
    (void)state;
    folder f = two_files();
    registry *r = open_registry(f.path);
    inspect_list list;
    const child_job *job = NULL;
    assert_int_equal(inspect_list_run(r, hang_or_leave, &list), ODEON_OK);
    (void)find(&list, "one", &job);
    assert_int_not_equal(job->status, ODEON_OK);
    assert_non_null(strstr(job->message.data, "it took longer than 1 second"));
    (void)find(&list, "two", &job);
    assert_int_equal(job->status, ODEON_OK);
    inspect_list_fini(&list);
    registry_destroy(r);
    folder_remove(&f);
}

static odeon_status run_out_of_memory(FILE *out, void *context)
{
    (void)out;
    (void)context;
    return diag_fail(ODEON_ERR_NOMEM, "no memory in the child");
}

static void test_a_job_without_memory_is_the_lists_failure(void **state)
{
    (void)state;
    folder f = two_files();
    registry *r = open_registry(f.path);
    inspect_list list;
    diag_clear();
    assert_int_equal(inspect_list_run(r, run_out_of_memory, &list), ODEON_ERR_NOMEM);
    assert_non_null(strstr(diag_message(), ".so: no memory to look at it"));
    inspect_list_fini(&list);
    registry_destroy(r);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file_is_worked_on),
        cmocka_unit_test(test_a_job_that_hangs_does_not_end_the_list),
        cmocka_unit_test(test_a_job_without_memory_is_the_lists_failure),
    };
    return cmocka_run_group_tests_name("inspect_list", tests, NULL, NULL);
}
