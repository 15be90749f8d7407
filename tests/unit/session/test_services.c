#include "session/services.h"

#include <string.h>

#include "support.h"

#include "device/other.h"
#include "net/net.h"
#include "ode/ode.h"
#include "plugin/figures.h"

static const void *find(const char *id)
{
    const void *found = NULL;
    for (const host_service *x = session_services; x->id != NULL; x++) {
        if (strcmp(x->id, id) == 0) {
            assert_null(found); /* none is there twice */
            found = x->table;
        }
    }
    return found;
}

static void test_the_tables_are_offered(void **state)
{
    (void)state;
    assert_ptr_equal(find(ODEON_HOST_BODY), &net_body_services);
    assert_ptr_equal(find(ODEON_HOST_ODE), &ode_services);
    assert_ptr_equal(find(ODEON_HOST_RUN), &figures_services);
    assert_ptr_equal(find(ODEON_HOST_COMPONENT), &other_services);
    assert_null(find("odeon.nothing"));
}

/* A plugin reads a table as far as its struct_size says. */
static void test_the_tables_say_their_size(void **state)
{
    (void)state;
    assert_int_equal(net_body_services.struct_size, sizeof net_body_services);
    assert_int_equal(ode_services.struct_size, sizeof ode_services);
    assert_int_equal(figures_services.struct_size, sizeof figures_services);
    assert_int_equal(other_services.struct_size, sizeof other_services);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_tables_are_offered),
        cmocka_unit_test(test_the_tables_say_their_size),
    };
    return cmocka_run_group_tests_name("services", tests, NULL, NULL);
}
