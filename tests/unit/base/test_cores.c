/* How many processors this process may use. */
#include "base/cores.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#include "support.h"

/* What the linker puts in the place of two calls (--wrap), so that they can answer as those of
 * another machine. */
static bool has_no_mask;
static long online;

int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *mask);
int __real_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *mask);
int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *mask)
{
    if (has_no_mask) {
        errno = EINVAL;
        return -1;
    }
    return __real_sched_getaffinity(pid, bytes, mask);
}

long __wrap_sysconf(int name);
long __real_sysconf(int name);
long __wrap_sysconf(int name)
{
    return has_no_mask && name == _SC_NPROCESSORS_ONLN ? online : __real_sysconf(name);
}

/* The affinity mask is that of the calling thread, so it is put back before anything is asserted.
 */
static void test_the_affinity_mask_is_respected(void **state)
{
    (void)state;
    cpu_set_t all, few;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    int64_t counted = 0, expected = 0;
    CPU_ZERO(&few);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && expected < 2; cpu++) {
        if (!CPU_ISSET(cpu, &all)) {
            continue;
        }
        CPU_SET(cpu, &few);
        expected++;
        assert_int_equal(sched_setaffinity(0, sizeof few, &few), 0);
        counted = cores_usable();
        assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
        assert_int_equal(counted, expected);
    }
    assert_int_equal(cores_usable(), CPU_COUNT(&all));
}

static void test_without_a_mask_all_that_are_online_count(void **state)
{
    (void)state;
    has_no_mask = true;
    online = 4096;
    int64_t many = cores_usable();
    online = 1;
    int64_t one = cores_usable();
    has_no_mask = false;
    assert_int_equal(many, 4096);
    assert_int_equal(one, 1);
}

static void test_there_is_at_least_one(void **state)
{
    (void)state;
    static const long unknown[] = {0, -1};
    for (int i = 0; i < 2; i++) {
        has_no_mask = true;
        online = unknown[i];
        int64_t n = cores_usable();
        has_no_mask = false;
        assert_int_equal(n, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_affinity_mask_is_respected),
        cmocka_unit_test(test_without_a_mask_all_that_are_online_count),
        cmocka_unit_test(test_there_is_at_least_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
