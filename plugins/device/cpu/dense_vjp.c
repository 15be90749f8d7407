/* All gradients of a dense layer by one operator. The cotangents before the activation are made a
 * block at a time, and all that is made of a block, while it is in the first cache: a part of the
 * bias' and of the weights' gradient, and what its units add to the gradient of its rows. So y and
 * dy are read once from memory, and no matrix of their size is written. */
#include "cpu.h"
#include "least.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"

/* Rows, and bytes of a row, of a block; a large one is for products that neither side of the
 * weights makes short, whose sums would be read and written too often. How units are cut does not
 * depend on the number of rows, nor does a row of dx: its sum is one of blocks of units. */
enum { ROWS = 64, ROW_BYTES = 512, LARGE = 4, SHORT = 64 };

typedef struct gradients {
    odeon_queue *queue;
    const cpu_kernels *k;
    uint32_t dtype;
    int32_t act;
    int64_t rows, units, inputs; /* B, K, N */
    int64_t block_rows, block_units;
    int64_t bytes; /* of a number */
    const char *x, *w, *y, *dy;
    char *dx, *dw, *dbias, *scratch; /* each of the first three NULL: not wanted */
} gradients;

/* Some units of some rows. */
typedef struct block {
    int64_t row, unit, rows, units;
} block;

static gradients sizes_of(const odeon_shape *x, const odeon_shape *w, int64_t rows)
{
    int64_t bytes = odeon_dtype_bytes(x->dtype), units = w->dim[0], inputs = w->dim[1];
    int64_t size = units > SHORT && inputs > SHORT ? LARGE : 1;
    return (gradients){.dtype = x->dtype,
                       .rows = rows,
                       .units = units,
                       .inputs = inputs,
                       .block_rows = least(rows, size * ROWS),
                       .block_units = least(units, size * ROW_BYTES / bytes),
                       .bytes = bytes};
}

uint64_t cpu_dense_vjp_scratch(const odeon_device *device, const odeon_shape *x,
                               const odeon_shape *w)
{
    gradients g = sizes_of(x, w, x->dim[0]);
    (void)device;
    return (uint64_t)((g.block_rows + 1) * g.block_units * g.bytes); /* and a row of sums */
}

/* The cotangents before the activation, into scratch; adds their columns to the bias' gradient.
 * Sums in the dtype are of ROWS rows at most. */
static void make_with_sums(const gradients *g, const block *b, int64_t at)
{
    int64_t width = b->units * g->bytes;
    char *sums = g->scratch + g->block_rows * g->block_units * g->bytes;
    for (int64_t r = 0; r < b->rows; r += ROWS) {
        int64_t from = at + r * g->units * g->bytes;
        g->k->unary_vjp_columns(g->act, least(ROWS, b->rows - r), b->units, g->units,
                                g->y != NULL ? g->y + from : NULL, g->dy + from,
                                g->scratch + r * width, sums, g->dbias + b->unit * g->bytes);
    }
}

/* Without sums; where a block is of whole rows they are one run. */
static void make(const gradients *g, const block *b, int64_t at)
{
    int64_t whole = b->units == g->units, runs = whole ? 1 : b->rows;
    int64_t count = whole ? b->rows * b->units : b->units;
    for (int64_t i = 0; i < runs; i++) {
        const char *dy = g->dy + at + i * g->units * g->bytes;
        char *to = g->scratch + i * count * g->bytes;
        if (g->act == ODEON_UNARY_IDENTITY) {
            g->k->unary(g->act, count, dy, to);
        } else {
            g->k->unary_vjp(g->act, count, g->y + at + i * g->units * g->bytes, dy, to);
        }
    }
}

/* The cotangents before the activation; where dy already has them row by row, they are there. */
static const void *cotangents(const gradients *g, const block *b)
{
    int64_t at = (b->row * g->units + b->unit) * g->bytes;
    const cpu_groups columns = {.batch = b->rows, .channels = b->units, .space = 1, .groups = 1};
    if (b->units == g->units && g->act == ODEON_UNARY_IDENTITY) {
        if (g->dbias != NULL) {
            g->k->channel_sum(&columns, g->dy + at, g->dbias);
        }
        return g->dy + at;
    }
    if (g->dbias != NULL) {
        make_with_sums(g, b, at);
    } else {
        make(g, b, at);
    }
    return g->scratch;
}

static void add_weights(const gradients *g, const block *b, const void *u)
{
    const cpu_gemm_shape p = {
        .trans_a = 1, .m = b->units, .n = g->inputs, .k = b->rows, .alpha = 1.0, .beta = 1.0};
    cpu_multiply(g->queue, g->k, g->dtype, &p, u, g->x + b->row * g->inputs * g->bytes,
                 g->dw + b->unit * g->inputs * g->bytes);
}

/* The first units of rows begin their sums. */
static void add_inputs(const gradients *g, const block *b, const void *u)
{
    const cpu_gemm_shape p = {.m = b->rows,
                              .n = g->inputs,
                              .k = b->units,
                              .alpha = 1.0,
                              .beta = b->unit == 0 ? 0.0 : 1.0};
    cpu_multiply(g->queue, g->k, g->dtype, &p, u, g->w + b->unit * g->inputs * g->bytes,
                 g->dx + b->row * g->inputs * g->bytes);
}

static void run_block(const gradients *g, const block *b)
{
    const void *u = cotangents(g, b);
    if (g->dw != NULL) {
        add_weights(g, b, u);
    }
    if (g->dx != NULL) {
        add_inputs(g, b, u);
    }
}

/* Once also for no units, so that dx is written. */
static void run_rows(const gradients *g, int64_t row)
{
    block b = {.row = row, .rows = least(g->block_rows, g->rows - row)};
    do {
        b.units = least(g->block_units, g->units - b.unit);
        run_block(g, &b);
        b.unit += b.units;
    } while (b.unit < g->units);
}

static int32_t is_absent_or(const odeon_tensor *x, int64_t count, uint32_t dtype)
{
    return x == NULL || (x->view.shape.dtype == dtype && odeon_count(&x->view.shape) == count);
}

/* x [B,N], w [K,N], y, dy [B,K], dx [B,N], dw [K,N], dbias [K] of one dtype. */
static int32_t shapes_fit(const odeon_dense_vjp *call)
{
    const odeon_shape *x = &call->x->shape, *w = &call->w->shape, *dy = &call->dy->shape;
    return x->ndim == 2 && w->ndim == 2 && dy->ndim == 2 && x->dtype == dy->dtype &&
           w->dtype == dy->dtype && x->dim[0] == dy->dim[0] && x->dim[1] == w->dim[1] &&
           w->dim[0] == dy->dim[1] &&
           (call->act == ODEON_UNARY_IDENTITY ||
            (call->y != NULL && cpu_alike(&call->y->shape, dy))) &&
           is_absent_or(call->dx, odeon_count(x), x->dtype) &&
           is_absent_or(call->dw, odeon_count(w), x->dtype) &&
           is_absent_or(call->dbias, w->dim[0], x->dtype);
}

odeon_status cpu_dense_vjp(odeon_queue *queue, const odeon_dense_vjp *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "dense_vjp", call->flags, call->dy->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue, shapes_fit(call), "dense_vjp", "x[B,N], w[K,N], y, dy[B,K]"));
    gradients g = sizes_of(&call->x->shape, &call->w->shape, call->dy->shape.dim[0]);
    int32_t in_place = call->act == ODEON_UNARY_IDENTITY && g.block_units == g.units;
    int32_t empty = g.block_rows * g.block_units == 0;
    ODEON_TRY(cpu_require(queue, in_place || empty || call->scratch != NULL, "dense_vjp",
                          "the scratch that dense_vjp_scratch asks"));
    g.queue = queue;
    g.k = k;
    g.act = call->act;
    g.x = odeon_read(call->x);
    g.w = odeon_read(call->w);
    g.y = read_or_null(call->y);
    g.dy = odeon_read(call->dy);
    g.dx = write_or_null(call->dx);
    g.dw = write_or_null(call->dw);
    g.dbias = write_or_null(call->dbias);
    g.scratch = call->scratch;
    for (int64_t row = 0; row < g.rows; row += g.block_rows) {
        run_rows(&g, row);
    }
    return ODEON_OK;
}
