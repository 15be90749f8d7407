/* A layer and a kernel in its place: what each says, and that they agree. */

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/component.h"
#include "small_net.h"

/* What the two say; instances are made here, since a plugin that says nonsense is not to be had. */
static odeon_layer_plan said[2];
static odeon_param param_of[2];
static odeon_status answer[2];

static odeon_status plan_of(void *self, odeon_layer_plan *plan)
{
    *plan = said[self != NULL];
    return answer[self != NULL];
}

static odeon_status param_at(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    (void)in;
    if (index == 0) { /* after the last one everything stays as it was given */
        *out = param_of[self != NULL];
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops, .plan = plan_of, .param = param_at};
static const odeon_component layer_component = {
    .id = "swish", .kind = ODEON_KIND_LAYER, .ops = &ops};

static void reset(void)
{
    const odeon_layer_plan plan = {.struct_size = sizeof plan,
                                   .flags = ODEON_LAYER_LINEAR,
                                   .out = {.ndim = 2, .dim = {1, 3}, .dtype = ODEON_DTYPE_F64}};
    const odeon_param p = {.struct_size = sizeof p,
                           .role = ODEON_PARAM_WEIGHT,
                           .name = "weight",
                           .shape = {.ndim = 2, .dim = {3, 3}}};
    said[0] = said[1] = plan;
    param_of[0] = param_of[1] = p;
    answer[0] = answer[1] = ODEON_OK;
    diag_clear();
}

static instance alone = {.component = &layer_component, .path = (char[]){"m.a"}};
static net_layer leaf = {.instance = &alone, .path = (char[]){"m.a"}};
static const net_site site = {.params = NULL};

static void expect(odeon_status status, const char *words)
{
    if (status != ODEON_ERR_PLUGIN || strstr(diag_message(), words) == NULL) {
        fail_msg("%d '%s' does not say '%s'", (int)status, diag_message(), words);
    }
    diag_clear();
}

static void test_plan_is_what_the_layer_says(void **state)
{
    (void)state;
    odeon_layer_plan out;
    reset();
    said[0].tape_bytes = 12;
    assert_int_equal(net_layer_plan(&site, &leaf, &leaf.in, 0, &out), ODEON_OK);
    assert_int_equal(out.tape_bytes, 12);
    assert_int_equal(out.flags, ODEON_LAYER_LINEAR);
    answer[0] = ODEON_ERR_CONFIG;
    assert_int_equal(net_layer_plan(&site, &leaf, &leaf.in, 0, &out), ODEON_ERR_CONFIG);
    diag_clear();
}

/* Bits without a meaning must stay free to get one. */
static void test_unknown_flags_are_refused(void **state)
{
    (void)state;
    odeon_layer_plan out;
    reset();
    said[0].flags = 1 << 20 | ODEON_LAYER_LINEAR;
    expect(net_layer_plan(&site, &leaf, &leaf.in, 0, &out),
           "it sets flag bits that this host does not know: 0x100000");
}

static void test_parameters_are_listed_until_there_are_no_more(void **state)
{
    (void)state;
    odeon_param out;
    reset();
    assert_int_equal(net_layer_param(&site, &leaf, 0, &out), ODEON_OK);
    assert_string_equal(out.name, "weight");
    assert_int_equal(net_layer_param(&site, &leaf, 1, &out), ODEON_OK);
    assert_null(out.name);
    odeon_layer_ops none = ops;
    none.param = NULL;
    odeon_component bare = layer_component;
    bare.ops = &none;
    instance x = alone;
    x.component = &bare;
    net_layer without = leaf;
    without.instance = &x;
    assert_int_equal(net_layer_param(&site, &without, 0, &out), ODEON_OK);
    assert_null(out.name);
}

static void test_parameters_that_cannot_be_are_refused(void **state)
{
    (void)state;
    odeon_param out;
    reset();
    param_of[0].role = ODEON_PARAM_STATE + 1;
    expect(net_layer_param(&site, &leaf, 0, &out), "parameter 0 has role ");
    reset();
    param_of[0].role = -1;
    expect(net_layer_param(&site, &leaf, 0, &out), "of which one is none");
    reset();
    param_of[0].init = ODEON_INIT_NORMAL + 1;
    expect(net_layer_param(&site, &leaf, 0, &out), "parameter 0 has role ");
    reset();
    param_of[0].init = ODEON_INIT_CONSTANT - 1;
    expect(net_layer_param(&site, &leaf, 0, &out), "parameter 0 has role ");
    reset();
    param_of[0].reserved0 = 1;
    expect(net_layer_param(&site, &leaf, 0, &out), "it sets a reserved field");
}

/* ---- with a kernel ---- */

/* A real kernel of the tests' device, so that its file is known; it answers as said[1] does. */
typedef struct with_kernel {
    registry *registry;
    kernel_list *kernels;
    odeon_component kernel;
    instance original, own;
    net_layer layer;
    net_site site;
} with_kernel;

static void open_kernel(with_kernel *k)
{
    const odeon_component *swish, *found;
    *k = (with_kernel){.registry = support_registry()};
    assert_int_equal(kernels_create(k->registry, "remote", &k->kernels), ODEON_OK);
    assert_int_equal(registry_find(k->registry, ODEON_KIND_LAYER, "swish", &swish), ODEON_OK);
    assert_int_equal(kernels_find(k->kernels, swish, &found), ODEON_OK);
    assert_non_null(found);
    k->kernel = *found;
    k->kernel.ops = &ops;
    k->original = alone;
    k->own = (instance){.component = &k->kernel, .self = k, .path = alone.path};
    k->layer = leaf;
    k->layer.instance = &k->own;
    k->layer.original = &k->original;
    k->site = (net_site){.kernels = k->kernels};
    reset();
}

static void close_kernel(with_kernel *k)
{
    kernels_destroy(k->kernels);
    registry_destroy(k->registry);
}

static void test_kernel_may_differ_in_how_it_computes(void **state)
{
    (void)state;
    with_kernel k;
    odeon_layer_plan out;
    odeon_param p;
    open_kernel(&k);
    said[1].flags |= ODEON_LAYER_NEEDS_OUT | ODEON_LAYER_EPILOGUE;
    said[1].scratch_bytes = 64;
    said[0].min_batch = 5;
    said[1].min_batch = 2;
    assert_int_equal(net_layer_plan(&k.site, &k.layer, &k.layer.in, 0, &out), ODEON_OK);
    assert_int_equal(out.flags, said[1].flags);
    assert_int_equal(out.scratch_bytes, 64);
    assert_int_equal(out.min_batch, 5); /* the larger counts */
    assert_int_equal(net_layer_param(&k.site, &k.layer, 0, &p), ODEON_OK);
    assert_int_equal(net_layer_param(&k.site, &k.layer, 1, &p), ODEON_OK);
    assert_null(p.name);
    answer[1] = ODEON_ERR_UNSUPPORTED;
    assert_int_equal(net_layer_plan(&k.site, &k.layer, &k.layer.in, 0, &out),
                     ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "; run.kernels=no does without swish"));
    close_kernel(&k);
}

static void test_instance_is_the_layer_or_its_kernel(void **state)
{
    (void)state;
    with_kernel k;
    open_kernel(&k);
    location where = {.file = "test"};
    odeon_config *chosen = NULL;
    assert_int_equal(
        component_read(k.registry, ODEON_KIND_LAYER, "swish", where, "t", ".", 0, NULL, &chosen),
        ODEON_OK);
    net_layer made = {.path = (char[]){"m.s"}};
    assert_int_equal(net_make_instance(&k.site, chosen, &made), ODEON_OK);
    assert_ptr_equal(made.original->component, chosen->component);
    assert_ptr_not_equal(made.instance->component, chosen->component);
    instance_destroy(made.instance);
    instance_destroy(made.original);
    made = (net_layer){.path = (char[]){"m.s"}};
    assert_int_equal(net_make_instance(&site, chosen, &made), ODEON_OK); /* without a list */
    assert_null(made.original);
    assert_ptr_equal(made.instance->component, chosen->component);
    instance_destroy(made.instance);
    schema_destroy(chosen);
    close_kernel(&k);
}

/* The layer `mixed` of the tests, whose kernel gets wrong what its option says. */
static void check_fault(const char *fault, int32_t index, const char *words)
{
    static const odeon_shape in = {.ndim = 2, .dim = {1, 3}, .dtype = ODEON_DTYPE_F64};
    with_kernel k;
    odeon_config *chosen = NULL;
    char text[64];
    open_kernel(&k);
    (void)snprintf(text, sizeof text, "mixed(fault=%s)", fault);
    assert_int_equal(component_read(k.registry, ODEON_KIND_LAYER, text, (location){.file = "test"},
                                    "t", ".", 0, NULL, &chosen),
                     ODEON_OK);
    net_layer made = {.path = (char[]){"m.x"}, .in = in};
    odeon_status status = net_make_instance(&k.site, chosen, &made);
    if (status == ODEON_OK && index < 0) {
        odeon_layer_plan plan;
        status = net_layer_plan(&k.site, &made, &in, 0, &plan);
    } else if (status == ODEON_OK) {
        odeon_param p;
        status = net_layer_param(&k.site, &made, index, &p);
    }
    if (words == NULL) {
        assert_int_equal(status, ODEON_OK);
    } else if (status == ODEON_OK || strstr(diag_message(), words) == NULL) {
        fail_msg("%s: %d '%s' does not say '%s'", fault, (int)status, diag_message(), words);
    }
    diag_clear();
    instance_destroy(made.instance);
    instance_destroy(made.original);
    schema_destroy(chosen);
    close_kernel(&k);
}

static void test_plans_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    check_fault("none", -1, NULL);
    check_fault("init", -1, "the GPU has no such unit; run.kernels=no does without mixed");
    check_fault("plan", -1, "; run.kernels=no does without mixed");
    check_fault("shape", -1,
                " as its output where layer mixed has [3] of float64: its author has "
                "to put that right; run.kernels=no does without it");
    check_fault("dtype", -1, "has [3] of another dtype as its output");
    check_fault("flags", -1, "has USES_T as its flags where layer mixed has LINEAR");
}

static void test_parameters_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    check_fault("none", 0, NULL);
    check_fault("no_parameter", 0,
                "has nothing as parameter 0 where layer mixed has weight [3, 3]");
    check_fault("more", 1, " as parameter 1 where layer mixed has nothing");
    check_fault("name", 0, " as parameter 0 where layer mixed has weight [3, 3]");
    check_fault("dims", 0, " as parameter 0 where layer mixed has weight [3, 3]");
    check_fault("role", 0, "(role 2, ");
    check_fault("start", 0, " as parameter 0 where layer mixed has weight [3, 3]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_is_what_the_layer_says),
        cmocka_unit_test(test_unknown_flags_are_refused),
        cmocka_unit_test(test_parameters_are_listed_until_there_are_no_more),
        cmocka_unit_test(test_parameters_that_cannot_be_are_refused),
        cmocka_unit_test(test_kernel_may_differ_in_how_it_computes),
        cmocka_unit_test(test_instance_is_the_layer_or_its_kernel),
        cmocka_unit_test(test_plans_that_contradict_each_other_are_refused),
        cmocka_unit_test(test_parameters_that_contradict_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
