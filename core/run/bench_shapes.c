/* An operator may trust its caller about shapes, so that nothing is called that was not checked
 * here. */
#include "run/bench_shapes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/number.h"
#include "odeon/device_conv.h"
#include "odeon/device_solver.h"

static const int64_t most_elements = INT64_C(1) << 31;

/* ---- the text ---- */

static odeon_status bad(const bench_shapes *s, const char *word, const char *why)
{
    return diag_fail(ODEON_ERR_CONFIG, "--operator %s: %s: %s", s->op->name, word, why);
}

/* "16x6x26x26", in a list "100*7". */
static odeon_status read_shape(bench_shapes *s, char *value, const char *word, int i,
                               uint32_t dtype)
{
    odeon_shape *shape = &s->shape[i];
    char *star = strchr(value, '*'), *rest = value, *dim;
    int64_t n = 1;
    if (star != NULL) {
        *star = '\0';
    }
    *shape = (odeon_shape){.dtype = dtype};
    while ((dim = strsep(&rest, "x")) != NULL) {
        if (shape->ndim == 5 || number_parse_i64(dim, &shape->dim[shape->ndim]) != NUMBER_OK ||
            shape->dim[shape->ndim] < 1 || !checked_mul(n, shape->dim[shape->ndim], &n) ||
            n > most_elements) {
            return bad(s, word, "must be sizes such as 16x6x26x26, of at most 2^31 numbers");
        }
        shape->ndim++;
    }
    int64_t length = 0;
    bool list = s->op->fields[i].kind == OPERATOR_VIEWS;
    if (list != (star != NULL) || (list && (number_parse_i64(star + 1, &length) != NUMBER_OK ||
                                            length < 1 || length > ODEON_MAX_STAGES))) {
        return bad(s, word, list ? "must be sizes, then * and how many such" : "is no list");
    }
    s->n = list ? (int32_t)length : s->n;
    return ODEON_OK;
}

/* Functions go by their names; not all of them can be an epilogue. */
static odeon_status read_number(bench_shapes *s, const char *value, const char *word, int i)
{
    const operator_field *f = &s->op->fields[i];
    if (f->kind == OPERATOR_UNARY || f->kind == OPERATOR_BINARY) {
        bool epilogue = strcmp(f->name, "act") == 0;
        return operator_number_of(f, value, &s->number[i]) &&
                       (!epilogue || s->number[i] <= ODEON_UNARY_LAST_EPILOGUE)
                   ? ODEON_OK
                   : bad(s, word, "must be the name of a function that the operator has");
    }
    return number_parse_i64(value, &s->number[i]) == NUMBER_OK && s->number[i] >= 0 &&
                   s->number[i] <= INT16_MAX
               ? ODEON_OK
               : bad(s, word, "must be a whole number from 0 to 32767");
}

/* "stride" is both of stride_h and stride_w. */
static bool is_named(const operator_field *f, const char *name)
{
    size_t n = strlen(name);
    return strcmp(f->name, name) == 0 ||
           (strncmp(f->name, name, n) == 0 &&
            (strcmp(f->name + n, "_h") == 0 || strcmp(f->name + n, "_w") == 0));
}

static odeon_status read_word(bench_shapes *s, char *word, uint32_t dtype)
{
    char whole[128], *value = strchr(word, '=');
    bool found = false;
    (void)snprintf(whole, sizeof whole, "%s", word);
    if (value == NULL) {
        return bad(s, whole, "must be FIELD=VALUE");
    }
    *value++ = '\0';
    for (int i = 0; i < OPERATOR_FIELDS && s->op->fields[i].kind != OPERATOR_END; i++) {
        const operator_field *f = &s->op->fields[i];
        if (is_named(f, word)) {
            bool number = f->kind >= OPERATOR_INT;
            ODEON_TRY(number ? read_number(s, value, whole, i)
                             : read_shape(s, value, whole, i, dtype));
            s->given[i] = found = true;
        }
    }
    return found ? ODEON_OK : bad(s, whole, "the operator has no such field");
}

static odeon_status read_words(bench_shapes *s, char *text, uint32_t dtype)
{
    char *rest = text, *word = strsep(&rest, " ");
    s->op = operator_find(word);
    if (s->op == NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "--operator %s: there is no such operator", word);
    }
    while ((word = strsep(&rest, " ")) != NULL) {
        ODEON_TRY(word[0] != '\0' ? read_word(s, word, dtype) : ODEON_OK);
    }
    return ODEON_OK;
}

/* ---- what follows ---- */

static int index_of(const bench_shapes *s, const char *name)
{
    int i = 0;
    while (strcmp(s->op->fields[i].name, name) != 0) {
        i++;
    }
    return i;
}

static int64_t number(const bench_shapes *s, const char *name)
{
    return s->number[index_of(s, name)];
}

static odeon_status need(const bench_shapes *s, const char *name, int32_t ndim,
                         const odeon_shape **out)
{
    int i = index_of(s, name);
    *out = &s->shape[i];
    if (!s->given[i]) {
        return bad(s, name, "must be given");
    }
    return ndim == 0 || s->shape[i].ndim == ndim
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG, "--operator %s: %s has %d sizes, expected %d",
                           s->op->name, name, (int)s->shape[i].ndim, (int)ndim);
}

/* The tensor has this shape: it is given one, unless it may be absent, or has to have it. */
static odeon_status fit(bench_shapes *s, const char *name, odeon_shape shape, bool optional)
{
    int i = index_of(s, name);
    char has[128], wanted[128];
    if (!s->given[i]) {
        s->given[i] = !optional;
        s->shape[i] = shape;
        return ODEON_OK;
    }
    bool equal =
        s->shape[i].ndim == shape.ndim && memcmp(s->shape[i].dim, shape.dim, sizeof shape.dim) == 0;
    s->shape[i].dtype = shape.dtype;
    text_shape(s->shape[i].ndim, s->shape[i].dim, has);
    text_shape(shape.ndim, shape.dim, wanted);
    return equal ? ODEON_OK
                 : diag_fail(ODEON_ERR_CONFIG, "--operator %s: %s=%s does not fit, expected %s",
                             s->op->name, name, has, wanted);
}

static odeon_shape sizes(uint32_t dtype, int32_t ndim, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return (odeon_shape){.ndim = ndim, .dtype = dtype, .dim = {a, b, c, d}};
}

/* All others are as the first. */
static odeon_status follow(bench_shapes *s)
{
    const operator_field *f = s->op->fields;
    const odeon_shape *first;
    ODEON_TRY(need(s, f->name, 0, &first));
    for (f++; f->kind == OPERATOR_VIEW || f->kind == OPERATOR_VIEWS; f++) {
        ODEON_TRY(fit(s, f->name, *first, strcmp(f->name, "base") == 0));
    }
    return ODEON_OK;
}

static odeon_status follow_gemm(bench_shapes *s)
{
    const odeon_shape *a, *b;
    ODEON_TRY(need(s, "a", 2, &a));
    ODEON_TRY(need(s, "b", 2, &b));
    int ta = number(s, "trans_a") != 0, tb = number(s, "trans_b") != 0;
    int64_t m = a->dim[ta], k = a->dim[1 - ta], n = b->dim[1 - tb];
    if (b->dim[tb] != k) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "--operator gemm: a and b do not fit: %" PRId64 " against %" PRId64, k,
                         b->dim[tb]);
    }
    ODEON_TRY(fit(s, "bias", sizes(a->dtype, 1, n, 0, 0, 0), true));
    return fit(s, "c", sizes(a->dtype, 2, m, n, 0, 0), false);
}

/* Places along one edge of a convolution's output; 0: the window does not fit. */
static int64_t places(int64_t edge, int64_t window, int64_t stride, int64_t padding)
{
    int64_t room = edge + 2 * padding - window;
    return room < 0 || stride < 1 ? 0 : room / stride + 1;
}

/* x, w and y by their names in the operator. */
static odeon_status follow_conv(bench_shapes *s, const char *in, const char *filters,
                                const char *out)
{
    const odeon_shape *x, *w;
    ODEON_TRY(need(s, in, 4, &x));
    ODEON_TRY(need(s, filters, 4, &w));
    for (int i = index_of(s, "stride_h"); i <= index_of(s, "stride_w"); i++) {
        s->number[i] = s->given[i] ? s->number[i] : 1;
    }
    int64_t h = places(x->dim[2], w->dim[2], number(s, "stride_h"), number(s, "padding_h")),
            v = places(x->dim[3], w->dim[3], number(s, "stride_w"), number(s, "padding_w"));
    if (x->dim[1] != w->dim[1] || h < 1 || v < 1) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "--operator %s: %s and %s do not fit: channels %" PRId64 " and %" PRId64
                         ", output %" PRId64 "x%" PRId64,
                         s->op->name, in, filters, x->dim[1], w->dim[1], h, v);
    }
    return fit(s, out, sizes(x->dtype, 4, x->dim[0], w->dim[0], h, v), false);
}

static odeon_status follow_conv2d(bench_shapes *s)
{
    ODEON_TRY(follow_conv(s, "x", "w", "y"));
    const odeon_shape *w = &s->shape[index_of(s, "w")];
    return fit(s, "bias", sizes(w->dtype, 1, w->dim[0], 0, 0, 0), true);
}

static odeon_status follow_conv2d_vjp_x(bench_shapes *s)
{
    return follow_conv(s, "dx", "w", "dy");
}

static odeon_status follow_conv2d_vjp_w(bench_shapes *s)
{
    return follow_conv(s, "x", "dw", "dy");
}

static odeon_status follow_group_norm(bench_shapes *s)
{
    const odeon_shape *x;
    ODEON_TRY(need(s, "x", 3, &x));
    int64_t groups = number(s, "groups"), channels = x->dim[1];
    if (groups < 1 || channels % groups != 0) {
        return bad(s, "groups", "must be given, and divide the channels");
    }
    ODEON_TRY(fit(s, "w", sizes(x->dtype, 1, channels, 0, 0, 0), false));
    ODEON_TRY(fit(s, "b", sizes(x->dtype, 1, channels, 0, 0, 0), false));
    ODEON_TRY(fit(s, "y", *x, false));
    return fit(s, "stats", sizes(ODEON_DTYPE_F64, 3, x->dim[0], groups, 2, 0), false);
}

/* By the place of the operator; NULL: it needs more than shapes. */
static odeon_status (*const by_themselves[OPERATORS])(bench_shapes *s) = {
    [OPERATOR_AT_copy] = follow,
    [OPERATOR_AT_fill] = follow,
    [OPERATOR_AT_lincomb] = follow,
    [OPERATOR_AT_dot] = follow,
    [OPERATOR_AT_unary] = follow,
    [OPERATOR_AT_unary_vjp] = follow,
    [OPERATOR_AT_binary] = follow,
    [OPERATOR_AT_gemm] = follow_gemm,
    [OPERATOR_AT_conv2d] = follow_conv2d,
    [OPERATOR_AT_conv2d_vjp_x] = follow_conv2d_vjp_x,
    [OPERATOR_AT_conv2d_vjp_w] = follow_conv2d_vjp_w,
    [OPERATOR_AT_group_norm] = follow_group_norm,
};

static odeon_status complete(bench_shapes *s)
{
    text_buffer names = {.failed = false};
    odeon_status (*own)(bench_shapes *) = by_themselves[s->op - operator_infos];
    if (own != NULL) {
        return own(s);
    }
    for (size_t i = 0; i < OPERATORS; i++) {
        if (by_themselves[i] != NULL) {
            text_printf(&names, "%s%s", names.length > 0 ? ", " : "", operator_infos[i].name);
        }
    }
    odeon_status status =
        diag_fail(ODEON_ERR_CONFIG,
                  "--operator %s: is timed within a model only, without shapes; by themselves: %s",
                  s->op->name, names.failed ? "" : names.data);
    text_fini(&names);
    return status;
}

odeon_status bench_shapes_read(const char *text, uint32_t dtype, bench_shapes *out)
{
    *out = (bench_shapes){.op = NULL};
    char *copy = mem_strdup(text);
    if (copy == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    }
    char *wide = strstr(copy, " float64"); /* where operator_text puts it */
    if (wide != NULL && strcmp(wide, " float64") == 0) {
        *wide = '\0';
        dtype = ODEON_DTYPE_F64;
    }
    odeon_status status = read_words(out, copy, dtype);
    mem_free(copy);
    return status == ODEON_OK ? complete(out) : status;
}
