#include "solver/lanes_state.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

enum { BLOCK_BYTES = ODEON_SLOTS * (int)sizeof(double) };

static odeon_status no_memory(const lanes *l)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to solve its samples side by side", l->path);
}

/* ---- memory ---- */

/* Lists of the host that are as long as there are rows. */
static odeon_status fit_host(lanes *l)
{
    size_t n = (size_t)l->task.rows, old = (size_t)l->row_capacity;
    size_t read = n * (size_t)l->task.n_times;
    double *read_at = mem_reserve(l->read_at, &l->read_capacity, read, 0, sizeof *read_at);
    l->read_at = read_at != NULL ? read_at : l->read_at;
    if (n <= old) {
        return read_at != NULL ? ODEON_OK : no_memory(l);
    }
    lane_row *rows = mem_resize(l->rows, n, sizeof *rows);
    l->rows = rows != NULL ? rows : l->rows;
    int32_t *live = mem_resize(l->live, n, sizeof *live);
    l->live = live != NULL ? live : l->live;
    int32_t *list = mem_resize(l->list, LISTS * n, sizeof *list);
    l->list = list != NULL ? list : l->list;
    double *numbers = mem_resize(l->numbers, ODEON_MAX_STAGES * n, sizeof *numbers);
    l->numbers = numbers != NULL ? numbers : l->numbers;
    lane_step *now = mem_resize(l->now, n, sizeof *now);
    l->now = now != NULL ? now : l->now;
    if (rows == NULL || live == NULL || list == NULL || numbers == NULL || now == NULL ||
        read_at == NULL) {
        return no_memory(l);
    }
    memset(rows + old, 0, (n - old) * sizeof *rows);
    l->row_capacity = (int64_t)n;
    return ODEON_OK;
}

/* A reverse has a cotangent of each register, those that rows carry from step to step, and one that
 * a product is written to: more than the forward, whose vectors they take. */
static int64_t vector_count(const lanes *l)
{
    return 2 * l->stepper->n_registers + 2 * (1 + l->stepper->info.n_carry) + 1;
}

static void name_vectors(lanes *l)
{
    char *at = l->vectors.data;
    for (int32_t i = 0; i < l->stepper->n_registers; i++, at += l->vector_bytes) {
        l->own[i] = at;
    }
    for (int32_t i = 0; i < 1 + l->stepper->info.n_carry; i++, at += l->vector_bytes) {
        l->next_value[i] = at;
    }
}

odeon_status lanes_fit(lanes *l)
{
    const odeon_device *device = l->lane->device;
    int64_t n = l->task.rows, f64 = (int64_t)sizeof(double);
    int64_t row_bytes = l->task.width * odeon_dtype_bytes(l->lane->dtype);
    ODEON_TRY(fit_host(l));
    l->vector_bytes = workspace_aligned(n * row_bytes);
    ODEON_TRY(buffer_fit(device, &l->slots, n * BLOCK_BYTES));
    ODEON_TRY(buffer_fit(device, &l->seen, n * (int64_t)sizeof(trial)));
    ODEON_TRY(buffer_fit(device, &l->times, n * ODEON_MAX_STAGES * f64));
    ODEON_TRY(buffer_fit(device, &l->weights, n * ODEON_MAX_STAGES * f64));
    ODEON_TRY(buffer_fit(device, &l->lists, n * LISTS * (int64_t)sizeof(int32_t)));
    ODEON_TRY(buffer_fit(device, &l->vectors, vector_count(l) * l->vector_bytes));
    ODEON_TRY(buffer_fit(device, &l->outputs, l->task.n_times * n * row_bytes));
    name_vectors(l);
    return ODEON_OK;
}

void lanes_release(lanes *l)
{
    const odeon_device *device = l->lane->device;
    device_buffer *const buffers[] = {&l->slots, &l->seen,    &l->times,  &l->weights,
                                      &l->lists, &l->vectors, &l->outputs};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        buffer_release(device, buffers[i]);
    }
    for (int64_t i = 0; i < l->row_capacity; i++) {
        solve_log_fini(&l->rows[i].log);
    }
    frame_stack_fini(&l->frames, device);
    mem_free(l->rows);
    mem_free(l->read_at);
    mem_free(l->live);
    mem_free(l->list);
    mem_free(l->numbers);
    mem_free(l->now);
    mem_free(l->tape);
    mem_free(l->steps);
}

odeon_status lanes_reserve_round(lanes *l, int64_t n)
{
    size_t wanted = l->n_steps + (size_t)n;
    lane_round *tape = mem_reserve(l->tape, &l->tape_capacity, l->n_tape + 1, 16, sizeof *tape);
    l->tape = tape != NULL ? tape : l->tape;
    lane_step *steps = mem_reserve(l->steps, &l->steps_capacity, wanted, 256, sizeof *steps);
    l->steps = steps != NULL ? steps : l->steps;
    return tape != NULL && steps != NULL ? ODEON_OK : no_memory(l);
}

odeon_status lanes_reserve_logs(lanes *l)
{
    bool reserved = true;
    for (int64_t i = 0; i < l->n_live && reserved; i++) {
        solve_log *log = &l->rows[l->live[i]].log;
        reserved = solve_log_reserve(log, log->n_attempts + 1);
    }
    return reserved ? ODEON_OK : no_memory(l);
}

/* ---- views ---- */

odeon_tensor lanes_rows_tensor(const lanes *l, char *data, int64_t rows)
{
    return odeon_tensor_at(
        data, (odeon_shape){.ndim = 2, .dtype = l->lane->dtype, .dim = {rows, l->task.width}});
}

odeon_tensor lanes_flat_tensor(const lanes *l, char *data, int64_t rows)
{
    return odeon_tensor_at(
        data, (odeon_shape){.ndim = 1, .dtype = l->lane->dtype, .dim = {rows * l->task.width}});
}

odeon_view lanes_time_view(const lanes *l, int32_t eval, int64_t n)
{
    return odeon_view_at(l->times.data + eval * n * (int64_t)sizeof(double),
                         (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {n}});
}

/* ---- lists ---- */

int32_t *lanes_list(const lanes *l, int32_t which)
{
    return l->list + which * l->task.rows;
}

static char *place_of(const lanes *l, int32_t which)
{
    return l->lists.data + which * l->task.rows * (int64_t)sizeof(int32_t);
}

odeon_status lanes_upload(const lanes *l, int32_t which, int64_t n)
{
    return l->lane->device->ops->upload(l->lane->queue, place_of(l, which), lanes_list(l, which),
                                        (uint64_t)n * sizeof(int32_t));
}

const int32_t *lanes_on_device(const lanes *l, int32_t which)
{
    return (const int32_t *)(const void *)place_of(l, which);
}

odeon_status lanes_upload_live(lanes *l)
{
    memcpy(lanes_list(l, LIST_BLOCK), l->live, (size_t)l->n_live * sizeof *l->live);
    return lanes_upload(l, LIST_BLOCK, l->n_live);
}

odeon_lanes lanes_entries(const lanes *l, int64_t n)
{
    return (odeon_lanes){.struct_size = sizeof(odeon_lanes),
                         .slots = (double *)(void *)l->slots.data,
                         .block = lanes_on_device(l, LIST_BLOCK),
                         .n = n};
}

odeon_status lanes_upload_weights(const lanes *l, int64_t count, int64_t n)
{
    return l->lane->device->ops->upload(l->lane->queue, l->weights.data, l->numbers,
                                        (uint64_t)(count * n) * sizeof(double));
}

odeon_status lanes_move(const lanes *l, char *x, int64_t x_rows, char *y, int64_t y_rows, int64_t n)
{
    odeon_tensor from = lanes_rows_tensor(l, x, x_rows), to = lanes_rows_tensor(l, y, y_rows);
    if (n == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(lanes_upload(l, LIST_ROW, n));
    ODEON_TRY(lanes_upload(l, LIST_TO, n));
    return l->ops->move(l->lane->queue, &(odeon_lanes_move){.struct_size = sizeof(odeon_lanes_move),
                                                            .x = &from.view,
                                                            .y = &to,
                                                            .x_row = lanes_on_device(l, LIST_ROW),
                                                            .y_row = lanes_on_device(l, LIST_TO),
                                                            .n = n});
}

/* ---- rows ---- */

solver *lanes_as_row(const lanes *l, int32_t row)
{
    const lanes_task *task = &l->task;
    const lane_row *x = &l->rows[row];
    solver *s = l->one;
    s->task.times = task->own != NULL ? task->own + (int64_t)row * task->n_times : task->times;
    s->task.n_times = task->n_times;
    s->outputs.next = x->next;
    s->unclipped_h = x->unclipped_h;
    s->log.stats = x->log.stats;
    return s;
}

/* The caller knows by the flag; the status only ends the solve. */
odeon_status lanes_give_up(lanes *l)
{
    l->gave_up = true;
    diag_clear();
    return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: its samples are solved one by one", l->path);
}
