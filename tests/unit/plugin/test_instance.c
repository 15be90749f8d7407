#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "captured.h"
#include "option/schema.h"
#include "plugin/instance.h"

/* ---- a component whose init does what a test wants ---- */

typedef struct held {
    ODEON_INSTANCE;
    int64_t count;
    double rate;
    int64_t width;
    odeon_f64_list times, word;
    odeon_choice choice;
    void *taken; /* by init */
} held;

static odeon_status (*behave)(held *x);
static int ended;

static odeon_status init(void *self)
{
    return behave(self);
}

static void fini(void *self)
{
    const held *x = self;
    x->host->free(x->host, x->taken);
    ended++;
}

static const odeon_option *const options[] = {
    ODEON_OPTION(held, count, I64, .default_text = "3", .help = "a number"),
    ODEON_OPTION(held, rate, F64, .flags = ODEON_OPTION_OPTIONAL, .help = "a real number"),
    ODEON_OPTION(held, width, SIZE, .default_text = "1", .help = "a size"),
    ODEON_OPTION(held, times, F64_LIST, .default_text = "0 1", .help = "some times"),
    ODEON_OPTION(held, word, F64_LIST, .default_text = "b", .choices = "a|b", .help = "a word"),
    ODEON_OPTION(held, choice, CHOICE_PATH, .default_text = "none", .choices = "none|file(path)",
                 .help = "a file"),
    NULL};

static const odeon_component component = {.struct_size = sizeof component,
                                          .kind = ODEON_KIND_LAYER,
                                          .interface_version = ODEON_LAYOUT_LAYER,
                                          .interface = ODEON_INTERFACE_LAYER,
                                          .id = "sample",
                                          .summary = "a sample",
                                          .version = "1.0",
                                          .license = "MIT",
                                          .options = options,
                                          .instance_bytes = ODEON_INSTANCE_BYTES(held),
                                          .init = init,
                                          .fini = fini};

enum { COUNT, RATE, WIDTH, TIMES, WORD, CHOICE, OPTIONS };

/* As if the INI had said count = 5, width = state (bound to 64), choice = file(path=/f). */
typedef struct sample {
    odeon_config config;
    option_value values[OPTIONS];
    double times[2];
    char path[4];
} sample;

static odeon_config *sample_config(sample *s)
{
    *s = (sample){.times = {0.0, 1.0}, .path = "/f"};
    s->values[COUNT] = (option_value){.i = 5, .given = true, .set = true};
    s->values[WIDTH] =
        (option_value){.i = 64, .size_symbol = SIZE_STATE, .given = true, .set = true};
    s->values[TIMES] = (option_value){.list_f = s->times, .n = 2, .set = true};
    s->values[WORD] = (option_value){.i = 1, .set = true};
    s->values[CHOICE] = (option_value){.i = 1, .argument = s->path, .given = true, .set = true};
    s->config = (odeon_config){
        .component = &component, .kind = ODEON_KIND_LAYER, .n = OPTIONS, .values = s->values};
    return &s->config;
}

static odeon_status make_as(const odeon_component *as, instance **out)
{
    static sample s; /* outlives the instance */
    diag_clear();
    ended = 0;
    return instance_create_as(as, "held.so", 7, sample_config(&s), "ode.block", out);
}

static odeon_status make(instance **out)
{
    return make_as(&component, out);
}

/* ---- what init may find ---- */

static odeon_status read_options(held *x)
{
    assert_int_equal(x->count, 5);
    assert_int_equal(x->width, 64);
    assert_true(x->rate == 0.0); /* left out */
    assert_int_equal(x->times.n, 2);
    assert_true(x->times.at[0] == 0.0 && x->times.at[1] == 1.0);
    assert_null(x->word.at);
    assert_int_equal(x->word.n, -2); /* the second word */
    assert_int_equal(x->choice.index, 1);
    assert_string_equal(x->choice.path, "/f");
    assert_int_equal(x->host->option_given(x->host, "rate"), 0);
    x->taken = x->host->alloc(x->host, 8);
    return x->taken != NULL ? ODEON_OK : odeon_fail(x->host, ODEON_ERR_NOMEM, "no memory");
}

static void test_options_are_written_into_their_fields(void **state)
{
    (void)state;
    behave = read_options;
    instance *x = NULL;
    int64_t live = mem_live_blocks();
    assert_int_equal(make(&x), ODEON_OK);
    const held *self = x->self;
    assert_ptr_equal(self->host, &x->host);
    assert_int_equal((uintptr_t)x->self % 64, 0);
    assert_string_equal(x->path, "ode.block");
    assert_int_equal(ended, 0);
    instance_destroy(x);
    assert_int_equal(ended, 1);
    assert_int_equal(mem_live_blocks(), live);
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
    instance_destroy(x);
}

static odeon_status ask_for_unknown(held *x);

/* Destroyed with the instance, or at once where there is none. */
static void test_configuration_is_taken(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    for (int fails = 0; fails < 2; fails++) {
        behave = fails ? ask_for_unknown : read_options;
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

static odeon_status ask_for_unknown(held *x)
{
    assert_int_equal(x->host->option_given(x->host, "cuont"), 0);
    return ODEON_OK;
}

static void test_option_that_does_not_exist_is_refused_by_name(void **state)
{
    (void)state;
    behave = ask_for_unknown;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_ERR_PLUGIN);
    assert_null(x);
    assert_string_equal(diag_message(),
                        "ode.block: layer sample asks for its option 'cuont', which "
                        "is not in its table: a bug in the plugin");
    assert_int_equal(ended, 1);
}

static odeon_status ask_for_a_default(held *x)
{
    return x->host->option_given(x->host, "times") == 0 ? ODEON_OK : ODEON_ERR_INTERNAL;
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

static void test_misuse_after_init_is_warned_about(void **state)
{
    (void)state;
    behave = read_options;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_OK);
    captured c;
    captured_start(&c);
    int32_t given = x->host.option_given(&x->host, "unheard_of");
    captured_stop(&c);
    assert_int_equal(given, 0);
    assert_non_null(strstr(c.text, "'unheard_of'"));
    instance_destroy(x);
}

/* The plugin's own init has no options to ask for. */
static void test_a_plugin_has_no_options(void **state)
{
    (void)state;
    instance x = {.path = NULL};
    instance_host(&x);
    assert_int_equal(x.host.option_given(&x.host, "rate"), 0);
}

static odeon_status create_inner(held *x)
{
    static sample s;
    (void)x;
    behave = ask_for_unknown;
    instance *inner = NULL;
    assert_int_equal(instance_create(sample_config(&s), "inner", &inner), ODEON_ERR_PLUGIN);
    assert_null(inner);
    return ODEON_OK;
}

static void test_misuse_is_the_inner_instances_alone(void **state)
{
    (void)state;
    behave = create_inner;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_OK);
    assert_false(x->misused);
    instance_destroy(x);
}

/* ---- failures ---- */

static odeon_status fail_with_reason(held *x)
{
    return odeon_fail(x->host, ODEON_ERR_DEVICE, "no %s", "hardware");
}

static odeon_status fail_silently(held *x)
{
    (void)x;
    return ODEON_VOID_STEP;
}

static odeon_status fail_and_misuse(held *x)
{
    (void)ask_for_unknown(x);
    x->taken = x->host->alloc(x->host, 8);
    return fail_with_reason(x);
}

/* Whatever init has taken is fini's to free, also where init fails. */
static void test_init_that_fails_is_followed_by_fini(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    for (int misuses = 0; misuses < 2; misuses++) {
        behave = misuses ? fail_and_misuse : fail_with_reason;
        instance *x = NULL;
        captured c;
        captured_start(&c);
        assert_int_equal(make(&x), ODEON_ERR_DEVICE);
        captured_stop(&c);
        assert_null(x);
        assert_string_equal(diag_message(), "ode.block: no hardware");
        assert_int_equal(strstr(c.text, "'cuont'") != NULL, misuses);
        assert_int_equal(ended, 1);
        assert_int_equal(mem_live_blocks(), live);
    }
}

static void test_init_that_fails_silently_is_told_all_the_same(void **state)
{
    (void)state;
    behave = fail_silently;
    instance *x = NULL;
    assert_int_equal(make(&x), ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), "ode.block: layer sample (held.so), init"));
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

/* The layer's options would be written behind a shorter instance, or into other fields. */
static void test_kernel_with_an_instance_of_another_size_is_refused(void **state)
{
    (void)state;
    odeon_component kernel = component;
    kernel.id = "sample@cpu";
    kernel.options = NULL;
    behave = read_options;
    instance *x = NULL;
    assert_int_equal(make_as(&kernel, &x), ODEON_OK);
    assert_int_equal(((const held *)x->self)->count, 5);
    instance_destroy(x);
    kernel.instance_bytes -= 8;
    assert_int_equal(make_as(&kernel, &x), ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), "ode.block: an instance of sample@cpu has "));
    assert_non_null(strstr(diag_message(), " of sample, whose options are written into it"));
    assert_int_equal(ended, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_are_written_into_their_fields),
        cmocka_unit_test(test_configuration_is_borrowed),
        cmocka_unit_test(test_configuration_is_taken),
        cmocka_unit_test(test_option_that_does_not_exist_is_refused_by_name),
        cmocka_unit_test(test_whether_a_default_is_given_may_not_be_asked),
        cmocka_unit_test(test_misuse_after_init_is_warned_about),
        cmocka_unit_test(test_a_plugin_has_no_options),
        cmocka_unit_test(test_misuse_is_the_inner_instances_alone),
        cmocka_unit_test(test_init_that_fails_is_followed_by_fini),
        cmocka_unit_test(test_init_that_fails_silently_is_told_all_the_same),
        cmocka_unit_test(test_every_failed_allocation_is_reported_and_leaves_nothing),
        cmocka_unit_test(test_log_starts_with_the_path),
        cmocka_unit_test(test_memory_comes_from_the_host),
        cmocka_unit_test(test_services_are_found_by_id),
        cmocka_unit_test(test_unknown_extension_is_null),
        cmocka_unit_test(test_kernel_with_an_instance_of_another_size_is_refused),
    };
    return cmocka_run_group_tests_name("instance", tests, NULL, NULL);
}
