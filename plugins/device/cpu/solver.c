#include <string.h>
#include <unistd.h>

#include "cpu.h"
#include "odeon/device_ext.h"
#include "odeon/device_solver.h"
#include "odeon/kit/step_control.h"

/* Begins an operator on slots, which are double whatever the dtype of the state. */
static odeon_status begin_scalars(odeon_queue *queue, const char *name, uint32_t flags)
{
    const cpu_kernels *k;
    return cpu_begin(queue, name, flags, ODEON_DTYPE_F64, &k);
}

static odeon_status cpu_slots_write(odeon_queue *queue, const odeon_slots_write *call)
{
    ODEON_TRY(begin_scalars(queue, "slots_write", call->flags));
    ODEON_TRY(cpu_require(queue,
                          call->first >= 0 && call->n >= 0 && call->first + call->n <= ODEON_SLOTS,
                          "slots_write", "within the control block"));
    if (call->n > 0) {
        memcpy(call->slots + call->first, call->values, (size_t)call->n * sizeof *call->values);
    }
    return ODEON_OK;
}

static odeon_status cpu_stage_times(odeon_queue *queue, const odeon_stage_times *call)
{
    ODEON_TRY(begin_scalars(queue, "stage_times", call->flags));
    ODEON_TRY(cpu_require(queue, call->n >= 0 && call->n <= ODEON_MAX_STAGES, "stage_times",
                          "at most ODEON_MAX_STAGES"));
    odeon_kit_stage_times(call->n, call->c, call->slots);
    return ODEON_OK;
}

static odeon_status cpu_step_control(odeon_queue *queue, const odeon_step_control *call)
{
    ODEON_TRY(begin_scalars(queue, "step_control", call->flags));
    odeon_kit_step_control(call->control, call->slots);
    return ODEON_OK;
}

static odeon_status cpu_step_start(odeon_queue *queue, const odeon_step_start *call)
{
    ODEON_TRY(begin_scalars(queue, "step_start", call->flags));
    odeon_kit_step_start(call->control, call->phase, call->slots);
    return ODEON_OK;
}

static odeon_status cpu_step_back(odeon_queue *queue, const odeon_step_back *call)
{
    ODEON_TRY(begin_scalars(queue, "step_back", call->flags));
    odeon_kit_step_back(call->slots);
    return ODEON_OK;
}

/* Operands and coefficients of a linear combination in the form that the kernels take. */
typedef struct terms {
    const void *x[ODEON_MAX_STAGES];
    double c[ODEON_MAX_STAGES];
} terms;

/* Checks the operands and evaluates the coefficients, which may refer to slots. */
static odeon_status gather(odeon_queue *queue, const char *name, const odeon_shape *like, int32_t n,
                           const odeon_view *const *x, const odeon_scalar *coefficient,
                           const double *slots, terms *out)
{
    ODEON_TRY(
        cpu_require(queue, n >= 0 && n <= ODEON_MAX_STAGES, name, "at most ODEON_MAX_STAGES"));
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(
            cpu_require(queue, cpu_alike(like, &x[i]->shape), name, "of one dtype and count"));
        out->x[i] = odeon_read(x[i]);
        out->c[i] = odeon_kit_scalar(coefficient[i], slots);
    }
    return ODEON_OK;
}

/* base or NULL, x[n] -> y, all of one count. */
static odeon_status cpu_lincomb(odeon_queue *queue, const odeon_lincomb *call)
{
    const cpu_kernels *k;
    terms t;
    ODEON_TRY(cpu_begin(queue, "lincomb", call->flags, call->y->view.shape.dtype, &k));
    ODEON_TRY(cpu_require(queue, cpu_absent_or_alike(call->base, &call->y->view.shape), "lincomb",
                          "of one dtype and count"));
    ODEON_TRY(gather(queue, "lincomb", &call->y->view.shape, call->n, call->x, call->coefficient,
                     call->slots, &t));
    k->lincomb(odeon_count(&call->y->view.shape), odeon_write(call->y), read_or_null(call->base),
               call->n, t.x, t.c);
    return ODEON_OK;
}

/* y0, y1, x[n] of one count -> slots[slot]; lanes NULL: they are all of the vector. */
static odeon_status error_sum(odeon_queue *queue, const odeon_error_sum *call, double *lanes,
                              int64_t first)
{
    const cpu_kernels *k;
    terms t;
    ODEON_TRY(cpu_begin(queue, "error_sum", call->flags, call->y0->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue, cpu_alike(&call->y0->shape, &call->y1->shape), "error_sum",
                          "of one dtype and count"));
    ODEON_TRY(gather(queue, "error_sum", &call->y0->shape, call->n, call->x, call->coefficient,
                     call->slots, &t));
    call->slots[call->slot] =
        k->error_sum(odeon_count(&call->y0->shape), call->control, odeon_read(call->y0),
                     odeon_read(call->y1), call->n, t.x, t.c, lanes, first);
    return ODEON_OK;
}

static odeon_status cpu_error_sum(odeon_queue *queue, const odeon_error_sum *call)
{
    return error_sum(queue, call, NULL, 0);
}

static odeon_status cpu_error_sum_piece(odeon_queue *queue, const odeon_error_sum *call,
                                        double *lanes, int64_t first)
{
    ODEON_TRY(cpu_require(queue, lanes != NULL && first >= 0, "error_sum", "a piece of a vector"));
    return error_sum(queue, call, lanes, first);
}

/* a, b of one count -> slots[slot]. */
static odeon_status cpu_dot(odeon_queue *queue, const odeon_dot *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "dot", call->flags, call->a->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue, cpu_alike(&call->a->shape, &call->b->shape), "dot",
                          "of one dtype and count"));
    call->slots[call->slot] =
        k->dot(odeon_count(&call->a->shape), odeon_read(call->a), odeon_read(call->b));
    return ODEON_OK;
}

/* ---- pairs ---- */

/* Begins an operator on n pairs, which are moved as bytes: any kernels will do. */
static odeon_status begin_pairs(odeon_queue *queue, const char *name, uint32_t flags, int32_t n)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, name, flags, ODEON_DTYPE_F32, &k));
    return cpu_require(queue, n >= 0 && n <= ODEON_MAX_STAGES, name, "at most ODEON_MAX_STAGES");
}

/* Each pair is float32 or float64 on its own. */
static odeon_status require_pair(odeon_queue *queue, const char *name, const odeon_shape *x,
                                 const odeon_shape *y)
{
    return cpu_require(
        queue, (x->dtype == ODEON_DTYPE_F32 || x->dtype == ODEON_DTYPE_F64) && y->dtype == x->dtype,
        name, "pairs of float32 or of float64");
}

enum { BLOCK_BYTES = 256 };

/* Length of the block that begins first bytes into x; 0 beyond its end. */
static size_t block_of(const odeon_shape *x, int64_t first)
{
    int64_t rest = odeon_bytes(x) - first;
    return rest <= 0 ? 0 : rest < BLOCK_BYTES ? (size_t)rest : BLOCK_BYTES;
}

/* Moves one block of every pair. All x are read before any y is written, because they may be the
 * same memory. */
static void move_blocks(const odeon_select *call, int64_t first)
{
    char blocks[ODEON_MAX_STAGES][BLOCK_BYTES];
    for (int32_t i = 0; i < call->n; i++) {
        size_t bytes = block_of(&call->x[i]->shape, first);
        if (bytes > 0) {
            memcpy(blocks[i], (const char *)odeon_read(call->x[i]) + first, bytes);
        }
    }
    for (int32_t i = 0; i < call->n; i++) {
        size_t bytes = block_of(&call->y[i]->view.shape, first);
        if (bytes > 0) {
            memcpy((char *)odeon_write(call->y[i]) + first, blocks[i], bytes);
        }
    }
}

/* x[i], y[i]: any shape, equal within a pair. */
static odeon_status cpu_select(odeon_queue *queue, const odeon_select *call)
{
    int64_t longest = 0;
    ODEON_TRY(begin_pairs(queue, "select", call->flags, call->n));
    for (int32_t i = 0; i < call->n; i++) {
        const odeon_shape *x = &call->x[i]->shape, *y = &call->y[i]->view.shape;
        ODEON_TRY(require_pair(queue, "select", x, y));
        ODEON_TRY(cpu_require(queue, cpu_alike(x, y), "select", "of one dtype and count"));
        longest = odeon_bytes(x) > longest ? odeon_bytes(x) : longest;
    }
    for (int64_t first = 0; call->slots[call->slot] != 0.0 && first < longest;
         first += BLOCK_BYTES) {
        move_blocks(call, first);
    }
    return ODEON_OK;
}

/* Checks x and y [rows, ...]. */
static odeon_status require_rows(odeon_queue *queue, const char *name, const odeon_shape *x,
                                 const odeon_shape *y, int64_t rows)
{
    ODEON_TRY(require_pair(queue, name, x, y));
    return cpu_require(queue,
                       y->ndim >= 1 && y->dim[0] == rows && odeon_count(y) == rows * odeon_count(x),
                       name, "y rows of x, as many as in the first pair");
}

static void move_bytes(void *to, const void *from, int64_t bytes)
{
    if (bytes > 0) {
        memcpy(to, from, (size_t)bytes);
    }
}

/* x[i] -> row slots[slot] of y[i] [rows, ...]; nothing if that is no row. */
static odeon_status cpu_row_store(odeon_queue *queue, const odeon_row_store *call)
{
    ODEON_TRY(begin_pairs(queue, "row_store", call->flags, call->n));
    int64_t rows = call->n > 0 ? call->y[0]->view.shape.dim[0] : 0;
    for (int32_t i = 0; i < call->n; i++) {
        ODEON_TRY(
            require_rows(queue, "row_store", &call->x[i]->shape, &call->y[i]->view.shape, rows));
    }
    int64_t row = call->n > 0 ? odeon_kit_row(call->slots, call->slot, rows) : -1;
    for (int32_t i = 0; i < call->n && row >= 0; i++) {
        int64_t bytes = odeon_bytes(&call->x[i]->shape);
        move_bytes((char *)odeon_write(call->y[i]) + row * bytes, odeon_read(call->x[i]), bytes);
    }
    return ODEON_OK;
}

/* Row slots[slot] of y[i] [rows, ...] -> x[i]; nothing if that is no row. */
static odeon_status cpu_row_load(odeon_queue *queue, const odeon_row_load *call)
{
    ODEON_TRY(begin_pairs(queue, "row_load", call->flags, call->n));
    int64_t rows = call->n > 0 ? call->y[0]->shape.dim[0] : 0;
    for (int32_t i = 0; i < call->n; i++) {
        ODEON_TRY(
            require_rows(queue, "row_load", &call->x[i]->view.shape, &call->y[i]->shape, rows));
    }
    int64_t row = call->n > 0 ? odeon_kit_row(call->slots, call->slot, rows) : -1;
    for (int32_t i = 0; i < call->n && row >= 0; i++) {
        int64_t bytes = odeon_bytes(&call->x[i]->view.shape);
        move_bytes(odeon_write(call->x[i]), (const char *)odeon_read(call->y[i]) + row * bytes,
                   bytes);
    }
    return ODEON_OK;
}

const odeon_solver_family cpu_solver = {
    .struct_size = sizeof(odeon_solver_family),
    .slots_write = cpu_slots_write,
    .stage_times = cpu_stage_times,
    .lincomb = cpu_lincomb,
    .error_sum = cpu_error_sum,
    .dot = cpu_dot,
    .step_control = cpu_step_control,
    .step_start = cpu_step_start,
    .select = cpu_select,
    .row_store = cpu_row_store,
    .row_load = cpu_row_load,
    .step_back = cpu_step_back,
};

/* ---- slices ---- */

/* A processor that does not tell gets a usual size. */
static uint64_t slice_bytes(void *device)
{
    enum { KIB = 1024, USUAL_KIB = 512 };
    const cpu_device *d = device;
    if (d->slice_kib >= 0) {
        return (uint64_t)d->slice_kib * KIB;
    }
    long found = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return found > 0 ? (uint64_t)found : (uint64_t)USUAL_KIB * KIB;
}

const odeon_device_slices cpu_slices = {.struct_size = sizeof cpu_slices,
                                        .solver = &cpu_solver,
                                        .bytes = slice_bytes,
                                        .error_sum = cpu_error_sum_piece};
