/* Label smoothing, class weights and masks of cross_entropy against PyTorch 2.15 in float64: value
 * and gradient of torch.nn.functional.cross_entropy; with a mask, of sum(mask * loss) / sum(mask *
 * class weight of the label). */
#include "support.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/loss.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { B = 6, K = 4 };

static const double logits[B * K] = {
    -0.65324637533629248, 0.44003138943314757, 2.0072433640456429,  -1.542372341785031,
    -4.7579115393210998,  -2.2431909475742415, 1.961717217681183,   2.7314696912341212,
    3.2353057319442735,   1.0309013937432685,  2.1594755029975512,  2.4918542713859924,
    1.5259616320906042,   -4.5797547065272939, -5.7033891027825323, 0.7447209829411221,
    0.086258603685053947, 0.72731130958456613, 2.3525168890566595,  -2.9952550108620555,
    3.5581440617547555,   1.2409900496292794,  0.55233277978434747, -0.46203778342122881};
static const double labels[B] = {0, 3, 1, 2, 3, 0}, mask[B] = {1.0, 0.0, 0.5, 2.0, 1.0, 0.25};

static const struct {
    const char *expression;
    bool masked;
    double loss, gradient[B * K];
} cases[] = {
    {"cross_entropy(label_smoothing=0.1)",
     false,
     3.208273803593471,
     {-0.14525322237681371,    0.022431399059256316,   0.12332493213623406,
      -0.00050310881867665104, -0.0041033150105900095, -0.00338344039091899,
      0.048320806046910025,    -0.040834050645401028,  0.082332503928033499,
      -0.14462440540221044,    0.025330806267992136,   0.036961095206184832,
      0.10992663668373631,     -0.0039122290958847547, -0.15408395000042746,
      0.048069542412575918,    0.0090738569056039824,  0.020970180904552705,
      0.12351502461048075,     -0.15355906242063741,   -0.011228083617905057,
      0.00992045519246601,     0.0029085903255874103,  -0.0016009619001483304}},
    {"cross_entropy(class_weights=0.5 2 0 1.25)",
     false,
     2.6838924981244081,
     {-0.08604721220553474,
      0.014508035850503441,
      0.069540872074309465,
      0.0019983042807218262,
      8.6388621922713836e-05,
      0.0010680358305650132,
      0.071573826427604584,
      -0.072728250880092327,
      0.1887254631157094,
      -0.34281688451391368,
      0.064358122766528289,
      0.089733298631675965,
      0,
      0,
      -0,
      0,
      0.018055259416732701,
      0.034277519415299142,
      0.1741113971961101,
      -0.22644417602814193,
      -0.012942591064311868,
      0.0076838846504360039,
      0.0038592310866840409,
      0.0013994753271918193}},
    {"cross_entropy(class_weights=0.5 2 0 1.25, label_smoothing=0.3)",
     false,
     2.8299488893180409,
     {-0.064316423591305794,  -0.0089563320114666792, 0.087795350993815691,
      -0.014522595391043239,  -0.0067382723429033073, -0.026284794129454635,
      0.066205789445534208,   -0.033182722973176287,  0.15182916061346138,
      -0.2643168071808723,    0.054101046950612831,   0.058386599616798061,
      0.028187718073419087,   -0.027194661199873731,  2.5378977141577873e-05,
      -0.0010184358506869352, 0.0098829331422959268,  0.0044339781864244235,
      0.16105304240640181,    -0.17536995373512215,   0.027978160599488083,
      -0.017571822901551817,  0.0048722792469386008,  -0.015278616944874873}},
    {"cross_entropy",
     true,
     5.3111263622905884,
     {-0.19926722826544888,
      0.03359755670642902,
      0.16104201954050612,
      0.0046276520185137022,
      0,
      0,
      0,
      -0,
      0.054631055112442185,
      -0.099236466569817106,
      0.018629982906100292,
      0.025975428551274621,
      0.28823571372733381,
      0.00064278965250167297,
      -0.42084366315897459,
      0.13196515977913914,
      0.016724871880762923,
      0.03175180745838236,
      0.16128213635008093,
      -0.20975881568922619,
      -0.0074930790372331859,
      0.0044485647976208438,
      0.0022342916817644446,
      0.00081022255784789535}},
    {"cross_entropy(class_weights=0.5 2 0 1.25, label_smoothing=0.3)",
     true,
     4.2701807196513979,
     {-0.12304011469641109,
      -0.017133852543675381,
      0.1679563236403431,
      -0.027782356400256631,
      0,
      0,
      0,
      -0,
      0.14522789276070222,
      -0.25282477208605175,
      0.051748827517977505,
      0.055848051807372068,
      0.10784866045482086,
      -0.1040491385038647,
      9.7102173411254465e-05,
      -0.0038966241243674092,
      0.018906480793957427,
      0.0084823930522902082,
      0.30810147242963826,
      -0.33549034627588586,
      0.013380859417146477,
      -0.0084039153007421721,
      0.0023302205094054181,
      -0.0073071646258097223}},
};
enum { N_CASES = sizeof cases / sizeof *cases };

/* 1 / what the labels count in the mean, as the host sums it. */
static double weight_of(instance *loss, bool masked)
{
    const odeon_loss_ops *ops = loss->component->ops;
    double sum = 0.0;
    for (int i = 0; i < B; i++) {
        sum += ops->label_weight(loss->self, (int64_t)labels[i]) * (masked ? mask[i] : 1.0);
    }
    return 1.0 / sum;
}

static void check_case(support_device *d, registry *plugins, size_t i)
{
    const int64_t shape[] = {B, K}, rows = B, two = 2;
    const double nothing[2] = {(double)NAN, (double)NAN};
    instance *loss = support_instance(plugins, ODEON_KIND_LOSS, cases[i].expression, 0, 0);
    const odeon_loss_ops *ops = loss->component->ops;
    odeon_tensor x = support_upload(d, logits, 2, shape), dx = support_upload(d, NULL, 2, shape);
    odeon_tensor y = support_upload_as(d, ODEON_DTYPE_I64, labels, 1, &rows);
    odeon_tensor m = support_upload(d, mask, 1, &rows);
    odeon_tensor sums = support_upload_as(d, ODEON_DTYPE_F64, nothing, 1, &two);
    odeon_loss_call call = {.struct_size = sizeof call,
                            .queue = d->queue,
                            .device = d->device,
                            .output = &x.view,
                            .label = &y.view,
                            .mask = cases[i].masked ? &m.view : NULL,
                            .weight = weight_of(loss, cases[i].masked),
                            .sums = &sums,
                            .d_output = &dx};
    assert_int_equal(ops->eval(loss->self, &call), ODEON_OK);
    double *value = support_download(d, &sums.view), *gradient = support_download(d, &dx.view);
    assert_true(fabs(value[0] - cases[i].loss) <= 1e-12 * cases[i].loss);
    support_assert_close("gradient", B * K, gradient, cases[i].gradient, 1e-12);
    mem_free(value);
    mem_free(gradient);
    odeon_tensor *all[] = {&x, &dx, &y, &m, &sums};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        support_release(d, all[k]);
    }
    instance_destroy(loss);
}

static void test_value_and_gradient_are_those_of_pytorch(void **state)
{
    (void)state;
    registry *plugins = support_registry();
    static const char *const devices[] = {"reference", "cpu", "emulated", "mocked"};
    for (size_t k = 0; k < sizeof devices / sizeof *devices; k++) {
        if (access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) != 0 && k == 3) {
            continue; /* built with CUDA's headers alone */
        }
        support_device d = support_device_open(plugins, devices[k], ODEON_DTYPE_F64);
        for (size_t i = 0; i < N_CASES; i++) {
            check_case(&d, plugins, i);
        }
        support_device_close(&d);
    }
    registry_destroy(plugins);
}

static void test_class_weights_fit_the_classes(void **state)
{
    (void)state;
    registry *plugins = support_registry();
    instance *loss =
        support_instance(plugins, ODEON_KIND_LOSS, "cross_entropy(class_weights=1 2)", 0, 0);
    const odeon_loss_ops *ops = loss->component->ops;
    const odeon_shape output = {.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {1, 3}};
    const odeon_shape label = {.ndim = 1, .dtype = ODEON_DTYPE_I64, .dim = {1}};
    const odeon_loss_shapes shapes = {
        .struct_size = sizeof shapes, .output = &output, .label = &label, .classes = 3};
    diag_clear();
    assert_int_equal(ops->check(loss->self, &shapes), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "class_weights has 2 numbers, the data set 3 classes"));
    assert_true(ops->label_weight(loss->self, 1) == 2.0);
    instance_destroy(loss);
    registry_destroy(plugins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_and_gradient_are_those_of_pytorch),
        cmocka_unit_test(test_class_weights_fit_the_classes),
    };
    return cmocka_run_group_tests_name("weighed_cross_entropy", tests, NULL, NULL);
}
