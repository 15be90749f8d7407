/* One table for all operators. A field that is not in it, as a learning rate or an address of
 * scratch memory, changes nothing about the time of a call. */
#include "device/operators.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "odeon/device_conv.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"

/* ---- multiply-adds ---- */

static double count_of(const odeon_view *x)
{
    return (double)odeon_count(&x->shape);
}

static double gemm_operations(const void *call)
{
    const odeon_gemm *c = call;
    const odeon_shape *a = &c->a->shape;
    return 2.0 * count_of(&c->c->view) * (double)a->dim[c->trans_a != 0 ? 0 : 1];
}

static double gemm_batch_operations(const void *call)
{
    const odeon_gemm_batch *c = call;
    return 2.0 * count_of(&c->c->view) * (double)c->a->shape.dim[c->trans_a != 0 ? 1 : 2];
}

/* Every element of the output takes all weights of its filter. */
static double filter_operations(const odeon_view *y, const odeon_view *w)
{
    return w->shape.dim[0] > 0 ? 2.0 * count_of(y) * count_of(w) / (double)w->shape.dim[0] : 0.0;
}

static double conv2d_operations(const void *call)
{
    const odeon_conv2d *c = call;
    return filter_operations(&c->y->view, c->w);
}

static double conv2d_vjp_x_operations(const void *call)
{
    const odeon_conv2d_vjp_x *c = call;
    return filter_operations(c->dy, c->w);
}

static double conv2d_vjp_w_operations(const void *call)
{
    const odeon_conv2d_vjp_w *c = call;
    return filter_operations(c->dy, &c->dw->view);
}

static double conv2d_fused_operations(const void *call)
{
    const odeon_conv2d_fused *c = call;
    return filter_operations(&c->y->view, c->w);
}

static double conv2d_fused_vjp_operations(const void *call)
{
    const odeon_conv2d_fused_vjp *c = call;
    return filter_operations(c->dy, c->w) * ((c->dx != NULL) + (c->dw != NULL));
}

static double dense_vjp_operations(const void *call)
{
    const odeon_dense_vjp *c = call;
    return filter_operations(c->dy, c->w) * ((c->dx != NULL) + (c->dw != NULL));
}

/* ---- bytes of tensors that are used in part ---- */

static double element(const odeon_view *x)
{
    return (double)odeon_dtype_bytes(x->shape.dtype);
}

static double gather_moved(const void *call)
{
    const odeon_gather *c = call;
    double n = count_of(&c->y->view);
    return n * (element(c->x) + element(&c->y->view)) + (double)odeon_bytes(&c->index->shape);
}

static double copy2d_moved(const void *call)
{
    const odeon_copy2d *c = call;
    return 2.0 * (double)c->rows * (double)c->cols * element(c->x);
}

static double rows_fill_moved(const void *call)
{
    const odeon_rows_fill *c = call;
    return (double)c->rows * (double)c->cols * element(&c->y->view);
}

static double rows_sum_moved(const void *call)
{
    const odeon_rows_sum *c = call;
    return (double)c->rows * (double)c->cols * element(c->x);
}

static double row_store_moved(const void *call)
{
    const odeon_row_store *c = call;
    double sum = 0.0;
    for (int32_t i = 0; i < c->n; i++) {
        sum += 2.0 * (double)odeon_bytes(&c->x[i]->shape);
    }
    return sum;
}

static double row_load_moved(const void *call)
{
    const odeon_row_load *c = call;
    double sum = 0.0;
    for (int32_t i = 0; i < c->n; i++) {
        sum += 2.0 * (double)odeon_bytes(&c->x[i]->view.shape);
    }
    return sum;
}

/* ---- the table ---- */

#define RUN(family, operator_)                                                                     \
    static odeon_status run_##operator_(const odeon_device *device, odeon_queue *queue,            \
                                        const void *call)                                          \
    {                                                                                              \
        return device->family->operator_(queue, call);                                             \
    }
OPERATOR_LIST(RUN)
#undef RUN

#define HEAD(family_, operator_)                                                                   \
    .family = #family_, .name = #operator_, .bytes = sizeof(odeon_##operator_),                    \
    .run = run_##operator_
#define VIEW(operator_, field)                                                                     \
    {                                                                                              \
#field, OPERATOR_VIEW, offsetof(odeon_##operator_, field)                                  \
    }
#define LIST(operator_, field)                                                                     \
    {                                                                                              \
#field, OPERATOR_VIEWS, offsetof(odeon_##operator_, field)                                 \
    }
#define INT(operator_, field)                                                                      \
    {                                                                                              \
#field, OPERATOR_INT, offsetof(odeon_##operator_, field)                                   \
    }
#define NAMED(operator_, field, names)                                                             \
    {                                                                                              \
#field, OPERATOR_##names, offsetof(odeon_##operator_, field)                               \
    }
#define LONG(operator_, field)                                                                     \
    {                                                                                              \
#field, OPERATOR_LONG, offsetof(odeon_##operator_, field)                                  \
    }
/* Of a geometry, without its name. */
#define PART(operator_, field)                                                                     \
    {                                                                                              \
#field, OPERATOR_INT, offsetof(odeon_##operator_, geometry.field)                          \
    }
#define N_AT(operator_) .n_at = offsetof(odeon_##operator_, n)
#define STRIDES(operator_)                                                                         \
    PART(operator_, stride_h), PART(operator_, stride_w), PART(operator_, padding_h),              \
        PART(operator_, padding_w)

const operator_info operator_infos[OPERATORS] = {
    {HEAD(move, copy), .fields = {VIEW(copy, x), VIEW(copy, y)}},
    {HEAD(move, cast), .fields = {VIEW(cast, x), VIEW(cast, y)}},
    {HEAD(move, gather), .fields = {VIEW(gather, x), VIEW(gather, index), VIEW(gather, y)},
     .moved = gather_moved},
    {HEAD(move, fill), .fields = {VIEW(fill, y)}},
    {HEAD(move, copy2d),
     .fields = {VIEW(copy2d, x), VIEW(copy2d, y), LONG(copy2d, rows), LONG(copy2d, cols),
                LONG(copy2d, x_pitch), LONG(copy2d, y_pitch)},
     .moved = copy2d_moved},
    {HEAD(move, rows_fill),
     .fields = {VIEW(rows_fill, y), VIEW(rows_fill, v), LONG(rows_fill, rows),
                LONG(rows_fill, cols), LONG(rows_fill, pitch)},
     .moved = rows_fill_moved},
    {HEAD(move, rows_sum),
     .fields = {VIEW(rows_sum, x), VIEW(rows_sum, v), LONG(rows_sum, rows), LONG(rows_sum, cols),
                LONG(rows_sum, pitch)},
     .moved = rows_sum_moved},
    {HEAD(solver, slots_write), .fields = {INT(slots_write, n)}},
    {HEAD(solver, stage_times), .fields = {INT(stage_times, n)}},
    {HEAD(solver, lincomb), N_AT(lincomb),
     .fields = {LIST(lincomb, x), VIEW(lincomb, base), VIEW(lincomb, y)}},
    {HEAD(solver, error_sum), N_AT(error_sum),
     .fields = {LIST(error_sum, x), VIEW(error_sum, y0), VIEW(error_sum, y1)}},
    {HEAD(solver, dot), .fields = {VIEW(dot, a), VIEW(dot, b)}},
    {HEAD(solver, step_control)},
    {HEAD(solver, step_start)},
    {HEAD(solver, select), N_AT(select), .fields = {LIST(select, x), LIST(select, y)}},
    {HEAD(solver, row_store), N_AT(row_store), .fields = {LIST(row_store, x), LIST(row_store, y)},
     .moved = row_store_moved},
    {HEAD(solver, row_load), N_AT(row_load), .fields = {LIST(row_load, x), LIST(row_load, y)},
     .moved = row_load_moved},
    {HEAD(solver, step_back)},
    {HEAD(pointwise, unary), .fields = {VIEW(unary, x), VIEW(unary, y), NAMED(unary, id, UNARY)}},
    {HEAD(pointwise, unary_vjp), .fields = {VIEW(unary_vjp, kept), VIEW(unary_vjp, dy),
                                            VIEW(unary_vjp, dx), NAMED(unary_vjp, id, UNARY)}},
    {HEAD(pointwise, binary),
     .fields = {VIEW(binary, a), VIEW(binary, b), VIEW(binary, y), NAMED(binary, id, BINARY)}},
    {HEAD(pointwise, power), .fields = {VIEW(power, x), VIEW(power, y)}},
    {HEAD(product, gemm),
     .fields = {VIEW(gemm, a), VIEW(gemm, b), VIEW(gemm, bias), VIEW(gemm, c), INT(gemm, trans_a),
                INT(gemm, trans_b), NAMED(gemm, act, UNARY)},
     .operations = gemm_operations},
    {HEAD(product, channel_sum), .fields = {VIEW(channel_sum, x), VIEW(channel_sum, bias)}},
    {HEAD(conv, conv2d),
     .fields = {VIEW(conv2d, x), VIEW(conv2d, w), VIEW(conv2d, bias), VIEW(conv2d, y),
                STRIDES(conv2d), NAMED(conv2d, act, UNARY)},
     .operations = conv2d_operations},
    {HEAD(conv, conv2d_vjp_x),
     .fields = {VIEW(conv2d_vjp_x, w), VIEW(conv2d_vjp_x, dy), VIEW(conv2d_vjp_x, dx),
                STRIDES(conv2d_vjp_x)},
     .operations = conv2d_vjp_x_operations},
    {HEAD(conv, conv2d_vjp_w),
     .fields = {VIEW(conv2d_vjp_w, x), VIEW(conv2d_vjp_w, dy), VIEW(conv2d_vjp_w, dw),
                STRIDES(conv2d_vjp_w)},
     .operations = conv2d_vjp_w_operations},
    {HEAD(pool, pool2d),
     .fields = {VIEW(pool2d, x), VIEW(pool2d, y), PART(pool2d, kind), PART(pool2d, kernel_h),
                PART(pool2d, kernel_w), STRIDES(pool2d)}},
    {HEAD(pool, pool2d_vjp),
     .fields = {VIEW(pool2d_vjp, x), VIEW(pool2d_vjp, dy), VIEW(pool2d_vjp, dx),
                PART(pool2d_vjp, kind), PART(pool2d_vjp, kernel_h), PART(pool2d_vjp, kernel_w),
                STRIDES(pool2d_vjp)}},
    {HEAD(norm, group_norm),
     .fields = {VIEW(group_norm, x), VIEW(group_norm, w), VIEW(group_norm, b), VIEW(group_norm, y),
                VIEW(group_norm, stats), INT(group_norm, groups)}},
    {HEAD(norm, group_norm_vjp),
     .fields = {VIEW(group_norm_vjp, x), VIEW(group_norm_vjp, w), VIEW(group_norm_vjp, stats),
                VIEW(group_norm_vjp, dy), VIEW(group_norm_vjp, dx), VIEW(group_norm_vjp, dw),
                VIEW(group_norm_vjp, db), INT(group_norm_vjp, groups)}},
    {HEAD(norm, channel_moment),
     .fields = {VIEW(channel_moment, x), VIEW(channel_moment, mean), VIEW(channel_moment, out)}},
    {HEAD(norm, batch_norm),
     .fields = {VIEW(batch_norm, x), VIEW(batch_norm, stats), VIEW(batch_norm, w),
                VIEW(batch_norm, b), VIEW(batch_norm, y), NAMED(batch_norm, act, UNARY)}},
    {HEAD(norm, batch_norm_vjp_sums),
     .fields = {VIEW(batch_norm_vjp_sums, x), VIEW(batch_norm_vjp_sums, stats),
                VIEW(batch_norm_vjp_sums, dy), VIEW(batch_norm_vjp_sums, sums)}},
    {HEAD(norm, batch_norm_vjp),
     .fields = {VIEW(batch_norm_vjp, x), VIEW(batch_norm_vjp, w), VIEW(batch_norm_vjp, stats),
                VIEW(batch_norm_vjp, dy), VIEW(batch_norm_vjp, sums), VIEW(batch_norm_vjp, dx)}},
    {HEAD(random, dropout), .fields = {VIEW(dropout, x), VIEW(dropout, y)}},
    {HEAD(random, window2d), .fields = {VIEW(window2d, x), VIEW(window2d, y)}},
    {HEAD(random, window2d_vjp), .fields = {VIEW(window2d_vjp, dy), VIEW(window2d_vjp, dx)}},
    {HEAD(loss, softmax_cross_entropy),
     .fields = {VIEW(softmax_cross_entropy, x), VIEW(softmax_cross_entropy, labels),
                VIEW(softmax_cross_entropy, dx)}},
    {HEAD(loss, difference_loss),
     .fields = {VIEW(difference_loss, x), VIEW(difference_loss, target),
                VIEW(difference_loss, mask), VIEW(difference_loss, dx),
                INT(difference_loss, kind)}},
    {HEAD(optimizer, sgd_step),
     .fields = {VIEW(sgd_step, p), VIEW(sgd_step, g), VIEW(sgd_step, v)}},
    {HEAD(optimizer, adam_step),
     .fields = {VIEW(adam_step, p), VIEW(adam_step, g), VIEW(adam_step, m), VIEW(adam_step, v)}},
    {HEAD(optimizer, rmsprop_step),
     .fields = {VIEW(rmsprop_step, p), VIEW(rmsprop_step, g), VIEW(rmsprop_step, v),
                VIEW(rmsprop_step, mean), VIEW(rmsprop_step, buffer)}},
    {HEAD(random, noise), .fields = {VIEW(noise, y), INT(noise, id)}},
    {HEAD(conv, conv2d_fused),
     .fields = {VIEW(conv2d_fused, x), VIEW(conv2d_fused, w), VIEW(conv2d_fused, bias),
                VIEW(conv2d_fused, t), VIEW(conv2d_fused, y), STRIDES(conv2d_fused),
                NAMED(conv2d_fused, act, UNARY), INT(conv2d_fused, time_first),
                VIEW(conv2d_fused, x_stats)},
     .operations = conv2d_fused_operations},
    {HEAD(conv, conv2d_fused_vjp),
     .fields = {VIEW(conv2d_fused_vjp, x), VIEW(conv2d_fused_vjp, w), VIEW(conv2d_fused_vjp, t),
                VIEW(conv2d_fused_vjp, y), VIEW(conv2d_fused_vjp, dy), VIEW(conv2d_fused_vjp, dx),
                VIEW(conv2d_fused_vjp, dw), VIEW(conv2d_fused_vjp, dbias),
                VIEW(conv2d_fused_vjp, d_t), STRIDES(conv2d_fused_vjp),
                NAMED(conv2d_fused_vjp, act, UNARY), INT(conv2d_fused_vjp, time_first),
                VIEW(conv2d_fused_vjp, x_stats)},
     .operations = conv2d_fused_vjp_operations},
    {HEAD(product, dense_vjp),
     .fields = {VIEW(dense_vjp, x), VIEW(dense_vjp, w), VIEW(dense_vjp, y), VIEW(dense_vjp, dy),
                VIEW(dense_vjp, dx), VIEW(dense_vjp, dw), VIEW(dense_vjp, dbias),
                NAMED(dense_vjp, act, UNARY)},
     .operations = dense_vjp_operations},
    {HEAD(product, gemm_batch),
     .fields = {VIEW(gemm_batch, a), VIEW(gemm_batch, b), VIEW(gemm_batch, c),
                INT(gemm_batch, trans_a), INT(gemm_batch, trans_b)},
     .operations = gemm_batch_operations},
    {HEAD(norm, softmax), .fields = {VIEW(softmax, x), VIEW(softmax, mask), VIEW(softmax, lengths),
                                     VIEW(softmax, y), INT(softmax, causal)}},
    {HEAD(norm, softmax_vjp),
     .fields = {VIEW(softmax_vjp, y), VIEW(softmax_vjp, dy), VIEW(softmax_vjp, dx)}},
    {HEAD(norm, group_norm_act_vjp),
     .fields = {VIEW(group_norm_act_vjp, x), VIEW(group_norm_act_vjp, w),
                VIEW(group_norm_act_vjp, b), VIEW(group_norm_act_vjp, stats),
                VIEW(group_norm_act_vjp, dy), VIEW(group_norm_act_vjp, dx),
                VIEW(group_norm_act_vjp, dw), VIEW(group_norm_act_vjp, db),
                INT(group_norm_act_vjp, groups), NAMED(group_norm_act_vjp, act, UNARY)}},
    {HEAD(norm, batch_norm_act_vjp_sums),
     .fields = {VIEW(batch_norm_act_vjp_sums, x), VIEW(batch_norm_act_vjp_sums, stats),
                VIEW(batch_norm_act_vjp_sums, w), VIEW(batch_norm_act_vjp_sums, b),
                VIEW(batch_norm_act_vjp_sums, dy), VIEW(batch_norm_act_vjp_sums, sums),
                NAMED(batch_norm_act_vjp_sums, act, UNARY)}},
    {HEAD(norm, batch_norm_act_vjp),
     .fields = {VIEW(batch_norm_act_vjp, x), VIEW(batch_norm_act_vjp, w),
                VIEW(batch_norm_act_vjp, b), VIEW(batch_norm_act_vjp, stats),
                VIEW(batch_norm_act_vjp, dy), VIEW(batch_norm_act_vjp, sums),
                VIEW(batch_norm_act_vjp, dx), NAMED(batch_norm_act_vjp, act, UNARY)}},
};

const operator_info *operator_find(const char *name)
{
    for (size_t i = 0; i < OPERATORS; i++) {
        if (strcmp(operator_infos[i].name, name) == 0) {
            return &operator_infos[i];
        }
    }
    return NULL;
}

/* ---- a call ---- */

/* Addresses of views and of tensors have one representation. */
static const void *address_at(const void *call, size_t at)
{
    const void *address;
    memcpy(&address, (const char *)call + at, sizeof address);
    return address;
}

const odeon_view *operator_view(const operator_field *field, const void *call)
{
    return address_at(call, field->at);
}

int32_t operator_list_length(const operator_info *op, const void *call)
{
    int32_t n = 0;
    if (op->n_at != 0) {
        memcpy(&n, (const char *)call + op->n_at, sizeof n);
    }
    return n;
}

/* The first view of a list; NULL: it is empty, or has a gap. */
static const odeon_view *list_entry(const operator_field *field, const void *call, int32_t i)
{
    const void *list = address_at(call, field->at);
    return list != NULL ? address_at(list, (size_t)i * sizeof(void *)) : NULL;
}

double operator_operations(const operator_info *op, const void *call)
{
    return op->operations != NULL ? op->operations(call) : 0.0;
}

static double view_bytes(const odeon_view *x)
{
    return x != NULL ? (double)odeon_bytes(&x->shape) : 0.0;
}

double operator_bytes(const operator_info *op, const void *call)
{
    double sum = 0.0;
    if (op->moved != NULL) {
        return op->moved(call);
    }
    for (const operator_field *f = op->fields; f->kind != OPERATOR_END; f++) {
        int32_t n = f->kind == OPERATOR_VIEWS ? operator_list_length(op, call) : 0;
        for (int32_t i = 0; i < n; i++) {
            sum += view_bytes(list_entry(f, call, i));
        }
        sum += f->kind == OPERATOR_VIEW ? view_bytes(operator_view(f, call)) : 0.0;
    }
    return sum;
}

static int64_t number_at(const operator_field *field, const void *call)
{
    int64_t wide = 0;
    int32_t narrow = 0;
    const char *at = (const char *)call + field->at;
    if (field->kind == OPERATOR_LONG) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

static const char *const unary_names[] = {"identity", "relu", "tanh",       "softplus", "sigmoid",
                                          "exp",      "sqrt", "reciprocal", "log",      "square",
                                          "sin",      "cos",  "abs",        "erf"};
static const char *const binary_names[] = {"add", "sub", "mul", "div"};
_Static_assert(sizeof unary_names / sizeof *unary_names == ODEON_UNARY_COUNT, "one for each id");
_Static_assert(sizeof binary_names / sizeof *binary_names == ODEON_BINARY_COUNT, "likewise");

/* The name of a number; NULL: it has none. */
static const char *name_of(operator_kind kind, int64_t number)
{
    if (kind == OPERATOR_UNARY && number >= 0 && number < ODEON_UNARY_COUNT) {
        return unary_names[number];
    }
    return kind == OPERATOR_BINARY && number >= 0 && number < ODEON_BINARY_COUNT
               ? binary_names[number]
               : NULL;
}

bool operator_number_of(const operator_field *field, const char *name, int64_t *out)
{
    for (int64_t i = 0; name_of(field->kind, i) != NULL; i++) {
        if (strcmp(name_of(field->kind, i), name) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The two directions of a geometry follow each other: *_h, *_w. */
static bool is_pair(const operator_field *f, const void *call)
{
    return ends_with(f[0].name, "_h") && f[1].kind == f[0].kind && ends_with(f[1].name, "_w") &&
           number_at(&f[0], call) == number_at(&f[1], call);
}

static void add_number(text_buffer *out, const operator_field *f, const void *call)
{
    int64_t number = number_at(f, call);
    const char *name = name_of(f->kind, number);
    size_t length = strlen(f->name) - (is_pair(f, call) ? 2 : 0);
    if (name != NULL && number != 0) {
        text_printf(out, " %s=%s", f->name, name);
    } else if (number != 0) {
        text_printf(out, " %.*s=%" PRId64, (int)length, f->name, number);
    }
}

static void add_field(text_buffer *out, const operator_info *op, const operator_field *f,
                      const void *call)
{
    char shape[128];
    int32_t n = f->kind == OPERATOR_VIEWS ? operator_list_length(op, call) : 0;
    const odeon_view *x = n > 0                      ? list_entry(f, call, 0)
                          : f->kind == OPERATOR_VIEW ? operator_view(f, call)
                                                     : NULL;
    if (x != NULL) {
        text_shape(x->shape.ndim, x->shape.dim, shape);
        text_printf(out, n > 0 ? " %s=%s*%d" : " %s=%s", f->name, shape, (int)n);
    } else if (f->kind >= OPERATOR_INT && (f == op->fields || !is_pair(f - 1, call))) {
        add_number(out, f, call);
    }
}

static bool is_double(const operator_info *op, const void *call)
{
    const operator_field *f = &op->fields[0];
    const odeon_view *x = f->kind == OPERATOR_VIEW ? operator_view(f, call)
                          : f->kind == OPERATOR_VIEWS && operator_list_length(op, call) > 0
                              ? list_entry(f, call, 0)
                              : NULL;
    return x != NULL && x->shape.dtype == ODEON_DTYPE_F64;
}

void operator_text(text_buffer *out, const operator_info *op, const void *call)
{
    text_add(out, op->name);
    for (const operator_field *f = op->fields; f->kind != OPERATOR_END; f++) {
        add_field(out, op, f, call);
    }
    text_add(out, is_double(op, call) ? " float64" : "");
}
