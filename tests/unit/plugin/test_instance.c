#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "captured.h"
#include "option/schema.h"
#include "plugin/instance.h"

/* ---- a component whose create does what a test wants ---- */

static odeon_status (*behave)(const odeon_host *host, const odeon_config *config, void **out);
static int destroyed;

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    return behave(host, config, out);
}

static void destroy(void *self)
{
    destroyed += self != NULL;
}

static const odeon_option count = {.struct_size = sizeof count,
                                   .type = ODEON_OPTION_I64,
                                   .name = "count",
                                   .default_text = "3",
                                   .help = "a number"};
static const odeon_option rate = {.struct_size = sizeof rate,
                                  .type = ODEON_OPTION_F64,
                                  .flags = ODEON_OPTION_OPTIONAL,
                                  .name = "rate",
                                  .help = "a real number"};
static const odeon_option width = {.struct_size = sizeof width,
                                   .type = ODEON_OPTION_SIZE,
                                   .name = "width",
                                   .default_text = "1",
                                   .help = "a size"};
static const odeon_option times = {.struct_size = sizeof times,
                                   .type = ODEON_OPTION_F64_LIST,
                                   .name = "times",
                                   .default_text = "0 1",
                                   .help = "some times"};
static const odeon_option *const options[] = {&count, &rate, &width, &times, NULL};

static const odeon_component component = {.struct_size = sizeof component,
                                          .kind = ODEON_KIND_LAYER,
                                          .kind_version = ODEON_LAYOUT_LAYER,
                                          .interface = ODEON_INTERFACE_LAYER,
                                          .id = "sample",
                                          .summary = "a sample",
                                          .version = "1.0",
                                          .license = "MIT",
                                          .options = options,
                                          .create = create,
                                          .destroy = destroy};

enum { COUNT, RATE, WIDTH, TIMES, OPTIONS };

/* As if the INI had said count = 5, width = state (bound to 64). */
typedef struct sample {
    odeon_config config;
    option_value values[OPTIONS];
    double times[2];
} sample;

static odeon_config *sample_config(sample *s)
{
    *s = (sample){.times = {0.0, 1.0}};
    s->values[COUNT] = (option_value){.i = 5, .given = true, .set = true};
    s->values[WIDTH] =
        (option_value){.i = 64, .size_symbol = SIZE_STATE, .given = true, .set = true};
    s->values[TIMES] = (option_value){.list_f = s->times, .n = 2, .set = true};
    s->config = (odeon_config){
        .component = &component, .kind = ODEON_KIND_LAYER, .n = OPTIONS, .values = s->values};
    return &s->config;
}

static odeon_status make(instance **out)
{
    static sample s; /* outlives the instance */
    diag_clear();
    destroyed = 0;
    return instance_create(sample_config(&s), "ode.block", out);
}

static odeon_status read_unknown(const odeon_host *host, const odeon_config *config, void **out);

/* ---- what create may find ---- */

static odeon_status read_options(const odeon_host *host, const odeon_config *config, void **out)
{
    static int self;
    int32_t n = 0;
    assert_int_equal(host->option_i64(config, "count"), 5);
    assert_int_equal(host->option_i64(config, "width"), 64);
    assert_true(host->option_f64(config, "rate") == 0.0);
    const double *list = host->option_list_f64(config, "times", &n);
    assert_int_equal(n, 2);
    assert_true(list[1] == 1.0);
    assert_int_equal(host->option_given(config, "rate"), 0);
    *out = &self;
    return ODEON_OK;
}

static void test_create_reads_its_options(void **state)
{
    (void)state;
    behave = read_options;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_OK);
    assert_non_null(x->self);
    assert_string_equal(x->path, "ode.block");
    instance_destroy(x);
    assert_int_equal(destroyed, 1);
}

static void test_configuration_is_borrowed(void **state)
{
    (void)state;
    behave = read_options;
    sample s;
    instance *x = NULL;
    assert_int_equal(instance_create(sample_config(&s), "a", &x), ODEON_OK);
    assert_ptr_equal(x->config, &s.config);
    assert_null(x->owned);
    assert_int_equal(x->host.option_i64(x->config, "count"), 5);
    instance_destroy(x);
}

/* Destroyed with the instance, or at once where there is none. */
static void test_configuration_is_taken(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    for (int fails = 0; fails < 2; fails++) {
        behave = fails ? read_unknown : read_options;
        sample s;
        odeon_config *own = schema_copy(sample_config(&s));
        instance *x = NULL;
        assert_non_null(own);
        diag_clear();
        assert_int_equal(instance_take(own, "a", &x), fails ? ODEON_ERR_PLUGIN : ODEON_OK);
        assert_int_equal(x == NULL, fails);
        instance_destroy(x);
        assert_int_equal(mem_live_blocks(), live);
    }
}

/* ---- misuse ---- */

static odeon_status read_unknown(const odeon_host *host, const odeon_config *config, void **out)
{
    static int self;
    assert_int_equal(host->option_i64(config, "cuont"), 0);
    *out = &self;
    return ODEON_OK;
}

static odeon_status read_as_text(const odeon_host *host, const odeon_config *config, void **out)
{
    (void)out;
    int32_t n = 7;
    assert_null(host->option_text(config, "count"));
    assert_null(host->option_list_i64(config, "times", &n));
    assert_int_equal(n, 0);
    assert_null(host->option_component(config, "count"));
    assert_true(host->option_f64(config, "count") == 0.0);
    assert_int_equal(host->option_i64(config, "rate"), 0);
    return ODEON_OK;
}

static void test_option_that_does_not_exist_is_refused_by_name(void **state)
{
    (void)state;
    behave = read_unknown;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_ERR_PLUGIN);
    assert_null(x);
    assert_string_equal(diag_message(), "ode.block: layer sample reads its option 'cuont', which "
                                        "is not in its table: a bug in the plugin");
    assert_int_equal(destroyed, 1);
}

static void test_option_of_another_type_is_refused_by_name(void **state)
{
    (void)state;
    behave = read_as_text;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), "'count', which is of another type"));
}

static odeon_status ask_for_a_default(const odeon_host *host, const odeon_config *config,
                                      void **out)
{
    static int self;
    (void)host->option_given(config, "times");
    *out = &self;
    return ODEON_OK;
}

/* The normal form gives every default: a plugin that told the two apart would not be repeated. */
static void test_whether_a_default_is_given_may_not_be_asked(void **state)
{
    (void)state;
    behave = ask_for_a_default;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_ERR_PLUGIN);
    assert_null(x);
    assert_non_null(strstr(diag_message(), "'times', which is always given: it has a default"));
}

static void test_misuse_after_create_is_warned_about(void **state)
{
    (void)state;
    behave = read_options;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_OK);
    captured c;
    captured_start(&c);
    int64_t value = x->host.option_i64(x->config, "unheard_of");
    int32_t given = x->host.option_given(x->config, "unheard_of");
    captured_stop(&c);
    assert_int_equal(value + given, 0);
    assert_non_null(strstr(c.text, "'unheard_of'"));
    instance_destroy(x);
}

static odeon_status create_inner(const odeon_host *host, const odeon_config *config, void **out)
{
    (void)host;
    (void)out;
    behave = read_unknown;
    instance *inner = NULL;
    assert_int_equal(instance_create(config, "inner", &inner), ODEON_ERR_PLUGIN);
    assert_null(inner);
    return ODEON_OK;
}

static void test_misuse_is_the_inner_instances_alone(void **state)
{
    (void)state;
    behave = create_inner;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_OK);
    assert_int_equal(x->misuse, 0);
    instance_destroy(x);
}

/* ---- failures ---- */

static odeon_status fail_with_reason(const odeon_host *host, const odeon_config *config, void **out)
{
    (void)config;
    static int leftover;
    *out = &leftover;
    return odeon_fail(host, ODEON_ERR_DEVICE, "no %s", "hardware");
}

static odeon_status fail_silently(const odeon_host *host, const odeon_config *config, void **out)
{
    (void)host;
    (void)config;
    (void)out;
    return ODEON_VOID_STEP;
}

static void test_failed_create_is_told_with_its_path(void **state)
{
    (void)state;
    behave = fail_with_reason;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_ERR_DEVICE);
    assert_null(x);
    assert_string_equal(diag_message(), "ode.block: no hardware");
    assert_int_equal(destroyed, 0); /* there is nothing that could be destroyed */
}

static void test_create_that_fails_silently_is_told_all_the_same(void **state)
{
    (void)state;
    behave = fail_silently;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), "ode.block: layer sample, create: "));
}

static void test_every_failed_allocation_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    behave = read_options;
    int64_t live = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 0;
    while (status != ODEON_OK) {
        mem_fail_at(++n);
        instance *x = NULL;
        status = make(&x);
        instance_destroy(x);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
    }
    mem_fail_at(0);
    assert_true(n > 2); /* the instance and its path */
}

/* ---- services ---- */

static void test_log_starts_with_the_path(void **state)
{
    (void)state;
    behave = read_options;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_OK);
    captured c;
    captured_start(&c);
    x->host.log(&x->host, ODEON_LOG_WARNING, "slow %d");
    captured_stop(&c);
    assert_string_equal(c.text, "odeon: warning: ode.block: slow %d\n");
    instance_destroy(x);
}

static void test_memory_comes_from_the_host(void **state)
{
    (void)state;
    behave = read_options;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_OK);
    int64_t live = mem_live_blocks();
    void *memory = x->host.alloc(&x->host, 100);
    assert_int_equal((uintptr_t)memory % 64, 0);
    assert_int_equal(mem_live_blocks(), live + 1);
    x->host.free(&x->host, memory);
    x->host.free(&x->host, NULL);
    assert_int_equal(mem_live_blocks(), live);
    assert_null(x->host.alloc(&x->host, UINT64_MAX));
    instance_destroy(x);
}

static void test_services_are_found_by_id(void **state)
{
    (void)state;
    static const int table = 7;
    static const host_service services[] = {{"a.service/1", &table}, {NULL, NULL}};
    behave = read_options;
    sample s;
    instance *x = NULL;
    odeon_config *config = sample_config(&s);
    config->services = services;
    assert_int_equal(instance_create(config, "a", &x), ODEON_OK);
    assert_ptr_equal(x->host.get_extension(&x->host, "a.service/1"), &table);
    assert_null(x->host.get_extension(&x->host, "a.service/2"));
    instance_destroy(x);
}

static void test_unknown_extension_is_null(void **state)
{
    (void)state;
    behave = read_options;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_OK);
    assert_null(x->host.get_extension(&x->host, "odeon.host.none/1"));
    instance_destroy(x);
}

/* ---- instances in the host's memory ---- */

typedef struct held {
    ODEON_INSTANCE;
    int64_t count;
    double rate;
    int64_t width;
    odeon_f64_list times;
    void *taken; /* by init */
} held;

static const odeon_option *const held_options[] = {
    ODEON_OPTION(held, count, I64, .default_text = "3", .help = "a number"),
    ODEON_OPTION(held, rate, F64, .flags = ODEON_OPTION_OPTIONAL, .help = "a real number"),
    ODEON_OPTION(held, width, SIZE, .default_text = "1", .help = "a size"),
    ODEON_OPTION(held, times, F64_LIST, .default_text = "0 1", .help = "some times"), NULL};

static odeon_status init_answer;
static bool init_asks_wrongly;
static int ended;

static odeon_status held_init(void *self)
{
    held *x = self;
    x->taken = x->host->alloc(x->host, 8);
    if (init_asks_wrongly) {
        (void)x->host->option_i64(x->host->config, "weight");
    }
    return init_answer == ODEON_OK ? ODEON_OK
                                   : odeon_fail(x->host, init_answer, "held: rate is wrong");
}

static void held_fini(void *self)
{
    held *x = self;
    x->host->free(x->host, x->taken);
    ended++;
}

static const odeon_component held_component = {.struct_size = sizeof held_component,
                                               .kind = ODEON_KIND_LAYER,
                                               .id = "held",
                                               .options = held_options,
                                               .instance_bytes = ODEON_INSTANCE_BYTES(held),
                                               .init = held_init,
                                               .fini = held_fini};

static odeon_status make_held(const odeon_component *as, instance **out)
{
    static sample s; /* outlives the instance */
    odeon_config *config = sample_config(&s);
    config->component = &held_component;
    diag_clear();
    ended = 0;
    return instance_create_as(as, "held.so", config, "ode.block", out);
}

static void test_options_are_written_into_their_fields(void **state)
{
    (void)state;
    instance *x = NULL;
    init_answer = ODEON_OK;
    init_asks_wrongly = false;
    int64_t live = mem_live_blocks();
    assert_int_equal(make_held(&held_component, &x), ODEON_OK);
    const held *self = x->self;
    assert_ptr_equal(self->host, &x->host);
    assert_ptr_equal(self->host->config, x->config);
    assert_int_equal((uintptr_t)x->self % 64, 0);
    assert_int_equal(self->count, 5);
    assert_true(self->rate == 0.0); /* left out */
    assert_int_equal(self->width, 64);
    assert_int_equal(self->times.n, 2);
    assert_true(self->times.at[0] == 0.0 && self->times.at[1] == 1.0);
    assert_int_equal(ended, 0);
    instance_destroy(x);
    assert_int_equal(ended, 1);
    assert_int_equal(mem_live_blocks(), live);
}

/* Whatever init has taken is fini's to free, also where init fails, or reads what there is not. */
static void test_init_that_fails_is_followed_by_fini(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    for (int wrongly = 0; wrongly < 2; wrongly++) {
        instance *x = NULL;
        init_answer = wrongly ? ODEON_OK : ODEON_ERR_CONFIG;
        init_asks_wrongly = wrongly;
        assert_int_equal(make_held(&held_component, &x),
                         wrongly ? ODEON_ERR_PLUGIN : ODEON_ERR_CONFIG);
        assert_non_null(strstr(diag_message(), wrongly ? "reads its option 'weight', which is not "
                                                         "in its table: a bug in the plugin"
                                                       : "ode.block: held: rate is wrong"));
        assert_null(x);
        assert_int_equal(ended, 1);
        assert_int_equal(mem_live_blocks(), live);
    }
    init_asks_wrongly = false;
}

/* The layer's options would be written behind a shorter instance, or into other fields. */
static void test_kernel_with_an_instance_of_another_size_is_refused(void **state)
{
    (void)state;
    odeon_component kernel = held_component;
    kernel.id = "held@cpu";
    kernel.options = NULL;
    init_answer = ODEON_OK;
    instance *x = NULL;
    assert_int_equal(make_held(&kernel, &x), ODEON_OK);
    assert_int_equal(((const held *)x->self)->count, 5);
    instance_destroy(x);
    kernel.instance_bytes -= 8;
    assert_int_equal(make_held(&kernel, &x), ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), "ode.block: an instance of held@cpu has "));
    assert_non_null(strstr(diag_message(), " of held, whose options are written into it"));
    assert_int_equal(ended, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_reads_its_options),
        cmocka_unit_test(test_configuration_is_borrowed),
        cmocka_unit_test(test_configuration_is_taken),
        cmocka_unit_test(test_option_that_does_not_exist_is_refused_by_name),
        cmocka_unit_test(test_option_of_another_type_is_refused_by_name),
        cmocka_unit_test(test_whether_a_default_is_given_may_not_be_asked),
        cmocka_unit_test(test_misuse_after_create_is_warned_about),
        cmocka_unit_test(test_misuse_is_the_inner_instances_alone),
        cmocka_unit_test(test_failed_create_is_told_with_its_path),
        cmocka_unit_test(test_create_that_fails_silently_is_told_all_the_same),
        cmocka_unit_test(test_every_failed_allocation_is_reported_and_leaves_nothing),
        cmocka_unit_test(test_log_starts_with_the_path),
        cmocka_unit_test(test_memory_comes_from_the_host),
        cmocka_unit_test(test_services_are_found_by_id),
        cmocka_unit_test(test_unknown_extension_is_null),
        cmocka_unit_test(test_options_are_written_into_their_fields),
        cmocka_unit_test(test_init_that_fails_is_followed_by_fini),
        cmocka_unit_test(test_kernel_with_an_instance_of_another_size_is_refused),
    };
    return cmocka_run_group_tests_name("instance", tests, NULL, NULL);
}
