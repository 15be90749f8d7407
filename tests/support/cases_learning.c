#include <math.h>

#include "device_cases.h"
#include "odeon/device_loss.h"
#include "odeon/device_optimizer.h"

/* ---- loss ---- */

static void run_softmax(case_run *run)
{
    static const int64_t sizes[][2] = {{1, 1},  {6, 10},   {33, 3},   {1, 1000},
                                       {0, 10}, {128, 10}, {300, 10}, {5, 1000}};
    double labels[300];
    for (int32_t i = 0; i < 16; i++) {
        int64_t B = sizes[i / 2][0], K = sizes[i / 2][1];
        case_variant(run, "%dx%d, %s dx", (int)B, (int)K, i % 2 ? "no" : "with");
        for (int64_t b = 0; b < B; b++) {
            labels[b] = floor(0.5 * (1.0 + case_number(run)) * (double)K);
        }
        odeon_tensor x = case_between(run, shape2(B, K), -9.0, 9.0);
        odeon_tensor label = case_values_as(run, ODEON_DTYPE_I64, shape1(B), labels);
        odeon_tensor sums = case_output_as(run, ODEON_DTYPE_F64, shape1(2));
        odeon_tensor dx = case_output(run, shape2(B, K));
        case_do(run, loss, softmax_cross_entropy, .x = &x.view, .labels = &label.view,
                .weight = 0.125, .sums = &sums, .dx = i % 2 ? NULL : &dx);
        case_keep_each(run, "sums", &sums.view);
        if (i % 2 == 0) {
            case_keep(run, "dx", &dx.view);
        }
    }
}

enum { MOST_CLASSES = 1000, MOST_SAMPLES = 300 };

/* case_do with a bit that is known beside the others. */
static void weighed_call(case_run *run, odeon_softmax_cross_entropy *call)
{
    const odeon_loss_family *loss = case_device(run)->loss;
    const char *name = "softmax_cross_entropy";
    do {
        call->flags = ODEON_CROSS_ENTROPY_WEIGHED | case_flags(run, name);
    } while (case_done(run, name, loss->softmax_cross_entropy(case_queue(run), call)));
}

/* Bits of what: class weights, smoothing, a mask, no dx. */
static void weighed_variant(case_run *run, int64_t B, int64_t K, int32_t what)
{
    double labels[MOST_SAMPLES], part[MOST_SAMPLES], weights[MOST_CLASSES];
    case_variant(run, "%dx%d, way %d", (int)B, (int)K, (int)what);
    for (int64_t b = 0; b < B; b++) {
        labels[b] = floor(0.5 * (1.0 + case_number(run)) * (double)K);
        part[b] = b % 3 == 0 ? 0.0 : b % 3 == 1 ? 1.0 : 0.25;
    }
    for (int64_t k = 0; k < K; k++) { /* some classes count nothing */
        weights[k] = k % 4 == 3 ? 0.0 : 1.0 + case_number(run);
    }
    odeon_tensor x = case_between(run, shape2(B, K), -9.0, 9.0);
    odeon_tensor label = case_values_as(run, ODEON_DTYPE_I64, shape1(B), labels);
    odeon_tensor mask = case_values(run, shape1(B), part);
    odeon_tensor sums = case_output_as(run, ODEON_DTYPE_F64, shape1(2));
    odeon_tensor dx = case_output(run, shape2(B, K));
    odeon_softmax_cross_entropy call = {.struct_size = sizeof call,
                                        .x = &x.view,
                                        .labels = &label.view,
                                        .sums = &sums,
                                        .dx = what & 8 ? NULL : &dx,
                                        .weight = 0.125,
                                        .smoothing = what & 2 ? 0.2 : 0.0,
                                        .class_weight = what & 1 ? weights : NULL,
                                        .n = what & 1 ? (int32_t)K : 0,
                                        .mask = what & 4 ? &mask.view : NULL};
    weighed_call(run, &call);
    case_keep_each(run, "sums", &sums.view);
    if (call.dx != NULL) {
        case_keep(run, "dx", &dx.view);
    }
}

static void run_weighed_softmax(case_run *run)
{
    static const int64_t sizes[][2] = {{1, 1},    {6, 10},   {33, 3},   {1, 1000}, {0, 10},
                                       {128, 10}, {300, 10}, {5, 1000}, {40, 256}};
    for (int32_t i = 0; i < (int32_t)(sizeof sizes / sizeof *sizes); i++) {
        for (int32_t what = 0; what < 16; what++) {
            weighed_variant(run, sizes[i][0], sizes[i][1], what);
        }
    }
}

/* exp of these logits overflows, exp of their differences does not. */
static void run_softmax_of_large_logits(case_run *run)
{
    const double logits[] = {1000.0, 999.0, 990.0, -1000.0, -1001.0, -1000.0, 30000.0, 0.0, 1.0};
    const double labels[] = {1, 0, 0};
    case_variant(run, "large");
    odeon_tensor x = case_values(run, shape2(3, 3), logits), dx = case_output(run, shape2(3, 3));
    odeon_tensor label = case_values_as(run, ODEON_DTYPE_I64, shape1(3), labels);
    odeon_tensor sums = case_output_as(run, ODEON_DTYPE_F64, shape1(2));
    case_do(run, loss, softmax_cross_entropy, .x = &x.view, .labels = &label.view, .weight = 1.0,
            .sums = &sums, .dx = &dx);
    case_keep_each(run, "sums", &sums.view);
    case_keep(run, "dx", &dx.view);
}

/* Of equal logits the first is the answer. */
static void run_softmax_with_ties(case_run *run)
{
    const double logits[] = {2.0, 2.0, 1.0, 2.0, 2.0, 1.0, 0.0, 3.0, 3.0};
    const double labels[] = {0, 1, 1};
    case_variant(run, "ties");
    odeon_tensor x = case_values(run, shape2(3, 3), logits);
    odeon_tensor label = case_values_as(run, ODEON_DTYPE_I64, shape1(3), labels);
    odeon_tensor sums = case_output_as(run, ODEON_DTYPE_F64, shape1(2));
    case_do(run, loss, softmax_cross_entropy, .x = &x.view, .labels = &label.view, .weight = 1.0,
            .sums = &sums);
    case_keep_each(run, "sums", &sums.view);
}

static void run_softmax_of_bad_rows(case_run *run)
{
    static const double bad_labels[] = {3.0, -1.0, 0.0, 2.0};
    for (int32_t i = 0; i < 4; i++) {
        double logits[6] = {1.0, 2.0, 3.0, 0.5, 0.25, 0.0}, labels[2] = {bad_labels[i], 0.0};
        if (i >= 2) { /* this label is fine, the row is not */
            logits[i == 2 ? 0 : 1] = (double)NAN;
        }
        case_variant(run, "bad row %d", (int)i);
        case_expect_nonfinite(run);
        odeon_tensor x = case_values(run, shape2(2, 3), logits);
        odeon_tensor label = case_values_as(run, ODEON_DTYPE_I64, shape1(2), labels);
        odeon_tensor sums = case_output_as(run, ODEON_DTYPE_F64, shape1(2));
        case_do(run, loss, softmax_cross_entropy, .x = &x.view, .labels = &label.view,
                .weight = 1.0, .sums = &sums);
        case_keep_each(run, "sums", &sums.view);
    }
}

static void difference_variant(case_run *run, int64_t n, int32_t kind, bool with_mask, bool with_dx)
{
    case_variant(run, "%d numbers, kind %d, %s mask, %s dx", (int)n, (int)kind,
                 with_mask ? "with" : "no", with_dx ? "with" : "no");
    double part[5003];
    for (int64_t k = 0; k < n; k++) {
        part[k] = k % 3 == 0 ? 0.0 : k % 3 == 1 ? 1.0 : 0.25;
    }
    odeon_tensor x = case_between(run, shape1(n), -2.0, 2.0), y = case_random(run, shape1(n));
    odeon_tensor mask = case_values(run, shape1(n), part), dx = case_output(run, shape1(n));
    odeon_tensor sums = case_output_as(run, ODEON_DTYPE_F64, shape1(2));
    case_do(run, loss, difference_loss, .kind = kind, .beta = 0.75, .x = &x.view, .target = &y.view,
            .mask = with_mask ? &mask.view : NULL, .weight = 0.125, .sums = &sums,
            .dx = with_dx ? &dx : NULL);
    case_keep_each(run, "sums", &sums.view);
    if (with_dx) {
        case_keep_each(run, "dx", &dx.view);
    }
}

/* Differences on both sides of beta. */
static void run_difference(case_run *run)
{
    static const int64_t sizes[] = {0, 1, 7, 33, 1031, 5003};
    for (int32_t i = 0; i < 6 * ODEON_DIFFERENCE_COUNT; i++) {
        for (int32_t k = 0; k < 4; k++) {
            difference_variant(run, sizes[i % 6], i / 6, (k & 1) != 0, (k & 2) != 0);
        }
    }
}

/* At 0, at beta exactly, and where something is not finite: in the open and behind the mask. */
static void run_difference_of_special_numbers(case_run *run)
{
    const double x[8] = {1.0, 0.5, -0.5, (double)NAN, HUGE_VAL, 0.0, (double)NAN, 2.0};
    const double y[8] = {1.0, 0.0, 0.0, 0.0, 0.0, (double)NAN, 1.0, -HUGE_VAL};
    const double open[8] = {1, 1, 1, 1, 1, 1, 1, 1}, shut[8] = {1, 1, 1, 0, 0, 0, 0, 0};
    for (int32_t i = 0; i < 2 * ODEON_DIFFERENCE_COUNT; i++) {
        case_variant(run, "kind %d, %s", (int)(i / 2), i % 2 ? "masked" : "open");
        if (i % 2 == 0) {
            case_expect_nonfinite(run);
        }
        odeon_tensor a = case_values(run, shape1(8), x), b = case_values(run, shape1(8), y);
        odeon_tensor mask = case_values(run, shape1(8), i % 2 ? shut : open);
        odeon_tensor dx = case_output(run, shape1(8));
        odeon_tensor sums = case_output_as(run, ODEON_DTYPE_F64, shape1(2));
        case_do(run, loss, difference_loss, .kind = i / 2, .beta = 0.5, .x = &a.view,
                .target = &b.view, .mask = &mask.view, .weight = 1.0, .sums = &sums, .dx = &dx);
        case_keep_each(run, "sums", &sums.view);
        case_keep_each(run, "dx", &dx.view);
    }
}

/* ---- optimizers ---- */

static const int64_t sizes[] = {0, 1, 7, 1031};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* Before the first step v is NaN: it must not be read then. */
static void run_sgd(case_run *run)
{
    for (int32_t i = 0; i < N_SIZES * 16; i++) {
        int64_t n = sizes[i / 16];
        double momentum = i & 1 ? 0.9 : 0.0, decay = i & 2 ? 0.01 : 0.0;
        int32_t nesterov = i >> 2 & 1, first = i >> 3 & 1;
        case_variant(run, "%d numbers, momentum %g, decay %g, nesterov %d, first %d", (int)n,
                     momentum, decay, (int)nesterov, (int)first);
        odeon_tensor p = case_random(run, shape1(n)), g = case_random(run, shape1(n));
        odeon_tensor v = first ? case_output(run, shape1(n)) : case_random(run, shape1(n));
        case_do(run, optimizer, sgd_step, .p = &p, .g = &g.view, .v = momentum == 0.0 ? NULL : &v,
                .lr = 0.1, .momentum = momentum, .decay = decay, .nesterov = nesterov,
                .first = first);
        case_keep(run, "p", &p.view);
        if (momentum != 0.0) {
            case_keep(run, "v", &v.view);
        }
    }
}

static void run_adam(case_run *run)
{
    static const int64_t steps[] = {1, 2, 1000};
    for (int32_t i = 0; i < N_SIZES * 9; i++) {
        int64_t n = sizes[i / 9];
        double l2 = i % 3 >= 1 ? 0.1 : 0.0, decoupled = i % 3 == 2 ? 0.1 : 0.0;
        int64_t step = steps[i / 3 % 3];
        case_variant(run, "%d numbers, decay %g %g, step %d", (int)n, l2, decoupled, (int)step);
        odeon_tensor p = case_random(run, shape1(n)), g = case_random(run, shape1(n));
        odeon_tensor m = case_random(run, shape1(n)), v = case_between(run, shape1(n), 0.0, 1.0);
        case_do(run, optimizer, adam_step, .p = &p, .g = &g.view, .m = &m, .v = &v, .lr = 0.01,
                .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay_l2 = l2,
                .decay_decoupled = decoupled, .step = step);
        case_keep(run, "p", &p.view);
        case_keep(run, "m", &m.view);
        case_keep(run, "v", &v.view);
    }
}

/* v well above mean^2, whose difference would else be all rounding. */
static void run_rmsprop(case_run *run)
{
    for (int32_t i = 0; i < N_SIZES * 8; i++) {
        int64_t n = sizes[i / 8];
        bool centered = (i & 1) != 0, moving = (i & 2) != 0;
        double decay = i & 4 ? 0.1 : 0.0, momentum = moving ? 0.8 : 0.0;
        case_variant(run, "%d numbers, centered %d, momentum %g, decay %g", (int)n, (int)centered,
                     momentum, decay);
        odeon_tensor p = case_random(run, shape1(n)), g = case_random(run, shape1(n));
        odeon_tensor v = case_between(run, shape1(n), 2.0, 3.0), mean = case_random(run, shape1(n));
        odeon_tensor buffer = case_random(run, shape1(n));
        case_do(run, optimizer, rmsprop_step, .p = &p, .g = &g.view, .v = &v,
                .mean = centered ? &mean : NULL, .buffer = moving ? &buffer : NULL, .lr = 0.01,
                .alpha = 0.9, .epsilon = 1e-8, .decay = decay, .momentum = momentum);
        case_keep(run, "p", &p.view);
        case_keep(run, "v", &v.view);
        if (centered) {
            case_keep(run, "mean", &mean.view);
        }
        if (moving) {
            case_keep(run, "buffer", &buffer.view);
        }
    }
}

static void run_optimizers_pass_on(case_run *run)
{
    const double slopes[] = {1.0, (double)NAN, HUGE_VAL};
    case_variant(run, "NaN");
    case_expect_nonfinite(run);
    odeon_tensor p = case_random(run, shape1(3)), g = case_values(run, shape1(3), slopes);
    odeon_tensor m = case_random(run, shape1(3)), v = case_between(run, shape1(3), 0.0, 1.0);
    odeon_tensor q = case_random(run, shape1(3));
    case_do(run, optimizer, adam_step, .p = &p, .g = &g.view, .m = &m, .v = &v, .lr = 0.01,
            .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .step = 3);
    case_do(run, optimizer, sgd_step, .p = &q, .g = &g.view, .lr = 0.1, .first = 1);
    odeon_tensor r = case_random(run, shape1(3)), square = case_random(run, shape1(3));
    odeon_tensor mean = case_random(run, shape1(3));
    case_do(run, optimizer, rmsprop_step, .p = &r, .g = &g.view, .v = &square, .mean = &mean,
            .lr = 0.01, .alpha = 0.9, .epsilon = 1e-8);
    case_keep(run, "rmsprop p", &r.view);
    case_keep(run, "rmsprop v", &square.view);
    case_keep(run, "rmsprop mean", &mean.view);
    case_keep(run, "adam p", &p.view);
    case_keep(run, "adam m", &m.view);
    case_keep(run, "adam v", &v.view);
    case_keep(run, "sgd p", &q.view);
}

const device_case loss_cases[] = {
    {"softmax_cross_entropy", run_softmax},
    {"softmax_cross_entropy with weights", run_weighed_softmax},
    {"softmax_cross_entropy of large logits", run_softmax_of_large_logits},
    {"softmax_cross_entropy with ties", run_softmax_with_ties},
    {"softmax_cross_entropy of bad rows", run_softmax_of_bad_rows},
    {"difference_loss", run_difference},
    {"difference_loss of special numbers", run_difference_of_special_numbers},
    {NULL, NULL},
};

const device_case optimizer_cases[] = {
    {"sgd_step", run_sgd},
    {"adam_step", run_adam},
    {"rmsprop_step", run_rmsprop},
    {"optimizers of what is not finite", run_optimizers_pass_on},
    {NULL, NULL},
};
