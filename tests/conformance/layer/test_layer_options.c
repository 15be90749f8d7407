/* What layers refuse, with which words, and how their parameters start. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "odeon/layer.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

static registry *plugins;
static support_device device;

static int open_device(void **state)
{
    (void)state;
    plugins = support_registry();
    device = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    support_device_close(&device);
    registry_destroy(plugins);
    return 0;
}

/* Makes the layer and plans it for an input; the first status that is not 0. */
static odeon_status try_plan(const char *expression, const odeon_shape *in)
{
    location where = {.file = "test"};
    odeon_config *config = NULL;
    instance *layer = NULL;
    diag_clear();
    odeon_status status = component_read(plugins, ODEON_KIND_LAYER, expression, where, "model",
                                         ODEON_SOURCE, 0, NULL, &config);
    if (status == ODEON_OK) {
        status = instance_create(config, "block", &layer);
    }
    if (status == ODEON_OK) {
        const odeon_layer_ops *ops = layer->component->ops;
        odeon_layer_plan plan = {.struct_size = sizeof plan, .device = device.device, .in = *in};
        status = ops->plan(layer->self, &plan);
    }
    instance_destroy(layer);
    schema_destroy(config);
    return status;
}

static void test_layer_refusals_say_what_is_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        int32_t ndim;
        int64_t dim[ODEON_MAX_DIMS];
        const char *message; /* a part of it */
    } cases[] = {
        {"dense(units=3)",
         4,
         {2, 3, 4, 5},
         "block: dense: the input is [2, 3, 4, 5]; it takes "
         "vectors [B,N] or sequences of them [B,T,N]: put flatten before it"},
        {"dense(units=3, time=middle)", 2, {2, 3}, "first"},
        {"batchnorm", 1, {2}, "it takes channels [B,C,...]"},
        {"batchnorm(momentum=2)", 2, {2, 3}, "momentum"},
        {"augment(channels=1)", 1, {2}, "it takes channels [B,C,...]"},
        {"augment", 2, {2, 3}, "channels"},
        {"power", 2, {2, 3}, "exponent"},
        {"dense", 2, {2, 3}, "units"},
        {"dense(units=0)", 2, {2, 3}, "units"},
        {"dense(units=3, init=lecun)", 2, {2, 3}, "glorot_uniform"},
        {"conv2d(filters=3, kernel=3)", 2, {2, 3}, "[2, 3]; it takes images [B,C,H,W]"},
        {"conv2d(filters=3, kernel=5)",
         4,
         {2, 3, 4, 9},
         "kernel of 5 x 5 does not fit into "
         "images of 4 x 9"},
        {"conv2d(filters=3, kernel=3 3 3)", 4, {2, 3, 4, 4}, "kernel has 3 numbers"},
        {"conv2d(filters=3, kernel=3, stride=0)", 4, {2, 3, 4, 4}, "stride"},
        {"conv2d(kernel=3)", 4, {2, 3, 4, 4}, "filters"},
        {"groupnorm(groups=4)", 4, {2, 6, 4, 4}, "4 groups do not divide the 6 channels"},
        {"groupnorm(groups=0)", 4, {2, 6, 4, 4}, "groups"},
        {"groupnorm(epsilon=0)", 4, {2, 6, 4, 4}, "epsilon"},
        {"groupnorm", 1, {2}, "it takes channels [B,C,...]"},
        {"avgpool(kernel=2, padding=2)", 4, {2, 3, 4, 4}, "more than half the kernel"},
        {"avgpool(kernel=6)", 4, {2, 3, 4, 4}, "make the kernel smaller"},
        {"avgpool(kernel=2)", 3, {2, 3, 4}, "it takes images [B,C,H,W]"},
        {"maxpool(kernel=2, padding=2)", 4, {2, 3, 4, 4}, "maxpool: padding 2 2 is more than half"},
        {"maxpool", 4, {2, 3, 4, 4}, "kernel"},
        {"layernorm", 1, {2}, "layernorm: the input is [2]; it takes features [B,...,D]"},
        {"layernorm(epsilon=0)", 2, {2, 3}, "epsilon"},
        {"conv1d(filters=2, kernel=5)", 3, {2, 3, 4}, "it takes [B,C,L] with an L of 5 at least"},
        {"conv1d(filters=2, kernel=1)", 2, {2, 3}, "conv1d: the input is [2, 3]"},
        {"conv_transpose2d(filters=2, kernel=3, stride=2, output_padding=2)",
         4,
         {2, 3, 4, 4},
         "output_padding = 2 is not less than the stride"},
        {"conv_transpose2d(filters=2, kernel=2, padding=4)",
         4,
         {2, 3, 4, 4},
         "padding leaves nothing of the images [2, 3, 4, 4]"},
        {"conv_transpose2d(filters=2, kernel=2)", 3, {2, 3, 4}, "it takes images [B,C,H,W]"},
        {"upsample(factor=0)", 4, {2, 3, 4, 4}, "factor"},
        {"upsample", 3, {2, 3, 4}, "it takes images [B,C,H,W]"},
        {"select(channels=0 3)", 2, {2, 3}, "are 0 to 2, each at most once; 3 is not one more"},
        {"gru(units=3)", 2, {2, 3}, "gru: the input is [2, 3]; it takes sequences [B,T,D]"},
        {"observations", 2, {2, 3}, "observations: the input is [2, 3]; it takes series [B,T,D]"},
        {"hypernet(units=3)", 1, {2}, "it takes features [B,...,N]"},
        {"gelu(approximate=fast)", 2, {2, 3}, "tanh"},
        {"globalavgpool", 2, {2, 3}, "it takes channels of several numbers [B,C,...]"},
        {"dropout(p=1)", 2, {2, 3}, "p"},
        {"dropout(p=-0.1)", 2, {2, 3}, "p"},
        {"random_crop(size=9)", 4, {2, 3, 4, 4}, "9 x 9 does not fit into images of 4 x 4"},
        {"random_crop(size=4 9, padding=2)", 4, {2, 3, 4, 4}, "make size smaller or padding"},
        {"random_crop(size=4 4 4)", 4, {2, 3, 4, 4}, "size has 3 numbers"},
        {"random_crop(padding=2)", 2, {2, 3}, "random_crop: the input is [2, 3]; it takes images"},
        {"horizontal_flip", 3, {2, 3, 4}, "horizontal_flip: the input is [2, 3, 4]; it takes"},
        {"horizontal_flip(probability=1.5)", 4, {2, 3, 4, 4}, "probability"},
        {"concat_time(at=middle)", 4, {2, 3, 4, 4}, "first"},
        {"concat_time", 1, {2}, "it takes channels [B,C,...]"},
        {"normalize(mean=1 2, std=1)",
         4,
         {2, 3, 4, 4},
         "mean has 2 numbers, the input is [2, 3, 4, 4] [B,C,...]; give one, or one for each"},
        {"normalize(mean=1, std=1 2)", 1, {2}, "std has 2 numbers"},
        {"normalize(mean=1, std=0)", 2, {2, 3}, "std"},
        {"normalize(std=1)", 2, {2, 3}, "mean"},
        {"relu(slope=2)", 2, {2, 3}, "slope"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        odeon_shape in = {.ndim = cases[i].ndim, .dtype = ODEON_DTYPE_F64};
        memcpy(in.dim, cases[i].dim, sizeof in.dim);
        odeon_status status = try_plan(cases[i].expression, &in);
        if (status != ODEON_ERR_CONFIG || strstr(diag_message(), cases[i].message) == NULL) {
            fail_msg("%s: status %d, message '%s'", cases[i].expression, (int)status,
                     diag_message());
        }
    }
}

/* y of the last channel of [1,2,1] for x = 3, mean 1, std 4. */
static void test_normalize_subtracts_before_it_divides(void **state)
{
    (void)state;
    static const int64_t dim[] = {1, 2, 1};
    static const double x[] = {7.0, 3.0};
    instance *layer =
        support_instance(plugins, ODEON_KIND_LAYER, "normalize(mean=5 1, std=0.5 4)", 0, 0);
    const odeon_layer_ops *ops = layer->component->ops;
    odeon_tensor in = support_upload(&device, x, 3, dim),
                 out = support_upload(&device, NULL, 3, dim);
    odeon_tensor scratch = support_upload(&device, NULL, 1, (const int64_t[]){16});
    odeon_layer_call call = {.struct_size = sizeof call,
                             .queue = device.queue,
                             .device = device.device,
                             .in = &in.view,
                             .out = &out,
                             .scratch = odeon_write(&scratch)};
    assert_int_equal(ops->forward(layer->self, &call), ODEON_OK);
    double *y = support_download(&device, &out.view);
    support_assert_close("y", 2, y, (const double[]){4.0, 0.5}, 1e-15);
    mem_free(y);
    support_release(&device, &in);
    support_release(&device, &out);
    support_release(&device, &scratch);
    instance_destroy(layer);
}

static void test_layers_with_time_need_one(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *message;
    } cases[] = {
        {"concat_time", "concat_time is outside of an ODE block"},
        {"dense(units=4, time=last)", "dense with time is outside of an ODE block"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        instance *layer = support_instance(plugins, ODEON_KIND_LAYER, cases[i].expression, 0, 0);
        const odeon_layer_ops *ops = layer->component->ops;
        odeon_tensor in = support_upload(&device, NULL, 2, (const int64_t[]){2, 3});
        odeon_tensor out = support_upload(&device, NULL, 2, (const int64_t[]){2, 4});
        odeon_layer_call call = {.struct_size = sizeof call,
                                 .queue = device.queue,
                                 .device = device.device,
                                 .in = &in.view,
                                 .out = &out,
                                 .scratch = odeon_write(&out)};
        diag_clear();
        assert_int_equal(ops->forward(layer->self, &call), ODEON_ERR_CONFIG);
        assert_non_null(strstr(diag_message(), cases[i].message));
        support_release(&device, &in);
        support_release(&device, &out);
        instance_destroy(layer);
    }
}

/* Parameter index of a layer for an input; its name is NULL if there is none, else no more than
 * that it has one: the name itself lives no longer than the layer. */
static odeon_param param_of(const char *expression, int32_t ndim, const int64_t *dim, int32_t index)
{
    instance *layer = support_instance(plugins, ODEON_KIND_LAYER, expression, 0, 0);
    const odeon_layer_ops *ops = layer->component->ops;
    odeon_shape in = {.ndim = ndim, .dtype = ODEON_DTYPE_F64};
    memcpy(in.dim, dim, (size_t)ndim * sizeof *dim);
    odeon_param param = {.struct_size = sizeof param};
    assert_int_equal(ops->param(layer->self, &in, index, &param), ODEON_OK);
    param.name = param.name != NULL ? "named" : NULL;
    instance_destroy(layer);
    return param;
}

static void test_layer_parameters_start_as_chosen(void **state)
{
    (void)state;
    static const int64_t vectors[] = {4, 5}, images[] = {2, 3, 8, 8};
    static const struct {
        const char *expression;
        int32_t index;
        double bound; /* of a uniform distribution; 0: constant 0 */
    } cases[] = {
        /* fan_in 5, fan_out 7 */
        {"dense(units=7)", 0, 1.0 / 5.0},
        {"dense(units=7)", 1, 1.0 / 5.0},
        {"dense(units=7, init=glorot_uniform)", 0, 6.0 / 12.0},
        {"dense(units=7, init=glorot_uniform)", 1, 1.0 / 5.0},
        {"dense(units=7, init=zeros)", 0, 0.0},
        {"dense(units=7, bias_init=zeros)", 1, 0.0},
        /* fan_in 3 * 2 * 4, fan_out 5 * 2 * 4 */
        {"conv2d(filters=5, kernel=2 4)", 0, 1.0 / 24.0},
        {"conv2d(filters=5, kernel=2 4)", 1, 1.0 / 24.0},
        {"conv2d(filters=5, kernel=2 4, init=glorot_uniform)", 0, 6.0 / 64.0},
        {"conv2d(filters=5, kernel=2 4, init=zeros)", 0, 0.0},
        {"dense(units=7, init=glorot_uniform, gain=3)", 0, 9.0 * 6.0 / 12.0},
        {"dense(units=7, init=he_uniform)", 0, 6.0 / 5.0},
        {"dense(units=7, init=uniform, gain=-0.5)", 0, 0.25},
        {"dense(units=7, bias_init=uniform, bias_gain=0.25)", 1, 0.0625},
        {"dense(units=7, bias_gain=2)", 1, 4.0 / 5.0},
        {"dense(units=7, time=last)", 0, 1.0 / 6.0}, /* t is one more input */
        {"conv2d(filters=5, kernel=2 4, time=first)", 1, 1.0 / 32.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int is_dense = strncmp(cases[i].expression, "dense", 5) == 0;
        odeon_param p = param_of(cases[i].expression, is_dense ? 2 : 4, is_dense ? vectors : images,
                                 cases[i].index);
        double bound = sqrt(cases[i].bound);
        assert_int_equal(p.init, bound > 0.0 ? ODEON_INIT_UNIFORM : ODEON_INIT_CONSTANT);
        assert_true(fabs(p.init_a + bound) <= 1e-15); /* one division and one root */
        assert_true(bound == 0.0 || p.init_b == -p.init_a);
        assert_int_equal(p.role, cases[i].index == 0 ? ODEON_PARAM_WEIGHT : ODEON_PARAM_BIAS);
    }
}

static void test_layer_parameters_start_normal_as_chosen(void **state)
{
    (void)state;
    static const int64_t vectors[] = {4, 5};
    static const struct {
        const char *expression;
        int32_t index;
        double variance;
    } cases[] = {
        /* fan_in 5, fan_out 7 */
        {"dense(units=7, init=glorot_normal)", 0, 2.0 / 12.0},
        {"dense(units=7, init=he_normal)", 0, 2.0 / 5.0},
        {"dense(units=7, init=he_normal, gain=0.5)", 0, 0.5 / 5.0},
        {"dense(units=7, init=normal)", 0, 1.0},
        {"dense(units=7, init=normal, init_std=0.1)", 0, 0.01},
        {"dense(units=7, init=normal, init_std=0.1, gain=2)", 0, 0.04},
        {"dense(units=7, init_std=3, bias_init=normal, bias_gain=0.5)", 1, 0.25},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        odeon_param p = param_of(cases[i].expression, 2, vectors, cases[i].index);
        assert_int_equal(p.init, ODEON_INIT_NORMAL);
        assert_true(p.init_a == 0.0);
        /* a root and three products */
        assert_true(fabs(p.init_b - sqrt(cases[i].variance)) <= 1e-15);
    }
}

static void test_layer_parameters_start_constant_as_chosen(void **state)
{
    (void)state;
    static const int64_t vectors[] = {4, 5};
    odeon_param weight = param_of("dense(units=7, init=ones, gain=0.5)", 2, vectors, 0);
    odeon_param bias = param_of("dense(units=7, bias_init=ones)", 2, vectors, 1);
    assert_int_equal(weight.init, ODEON_INIT_CONSTANT);
    assert_true(weight.init_a == 0.5);
    assert_int_equal(bias.init, ODEON_INIT_CONSTANT);
    assert_true(bias.init_a == 1.0);
}

static void test_groupnorm_starts_as_plain_normalization(void **state)
{
    (void)state;
    static const int64_t dim[] = {2, 6, 4, 4};
    odeon_param weight = param_of("groupnorm", 4, dim, 0), bias = param_of("groupnorm", 4, dim, 1);
    assert_int_equal(weight.init, ODEON_INIT_CONSTANT);
    assert_true(weight.init_a == 1.0);
    assert_int_equal(bias.init, ODEON_INIT_CONSTANT);
    assert_true(bias.init_a == 0.0);
}

static void test_layer_parameters_have_the_shapes_of_pytorch(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        int32_t in_ndim;
        int64_t in[4];
        int32_t count; /* of parameters */
        int32_t ndim;
        int64_t dim[4]; /* of the first */
    } cases[] = {
        {"dense(units=7)", 2, {4, 5}, 2, 2, {7, 5}},
        {"dense(units=7, bias=no)", 2, {4, 5}, 1, 2, {7, 5}},
        {"conv2d(filters=5, kernel=2 4)", 4, {2, 3, 8, 8}, 2, 4, {5, 3, 2, 4}},
        {"conv2d(filters=5, kernel=3, bias=no)", 4, {2, 3, 8, 8}, 1, 4, {5, 3, 3, 3}},
        {"dense(units=7)", 3, {4, 3, 5}, 2, 2, {7, 5}},
        {"dense(units=7, time=first)", 2, {4, 5}, 2, 2, {7, 6}},
        {"conv2d(filters=5, kernel=3, time=last)", 4, {2, 3, 8, 8}, 2, 4, {5, 4, 3, 3}},
        {"groupnorm", 4, {2, 6, 4, 4}, 2, 1, {6}},
        {"batchnorm", 4, {2, 6, 4, 4}, 4, 1, {6}}, /* with running mean and variance */
        {"batchnorm(affine=no)", 2, {2, 6}, 2, 1, {6}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t count = 0;
        while (count < 8 &&
               param_of(cases[i].expression, cases[i].in_ndim, cases[i].in, count).name) {
            count++;
        }
        odeon_param first = param_of(cases[i].expression, cases[i].in_ndim, cases[i].in, 0);
        assert_int_equal(count, cases[i].count);
        assert_int_equal(first.shape.ndim, cases[i].ndim);
        assert_memory_equal(first.shape.dim, cases[i].dim, (size_t)cases[i].ndim * sizeof(int64_t));
    }
}

static void test_groupnorm_without_affine_has_no_parameters(void **state)
{
    (void)state;
    static const int64_t dim[] = {2, 6, 4, 4};
    assert_null(param_of("groupnorm(affine=no)", 4, dim, 0).name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_refusals_say_what_is_wanted),
        cmocka_unit_test(test_normalize_subtracts_before_it_divides),
        cmocka_unit_test(test_layers_with_time_need_one),
        cmocka_unit_test(test_layer_parameters_start_as_chosen),
        cmocka_unit_test(test_layer_parameters_start_normal_as_chosen),
        cmocka_unit_test(test_layer_parameters_start_constant_as_chosen),
        cmocka_unit_test(test_groupnorm_starts_as_plain_normalization),
        cmocka_unit_test(test_layer_parameters_have_the_shapes_of_pytorch),
        cmocka_unit_test(test_groupnorm_without_affine_has_no_parameters),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
