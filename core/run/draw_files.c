/* Samples in a file: as an array, as a table, or as one picture of all of them. */
#include "run/draw_files.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "base/path.h"
#include "base/text.h"
#include "format/npy.h"
#include "format/png.h"

static odeon_status no_memory(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
}

odeon_status draw_check_name(const char *path)
{
    bool known = path_ends_with(path, ".npy") || path_ends_with(path, ".png") ||
                 path_ends_with(path, ".csv") || output_file_is_stream(path);
    return known ? ODEON_OK
                 : diag_fail(ODEON_ERR_CONFIG,
                             "--out %s: must end in .npy, .png or .csv, or be - or a pipe, which "
                             "get CSV",
                             path);
}

/* [n, ...]: as the model takes it where it makes as many numbers, else as it makes it. */
static odeon_shape shape_of(const odeon_shape *one, const predictions *p)
{
    odeon_shape made = {.ndim = p->ndim};
    memcpy(made.dim, p->dim, sizeof made.dim);
    made = odeon_count(one) == p->size ? *one : made;
    made.dim[0] = p->n;
    return made;
}

static odeon_status write_npy(const char *path, uint32_t dtype, const odeon_shape *shape,
                              const predictions *p)
{
    int64_t n = p->n * p->size;
    if (dtype == ODEON_DTYPE_F64) {
        return npy_write_output(path, dtype, shape->ndim, shape->dim, p->output);
    }
    float *narrow = mem_zalloc((size_t)n, sizeof *narrow);
    for (int64_t i = 0; i < n && narrow != NULL; i++) {
        narrow[i] = (float)p->output[i];
    }
    odeon_status status = narrow != NULL
                              ? npy_write_output(path, dtype, shape->ndim, shape->dim, narrow)
                              : no_memory(path);
    mem_free(narrow);
    return status;
}

static odeon_status write_csv(const char *path, const predictions *p)
{
    text_buffer text = {0};
    text_add(&text, "sample");
    for (int64_t k = 0; k < p->size; k++) {
        text_printf(&text, ",y%" PRId64, k);
    }
    text_add(&text, "\n");
    for (int64_t i = 0; i < p->n; i++) {
        text_printf(&text, "%" PRId64, i);
        for (int64_t k = 0; k < p->size; k++) {
            text_add(&text, ",");
            text_number(&text, p->output[i * p->size + k]);
        }
        text_add(&text, "\n");
    }
    odeon_status status =
        text.failed ? no_memory(path) : output_file_put(path, text.data, text.length);
    text_fini(&text);
    return status;
}

/* ---- one picture of many images ---- */

enum { GAP = 2, GROUND = 128, MOST = 65535 }; /* pixels; a grey value; pixels of an edge */

/* Rows and columns of images, as many of each as makes the whole nearly a square. */
typedef struct sheet {
    int64_t columns, rows, H, W, C;
    int64_t height, width;
    uint8_t *pixels; /* [height, width, C] */
} sheet;

static uint8_t grey(draw_range range, double x)
{
    double share = (x - range.lo) / (range.hi - range.lo);
    return (uint8_t)(255.0 * fmin(1.0, fmax(0.0, share)) + 0.5);
}

/* Image i, [C,H,W]. */
static void place(const sheet *s, int64_t i, draw_range range, const double *image)
{
    int64_t top = GAP + i / s->columns * (s->H + GAP), left = GAP + i % s->columns * (s->W + GAP);
    for (int64_t k = 0; k < s->C * s->H * s->W; k++) {
        int64_t c = k / (s->H * s->W), row = k / s->W % s->H, column = k % s->W;
        s->pixels[((top + row) * s->width + left + column) * s->C + c] = grey(range, image[k]);
    }
}

/* [n,C,H,W], or [n,H,W] of one channel. */
static odeon_status lay_out(const char *path, const odeon_shape *x, sheet *s)
{
    bool planes = x->ndim == 4;
    *s = (sheet){.C = planes ? x->dim[1] : 1, .H = x->dim[x->ndim - 2], .W = x->dim[x->ndim - 1]};
    if ((!planes && x->ndim != 3) || (s->C != 1 && s->C != 3)) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "--out %s: samples are no images, which are [1,H,W] or [3,H,W]: they have "
                         "%d dimensions; .npy and .csv take any",
                         path, (int)x->ndim - 1);
    }
    s->columns = (int64_t)ceil(sqrt((double)x->dim[0]));
    s->rows = (x->dim[0] + s->columns - 1) / s->columns;
    s->height = s->rows * (s->H + GAP) + GAP;
    s->width = s->columns * (s->W + GAP) + GAP;
    return s->height <= MOST && s->width <= MOST
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "--out %s: %" PRId64 " images are more than a picture holds: use .npy",
                           path, x->dim[0]);
}

static odeon_status write_png(const char *path, const odeon_shape *shape, draw_range range,
                              const predictions *p)
{
    sheet s;
    ODEON_TRY(lay_out(path, shape, &s));
    size_t bytes = (size_t)(s.height * s.width * s.C);
    s.pixels = mem_alloc(bytes);
    if (s.pixels == NULL) {
        return no_memory(path);
    }
    memset(s.pixels, GROUND, bytes);
    for (int64_t i = 0; i < p->n; i++) {
        place(&s, i, range, p->output + i * p->size);
    }
    odeon_status status =
        png_write_output(path, (int32_t)s.width, (int32_t)s.height, (int32_t)s.C, s.pixels);
    mem_free(s.pixels);
    return status;
}

odeon_status draw_write(const char *path, uint32_t dtype, const odeon_shape *one, draw_range range,
                        const predictions *p)
{
    odeon_shape shape = shape_of(one, p);
    ODEON_TRY(draw_check_name(path));
    if (path_ends_with(path, ".npy")) {
        return write_npy(path, dtype, &shape, p);
    }
    return path_ends_with(path, ".png") ? write_png(path, &shape, range, p) : write_csv(path, p);
}
