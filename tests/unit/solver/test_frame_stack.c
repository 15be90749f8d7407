/* Memory that is taken and given back in order. */
#include "solver/frame_stack.h"

#include <stdlib.h>

#include "support.h"

static int live;
static bool fails;

static odeon_status take(void *device, uint64_t bytes, void **out)
{
    (void)device;
    *out = fails ? NULL : malloc(bytes);
    live += *out != NULL;
    return *out != NULL ? ODEON_OK : ODEON_ERR_NOMEM;
}

static void give(void *device, void *memory)
{
    (void)device;
    live--;
    free(memory);
}

static const odeon_device_ops ops = {.struct_size = sizeof ops, .alloc = take, .free = give};
static const odeon_device device = {.ops = &ops};

static char *push(frame_stack *s, int64_t bytes)
{
    char *out = NULL;
    assert_int_equal(frame_stack_push(s, &device, bytes, &out), ODEON_OK);
    out[0] = out[bytes - 1] = 1;
    return out;
}

/* Small frames share an allocation; a large one gets its own, and what was given back serves again.
 */
static void test_memory_returns_to_the_mark(void **state)
{
    enum { LARGE = 1 << 20 };
    frame_stack s = {0};
    (void)state;
    frame_mark empty = frame_stack_mark(&s);
    char *a = push(&s, 100);
    assert_ptr_equal(push(&s, 10), a + 128);
    frame_mark before = frame_stack_mark(&s);
    char *large = push(&s, LARGE);
    assert_int_equal(live, 2);
    assert_int_equal(s.in_use, 192 + LARGE);
    frame_stack_return(&s, &before);
    assert_int_equal(s.in_use, 192);
    assert_ptr_equal(push(&s, 64), a + 192);
    assert_ptr_equal(push(&s, LARGE), large);
    frame_stack_return(&s, &empty);
    assert_ptr_equal(push(&s, 1), a);
    assert_int_equal(live, 2);
    assert_int_equal(s.peak, 256 + LARGE);
    frame_stack_fini(&s, &device);
    assert_int_equal(live, 0);
}

static void test_memory_that_is_not_there_leaves_the_rest(void **state)
{
    frame_stack s = {0};
    char *out;
    (void)state;
    char *a = push(&s, 64);
    fails = true;
    assert_int_equal(frame_stack_push(&s, &device, 1 << 20, &out), ODEON_ERR_NOMEM);
    fails = false;
    assert_int_equal(s.in_use, 64);
    a[0] = 2;
    (void)push(&s, 1 << 20);
    frame_stack_fini(&s, &device);
    assert_int_equal(live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_returns_to_the_mark),
        cmocka_unit_test(test_memory_that_is_not_there_leaves_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
