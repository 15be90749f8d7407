#include <math.h>

#include "device_cases.h"
#include "odeon/device_solver.h"

/* Slots and sums: stage times, linear combinations, error sums, dot products. */

static const int64_t sizes[] = {0, 1, 3, 7, 64, 1031, 5000};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

static void run_slots(case_run *run)
{
    static const double values[16] = {1.5, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, -1e300};
    static const int32_t counts[][2] = {{0, 1}, {63, 1}, {20, 4}, {24, 16}, {5, 0}};
    for (int32_t i = 0; i < 5; i++) {
        case_variant(run, "%d from %d", (int)counts[i][1], (int)counts[i][0]);
        double *slots = case_slots(run, NULL);
        case_do(run, solver, slots_write, .slots = slots, .first = counts[i][0], .n = counts[i][1],
                .values = values);
        case_keep_slots(run, "slots", slots, counts[i][0], counts[i][1]);
    }
}

static void run_stage_times(case_run *run)
{
    static const int32_t counts[] = {0, 1, 7, ODEON_MAX_STAGES};
    double c[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < 4; i++) {
        case_variant(run, "%d stages", (int)counts[i]);
        for (int32_t k = 0; k < ODEON_MAX_STAGES; k++) {
            c[k] = case_number(run);
        }
        double *slots = case_slots(run, NULL);
        case_do(run, solver, stage_times, .n = counts[i], .c = c, .slots = slots);
        case_keep_slots(run, "slots", slots, ODEON_SLOT_STAGE_T, counts[i]);
    }
}

/* n tensors and their coefficients, every other one with a slot. The first outweighs the others, so
 * that no sum is a small rest of what cancels. */
typedef struct terms {
    odeon_tensor x[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
} terms;

static void make_terms(case_run *run, int32_t n, int64_t size, terms *out)
{
    for (int32_t i = 0; i < n; i++) {
        out->x[i] = case_between(run, shape1(size), i == 0 ? 0.5 : -1.0, 1.0);
        out->pointers[i] = &out->x[i].view;
        out->coefficients[i] = (odeon_scalar){.imm = case_number(run) + (i == 0 ? 2.0 * n : 0.0),
                                              .scale = case_number(run),
                                              .slot = i % 2 == 0 ? -1 : ODEON_SLOT_H};
    }
}

static void run_lincomb(case_run *run)
{
    static const int32_t counts[] = {0, 1, 2, 7, ODEON_MAX_STAGES};
    terms t;
    for (int32_t i = 0; i < 5; i++) {
        for (int32_t k = 0; k < 2 * N_SIZES; k++) {
            int32_t n = counts[i];
            int64_t size = sizes[k / 2];
            case_variant(run, "%d terms of %d, %s base", (int)n, (int)size, k % 2 ? "a" : "no");
            make_terms(run, n, size, &t);
            odeon_tensor base = case_random(run, shape1(size)), y = case_output(run, shape1(size));
            const double *slots = case_slots(run, NULL);
            case_do(run, solver, lincomb, .y = &y, .base = k % 2 ? &base.view : NULL, .n = n,
                    .x = t.pointers, .coefficient = t.coefficients, .slots = slots);
            case_keep(run, "y", &y.view);
        }
    }
}

static void run_lincomb_without_slots(case_run *run)
{
    terms t;
    case_variant(run, "no slots");
    make_terms(run, 1, 7, &t);
    odeon_tensor y = case_output(run, shape1(7));
    case_do(run, solver, lincomb, .y = &y, .n = 1, .x = t.pointers, .coefficient = t.coefficients);
    case_keep(run, "y", &y.view);
}

static void run_lincomb_in_place(case_run *run)
{
    terms t;
    for (int32_t k = 0; k < N_SIZES; k++) {
        case_variant(run, "y is base, %d", (int)sizes[k]);
        make_terms(run, 3, sizes[k], &t);
        const double *slots = case_slots(run, NULL);
        odeon_tensor y = case_random(run, shape1(sizes[k]));
        case_do(run, solver, lincomb, .y = &y, .base = &y.view, .n = 3, .x = t.pointers,
                .coefficient = t.coefficients, .slots = slots);
        case_keep(run, "y", &y.view);
        for (int32_t i = 0; i < 3; i++) {
            case_variant(run, "y is x[%d], %d", (int)i, (int)sizes[k]);
            make_terms(run, 3, sizes[k], &t);
            slots = case_slots(run, NULL);
            odeon_tensor base = case_random(run, shape1(sizes[k]));
            case_do(run, solver, lincomb, .y = &t.x[i], .base = i == 1 ? NULL : &base.view, .n = 3,
                    .x = t.pointers, .coefficient = t.coefficients, .slots = slots);
            case_keep(run, "y", &t.x[i].view);
        }
    }
}

static void run_lincomb_passes_on(case_run *run)
{
    const double values[] = {1.0, (double)NAN, HUGE_VAL, -HUGE_VAL, 0.0};
    case_variant(run, "special numbers");
    case_expect_nonfinite(run);
    odeon_tensor base = case_random(run, shape1(5)), x = case_values(run, shape1(5), values);
    odeon_tensor y = case_output(run, shape1(5));
    const odeon_view *pointer = &x.view;
    odeon_scalar half = {.imm = 0.5, .slot = -1};
    case_do(run, solver, lincomb, .y = &y, .base = &base.view, .n = 1, .x = &pointer,
            .coefficient = &half);
    case_keep_each(run, "y", &y.view);
}

static odeon_control tolerances(int32_t norm)
{
    return (odeon_control){
        .struct_size = sizeof(odeon_control), .norm = norm, .rtol = 1e-2, .atol = 1e-3};
}

static void run_error_sum(case_run *run)
{
    static const int32_t counts[] = {0, 1, 7};
    terms t;
    for (int32_t i = 0; i < 3 * 2 * N_SIZES; i++) {
        int64_t size = sizes[i % N_SIZES];
        int32_t norm = i / N_SIZES % 2 ? ODEON_NORM_MAX : ODEON_NORM_RMS;
        int32_t n = counts[i / (2 * N_SIZES)];
        odeon_control control = tolerances(norm);
        case_variant(run, "%d terms of %d, norm %d", (int)n, (int)size, (int)norm);
        make_terms(run, n, size, &t);
        odeon_tensor y0 = case_random(run, shape1(size)), y1 = case_random(run, shape1(size));
        double *slots = case_slots(run, NULL);
        case_do(run, solver, error_sum, .control = &control, .y0 = &y0.view, .y1 = &y1.view, .n = n,
                .x = t.pointers, .coefficient = t.coefficients, .slots = slots,
                .slot = ODEON_SLOT_ERROR_SUM + 2);
        case_keep_slots(run, "sum", slots, ODEON_SLOT_ERROR_SUM + 2, 1);
    }
}

static void run_error_sum_with_tolerances_of_each(case_run *run)
{
    const double rtols[] = {1e-2, 1e-3, 0.5}, atols[] = {1e-3, 1e-1, 2.0};
    terms t;
    for (int32_t i = 0; i < 2 * N_SIZES; i++) {
        int64_t size = sizes[i % N_SIZES];
        odeon_control control = tolerances(i < N_SIZES ? ODEON_NORM_RMS : ODEON_NORM_MAX);
        case_variant(run, "%d elements, norm %d", (int)size, (int)control.norm);
        odeon_tensor rtol = case_values_as(run, ODEON_DTYPE_F64, shape1(3), rtols);
        odeon_tensor atol = case_values_as(run, ODEON_DTYPE_F64, shape1(3), atols);
        control.n_each = 3;
        control.rtol_each = odeon_read(&rtol.view);
        control.atol_each = odeon_read(&atol.view);
        make_terms(run, 2, size, &t);
        odeon_tensor y0 = case_random(run, shape1(size)), y1 = case_random(run, shape1(size));
        double *slots = case_slots(run, NULL);
        case_do(run, solver, error_sum, .control = &control, .y0 = &y0.view, .y1 = &y1.view, .n = 2,
                .x = t.pointers, .coefficient = t.coefficients, .slots = slots,
                .slot = ODEON_SLOT_ERROR_SUM);
        case_keep_slots(run, "sum", slots, ODEON_SLOT_ERROR_SUM, 1);
    }
}

static void run_error_sum_of_a_state(case_run *run)
{
    odeon_control control = tolerances(ODEON_NORM_RMS);
    odeon_scalar one = {.imm = 1.0, .slot = -1};
    case_variant(run, "y0 scaled by itself"); /* as the first step's d0 asks for */
    odeon_tensor y0 = case_random(run, shape1(33));
    const odeon_view *pointer = &y0.view;
    double *slots = case_slots(run, NULL);
    case_do(run, solver, error_sum, .control = &control, .y0 = &y0.view, .y1 = &y0.view, .n = 1,
            .x = &pointer, .coefficient = &one, .slots = slots, .slot = ODEON_SLOT_ERROR_SUM);
    case_keep_slots(run, "sum", slots, ODEON_SLOT_ERROR_SUM, 1);
}

/* What is not finite in any operand, at the start, in the middle and at the end. */
static void run_error_sum_passes_on(case_run *run)
{
    static const int64_t places[] = {0, 20, 40};
    const double specials[] = {(double)NAN, HUGE_VAL};
    odeon_scalar one = {.imm = 1.0, .slot = -1};
    for (int32_t i = 0; i < 36; i++) {
        int32_t norm = i % 2, place = i / 2 % 3, operand = i / 6 % 3, special = i / 18;
        if (special == 1 && operand != 2) {
            continue; /* an infinite state gives an error of 0 there, and hides nothing */
        }
        odeon_control control = tolerances(norm);
        double values[41] = {0.25, -0.5, 0.125};
        values[places[place]] = specials[special];
        case_variant(run, "%g in operand %d at %d, norm %d", specials[special], (int)operand,
                     (int)places[place], (int)norm);
        case_expect_nonfinite(run);
        odeon_tensor hurt = case_values(run, shape1(41), values);
        odeon_tensor a = case_random(run, shape1(41)), b = case_random(run, shape1(41));
        const odeon_view *x = operand == 2 ? &hurt.view : &b.view;
        double *slots = case_slots(run, NULL);
        case_do(run, solver, error_sum, .control = &control,
                .y0 = operand == 0 ? &hurt.view : &a.view,
                .y1 = operand == 1 ? &hurt.view : &a.view, .n = 1, .x = &x, .coefficient = &one,
                .slots = slots, .slot = ODEON_SLOT_ERROR_SUM);
        case_keep_slots(run, "sum", slots, ODEON_SLOT_ERROR_SUM, 1);
    }
}

static void run_dot(case_run *run)
{
    for (int32_t i = 0; i < N_SIZES; i++) {
        case_variant(run, "%d numbers", (int)sizes[i]);
        odeon_tensor a = case_between(run, shape1(sizes[i]), 0.5, 1.0);
        odeon_tensor b = case_random(run, shape1(sizes[i]));
        double *slots = case_slots(run, NULL);
        case_do(run, solver, dot, .a = &a.view, .b = &b.view, .slots = slots,
                .slot = ODEON_SLOT_USER + 1);
        case_keep_slots(run, "a.b", slots, ODEON_SLOT_USER + 1, 1);
        case_do(run, solver, dot, .a = &a.view, .b = &a.view, .slots = slots,
                .slot = ODEON_SLOT_USER);
        case_keep_slots(run, "a.a", slots, ODEON_SLOT_USER, 1);
    }
    const double values[] = {1.0, (double)NAN, 2.0};
    case_variant(run, "NaN");
    case_expect_nonfinite(run);
    odeon_tensor a = case_values(run, shape1(3), values), b = case_random(run, shape1(3));
    double *slots = case_slots(run, NULL);
    case_do(run, solver, dot, .a = &a.view, .b = &b.view, .slots = slots, .slot = ODEON_SLOT_USER);
    case_keep_slots(run, "a.b", slots, ODEON_SLOT_USER, 1);
}

const device_case solver_cases[] = {
    {"slots_write", run_slots},
    {"stage_times", run_stage_times},
    {"lincomb", run_lincomb},
    {"lincomb without slots", run_lincomb_without_slots},
    {"lincomb in place", run_lincomb_in_place},
    {"lincomb of what is not finite", run_lincomb_passes_on},
    {"error_sum", run_error_sum},
    {"error_sum with tolerances of each", run_error_sum_with_tolerances_of_each},
    {"error_sum of a state", run_error_sum_of_a_state},
    {"error_sum of what is not finite", run_error_sum_passes_on},
    {"dot", run_dot},
    {NULL, NULL},
};
