#include "steered_solve.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"

#include <math.h>

steered steered_open(capture_fixture *f)
{
    static const int64_t dim[] = {STEERED_N};
    steered s = {.control = {.struct_size = sizeof s.control,
                             .n_parts = 1,
                             .count = {STEERED_N},
                             .rtol = 1e-5,
                             .atol = 1e-7,
                             .safety = 0.9,
                             .factor_min = 0.2,
                             .factor_max = 5.0,
                             .factor_max_first = 5.0,
                             .factor_min_accept = 0.2,
                             .beta = {1.0 / 3.0, 0.0, 0.0},
                             .beta_reject = 1.0 / 3.0,
                             .history_start = 1e-4,
                             .history_floor = 1e-4,
                             .steady_low = 1.0,
                             .steady_high = 1.0,
                             .h_max = HUGE_VAL,
                             .start_exponent = 1.0 / 3.0},
                 .y = capture_tensor(f, 11, 1, dim),
                 .y1 = capture_tensor(f, 12, 1, dim),
                 .stage = capture_tensor(f, 13, 1, dim)};
    for (int i = 0; i <= STEERED_STAGES; i++) {
        s.k[i] = capture_tensor(f, 14, 1, dim);
    }
    capture_check(ODEON_DO(f->device, pointwise, unary, f->queue, .id = ODEON_UNARY_ABS,
                           .x = &s.y.view, .y = &s.y));
    return s;
}

steered steered_open_kept(capture_fixture *f, int64_t rows)
{
    steered s = steered_open(f);
    s.states = support_upload(&f->d, NULL, 2, (int64_t[]){rows, STEERED_N});
    s.times = support_upload_as(&f->d, ODEON_DTYPE_F64, NULL, 2, (int64_t[]){rows, 2});
    s.log =
        support_upload_as(&f->d, ODEON_DTYPE_F64, NULL, 2, (int64_t[]){rows, ODEON_LOG_COLUMNS});
    s.control.rows = s.control.log_rows = rows;
    s.control.log = odeon_write(&s.log);
    return s;
}

void steered_close(capture_fixture *f, steered *s)
{
    if (s->control.rows > 0) {
        support_release(&f->d, &s->states);
        support_release(&f->d, &s->times);
        support_release(&f->d, &s->log);
    }
    support_release(&f->d, &s->y);
    support_release(&f->d, &s->y1);
    support_release(&f->d, &s->stage);
    for (int i = 0; i <= STEERED_STAGES; i++) {
        support_release(&f->d, &s->k[i]);
    }
}

/* k[i] = slots[STAGE_T + i] - y^2 */
static void evaluate(capture_fixture *f, const steered *s, int32_t i, const odeon_view *y)
{
    const odeon_view time =
        odeon_view_at(f->slots + ODEON_SLOT_STAGE_T + i,
                      (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}});
    capture_check(ODEON_DO(f->device, move, rows_fill, f->queue, .y = &s->k[i], .rows = 1,
                           .cols = STEERED_N, .pitch = STEERED_N, .v = &time));
    capture_check(ODEON_DO(f->device, pointwise, unary, f->queue, .id = ODEON_UNARY_SQUARE, .x = y,
                           .y = &s->stage));
    capture_check(ODEON_DO(f->device, pointwise, binary, f->queue, .id = ODEON_BINARY_SUB,
                           .a = &s->k[i].view, .b = &s->stage.view, .y = &s->k[i]));
}

/* to = y + H sum of a[j] k[j] */
static void combine(capture_fixture *f, const steered *s, int32_t n, const double *a,
                    const odeon_tensor *to)
{
    const odeon_view *terms[STEERED_STAGES + 1];
    odeon_scalar coefficients[STEERED_STAGES + 1];
    for (int32_t j = 0; j < n; j++) {
        terms[j] = &s->k[j].view;
        coefficients[j] = odeon_slot(a[j], ODEON_SLOT_H);
    }
    capture_check(ODEON_DO(f->device, solver, lincomb, f->queue, .y = to, .base = &s->y.view,
                           .n = n, .x = terms, .coefficient = coefficients, .slots = f->slots));
}

/* T and H as a tensor. */
static odeon_tensor t_and_h(const capture_fixture *f)
{
    return odeon_tensor_at(f->slots + ODEON_SLOT_T,
                           (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {2}});
}

void steered_move_row(capture_fixture *f, const steered *s, const odeon_tensor *y, bool load)
{
    const odeon_tensor times = t_and_h(f);
    const odeon_tensor *now[] = {y, &times}, *rows[] = {&s->states, &s->times};
    const odeon_view *now_read[] = {&y->view, &times.view};
    const odeon_view *rows_read[] = {&s->states.view, &s->times.view};
    capture_check(load ? ODEON_DO(f->device, solver, row_load, f->queue, .n = 2, .y = rows_read,
                                  .x = now, .slots = f->slots, .slot = ODEON_SLOT_ROW)
                       : ODEON_DO(f->device, solver, row_store, f->queue, .n = 2, .x = now_read,
                                  .y = rows, .slots = f->slots, .slot = ODEON_SLOT_STEPS));
}

void steered_step(capture_fixture *f, const steered *s)
{
    static const double c[] = {0.0, 0.5, 0.75, 1.0}, a2[] = {0.5}, a3[] = {0.0, 0.75},
                        b[] = {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0},
                        e[] = {-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -1.0 / 8.0};
    const odeon_view *terms[STEERED_STAGES + 1], *from[] = {&s->y1.view};
    const odeon_tensor *to[] = {&s->y};
    odeon_scalar error[STEERED_STAGES + 1];
    for (int i = 0; i <= STEERED_STAGES; i++) {
        terms[i] = &s->k[i].view;
        error[i] = odeon_slot(e[i], ODEON_SLOT_H);
    }
    capture_check(ODEON_DO(f->device, solver, stage_times, f->queue, .n = STEERED_STAGES + 1,
                           .c = c, .slots = f->slots));
    evaluate(f, s, 0, &s->y.view);
    combine(f, s, 1, a2, &s->y1);
    evaluate(f, s, 1, &s->y1.view);
    combine(f, s, 2, a3, &s->y1);
    evaluate(f, s, 2, &s->y1.view);
    combine(f, s, 3, b, &s->y1);
    evaluate(f, s, 3, &s->y1.view);
    capture_check(ODEON_DO(f->device, solver, error_sum, f->queue, .control = &s->control,
                           .y0 = &s->y.view, .y1 = &s->y1.view, .n = STEERED_STAGES + 1, .x = terms,
                           .coefficient = error, .slots = f->slots, .slot = ODEON_SLOT_ERROR_SUM));
    if (s->control.rows > 0) {
        steered_move_row(f, s, &s->y, false);
    }
    capture_check(ODEON_DO(f->device, solver, step_control, f->queue, .control = &s->control,
                           .slots = f->slots));
    capture_check(ODEON_DO(f->device, solver, select, f->queue, .n = 1, .x = from, .y = to,
                           .slots = f->slots, .slot = ODEON_SLOT_ACCEPT));
}

void steered_start(capture_fixture *f, const steered *s, double h)
{
    const double first[] = {0.0, h}, end_and_reach[] = {STEERED_END, STEERED_END};
    capture_check(ODEON_DO(f->device, solver, slots_write, f->queue, .slots = f->slots,
                           .first = ODEON_SLOT_T, .n = 2, .values = first));
    capture_check(ODEON_DO(f->device, solver, slots_write, f->queue, .slots = f->slots,
                           .first = ODEON_SLOT_END, .n = 2, .values = end_and_reach));
    capture_check(ODEON_DO(f->device, solver, step_start, f->queue, .control = &s->control,
                           .phase = 3, .slots = f->slots));
}

void steered_by_host(capture_fixture *f, const steered *s)
{
    double stop = 0.0;
    for (int i = 0; i < STEERED_MOST_STEPS && stop == 0.0; i++) {
        steered_step(f, s);
        capture_check(f->ops->slots_read(f->queue, f->slots, ODEON_SLOT_STOP, 1, &stop));
    }
}

odeon_recording *steered_record(capture_fixture *f, const steered *s, int64_t passes)
{
    odeon_recording *recording;
    capture_check(f->capture->begin(f->queue));
    capture_check(f->capture->loop_begin(f->queue, f->slots, ODEON_SLOT_STOP, passes));
    steered_step(f, s);
    capture_check(f->capture->loop_end(f->queue));
    capture_check(f->capture->end(f->queue, &recording));
    return recording;
}
