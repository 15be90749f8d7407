#include "plugin/figures.h"

#include <math.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/instance.h"

/* A component that declares a figure of each rule. */
typedef struct reporter {
    ODEON_INSTANCE;
    int32_t sum, mean, most, least;
} reporter;

static odeon_status declare(const odeon_host *host, const char *name, int32_t rule, int32_t *out)
{
    return figures_services.declare(host, name, rule, out);
}

static odeon_status init(void *self)
{
    reporter *t = self;
    ODEON_TRY(declare(t->host, "sum", ODEON_FIGURE_SUM, &t->sum));
    ODEON_TRY(declare(t->host, "mean", ODEON_FIGURE_MEAN, &t->mean));
    ODEON_TRY(declare(t->host, "most", ODEON_FIGURE_MAX, &t->most));
    return declare(t->host, "least", ODEON_FIGURE_MIN, &t->least);
}

static const odeon_component component = {.struct_size = sizeof component,
                                          .kind = ODEON_KIND_LAYER,
                                          .id = "reporter",
                                          .instance_bytes = sizeof(reporter),
                                          .init = init};

typedef struct fixture {
    figures *all;
    odeon_config config;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    f = (fixture){.config = {.component = &component, .kind = ODEON_KIND_LAYER}};
    diag_clear();
    *state = &f;
    int result = figures_create(&f.all) == ODEON_OK ? 0 : -1;
    f.config.figures = f.all;
    return result;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    figures_destroy(f->all);
    return 0;
}

static instance *make(const fixture *f, const char *path)
{
    instance *x;
    assert_int_equal(instance_create(&f->config, path, &x), ODEON_OK);
    return x;
}

static void report(const instance *x, int64_t n, double value)
{
    const reporter *t = x->self;
    figures_services.count(t->host, t->sum, n);
    figures_services.metric(t->host, t->mean, value);
    figures_services.metric(t->host, t->most, value);
    figures_services.metric(t->host, t->least, value);
}

static void assert_value(const figure_value *v, const char *path, const char *name, double value)
{
    assert_string_equal(v->path, path);
    assert_string_equal(v->name, name);
    if (!(v->value == value) && !(isnan(v->value) && isnan(value))) {
        fail_msg("%s.%s is %g, expected %g", path, name, v->value, value);
    }
}

/* Two workers' instances of one layer are one; another layer's stand behind. */
static void test_instances_of_one_path_are_read_as_one(void **state)
{
    const fixture *f = *state;
    instance *a = make(f, "a"), *b = make(f, "b"), *again = make(f, "a");
    report(a, 3, -1.0);
    report(a, 4, -4.0);
    report(again, 5, -7.0);
    size_t n;
    const figure_value *v = figures_read(f->all, &n);
    assert_int_equal(n, 8);
    assert_value(&v[0], "a", "sum", 12.0);
    assert_true(v[0].is_whole && v[0].whole == 12);
    assert_value(&v[1], "a", "mean", -4.0);
    assert_true(!v[1].is_whole);
    assert_value(&v[2], "a", "most", -1.0);
    assert_value(&v[3], "a", "least", -7.0);
    assert_value(&v[4], "b", "sum", 0.0); /* no values */
    assert_value(&v[5], "b", "mean", (double)NAN);
    assert_value(&v[6], "b", "most", (double)NAN);
    assert_value(&v[7], "b", "least", (double)NAN);
    instance_destroy(a);
    v = figures_read(f->all, &n);
    assert_int_equal(n, 8);
    assert_value(&v[4], "a", "sum", 5.0); /* of the one that is left, behind b */
    instance_destroy(b);
    instance_destroy(again);
    (void)figures_read(f->all, &n);
    assert_int_equal(n, 0);
}

static void test_what_is_cleared_begins_anew(void **state)
{
    const fixture *f = *state;
    instance *a = make(f, "a");
    size_t n;
    report(a, 3, 2.0);
    figures_clear(f->all);
    report(a, 1, -5.0);
    const figure_value *v = figures_read(f->all, &n);
    assert_value(&v[0], "a", "sum", 1.0);
    assert_value(&v[2], "a", "most", -5.0);
    instance_destroy(a);
}

static void test_a_fraction_or_nan_is_passed_on(void **state)
{
    const fixture *f = *state;
    instance *a = make(f, "a");
    const reporter *t = a->self;
    size_t n;
    report(a, 3, (double)NAN);
    report(a, 3, 2.0);
    figures_services.metric(t->host, t->sum, 0.5);
    const figure_value *v = figures_read(f->all, &n);
    assert_value(&v[0], "a", "sum", 6.5);
    assert_true(!v[0].is_whole);
    assert_value(&v[1], "a", "mean", (double)NAN);
    assert_value(&v[2], "a", "most", (double)NAN);
    assert_value(&v[3], "a", "least", (double)NAN);
    instance_destroy(a);
}

static void assert_refused(const instance *x, const char *name, int32_t rule, const char *words)
{
    int32_t index;
    diag_clear();
    assert_int_equal(declare(&x->host, name, rule, &index), ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), words));
}

static void test_declarations_that_cannot_be_are_refused(void **state)
{
    const fixture *f = *state;
    instance *a = make(f, "a");
    assert_refused(a, "late", ODEON_FIGURE_SUM, "a: figure 'late' is declared outside of init");
    a->in_init = true; /* as within init */
    assert_refused(a, "sum", ODEON_FIGURE_SUM, "figure 'sum' is declared twice");
    assert_refused(a, "a,b", ODEON_FIGURE_SUM, "figure 'a,b' with rule 0 cannot be");
    assert_refused(a, "", ODEON_FIGURE_SUM, "cannot be");
    assert_refused(a, "other", 4, "with rule 4 cannot be");
    assert_refused(a, "other", -1, "with rule -1 cannot be");
    const reporter *t = a->self;
    figures_services.count(t->host, 17, 1); /* none of its own: nothing happens */
    figures_services.metric(t->host, -1, 1.0);
    figures_services.count(t->host, t->mean, 1); /* no sum */
    size_t n;
    assert_value(&figures_read(f->all, &n)[1], "a", "mean", (double)NAN);
    instance_destroy(a);
}

static int interrupted;

static int is_cancelled(void)
{
    return interrupted;
}

static void test_an_interrupt_is_seen(void **state)
{
    const fixture *f = *state;
    instance *a = make(f, "a");
    assert_int_equal(figures_services.cancelled(&a->host), 0);
    figures_on_cancel(f->all, is_cancelled);
    assert_int_equal(figures_services.cancelled(&a->host), 0);
    interrupted = 2;
    assert_int_equal(figures_services.cancelled(&a->host), 1);
    instance_destroy(a);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    const fixture *f = *state;
    int64_t n = 0;
    instance *x = NULL;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 100) {
        mem_fail_at(++n);
        status = instance_create(&f->config, "a", &x);
        mem_fail_at(0);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 5);
    size_t read;
    (void)figures_read(f->all, &read);
    assert_int_equal(read, 4); /* of the failed ones nothing is left */
    instance_destroy(x);
}

#define WITH_FIGURES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIGURES(test_instances_of_one_path_are_read_as_one),
        WITH_FIGURES(test_what_is_cleared_begins_anew),
        WITH_FIGURES(test_a_fraction_or_nan_is_passed_on),
        WITH_FIGURES(test_declarations_that_cannot_be_are_refused),
        WITH_FIGURES(test_an_interrupt_is_seen),
        WITH_FIGURES(test_every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
