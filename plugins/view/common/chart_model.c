/* A chart as it is described: everything that it is given is copied into blocks of memory that go
 * with it. */
#include "chart_model.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- memory ---- */

struct chart_block {
    chart_block *before;
    double reserved; /* what follows is aligned for doubles and pointers */
};

static void *block(const odeon_host *host, chart_block **list, size_t bytes)
{
    chart_block *b = host->alloc(host, sizeof *b + bytes);
    if (b == NULL) {
        return NULL;
    }
    memset(b, 0, sizeof *b + bytes);
    b->before = *list;
    *list = b;
    return b + 1;
}

void *chart_alloc(chart *c, size_t count, size_t size)
{
    if (c == NULL || c->failed) {
        return NULL;
    }
    bool fits = size == 0 || count <= (SIZE_MAX >> 1) / size;
    void *p = fits ? block(c->host, &c->blocks, count * size) : NULL;
    c->failed = p == NULL;
    return p;
}

const char *chart_copy_text(chart *c, const char *text)
{
    char *copy = text != NULL ? chart_alloc(c, strlen(text) + 1, 1) : NULL;
    return copy != NULL ? strcpy(copy, text) : NULL;
}

static const double *copy_numbers(chart *c, size_t n, const double *x)
{
    double *copy = chart_alloc(c, n, sizeof *copy);
    if (copy != NULL && n > 0) {
        memcpy(copy, x, n * sizeof *copy);
    }
    return copy;
}

chart *chart_create(const odeon_host *host, double width, double height, const char *title)
{
    chart_block *blocks = NULL;
    chart *c = block(host, &blocks, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    *c = (chart){.host = host, .blocks = blocks, .width = width, .height = height, .columns = 1};
    c->title = chart_copy_text(c, title);
    return c;
}

/* The chart itself lies in the first block. */
void chart_destroy(chart *c)
{
    if (c == NULL) {
        return;
    }
    const odeon_host *host = c->host;
    for (chart_block *b = c->blocks; b != NULL;) {
        chart_block *before = b->before;
        host->free(host, b);
        b = before;
    }
}

/* ---- words ---- */

void chart_say(chart *c, int color, const char *text)
{
    chart_words *w = chart_alloc(c, 1, sizeof *w);
    if (w == NULL) {
        return;
    }
    *w = (chart_words){.color = color, .text = chart_copy_text(c, text)};
    if (c->last_words != NULL) {
        c->last_words->next = w;
    } else {
        c->first_words = w;
    }
    c->last_words = w;
    if (w->text == NULL) {
        w->text = "";
    }
}

void chart_describe(chart *c, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (c != NULL) {
        c->finding = chart_copy_text(c, text);
    }
}

void chart_size(const chart *c, double *width, double *height)
{
    *width = c != NULL ? c->width + 2 * CHART_MARGIN : 0;
    *height = c != NULL ? c->height + 2 * CHART_MARGIN : 0;
}

void chart_columns(chart *c, size_t n)
{
    if (c != NULL) {
        c->columns = n > 0 ? n : 1;
    }
}

/* ---- panels ---- */

static void copy_axis(chart *c, chart_axis *axis)
{
    const char **names = axis->names != NULL ? chart_alloc(c, axis->n_names, sizeof *names) : NULL;
    for (size_t i = 0; i < axis->n_names && names != NULL; i++) {
        names[i] = chart_copy_text(c, axis->names[i]);
    }
    axis->names = names;
    axis->label = chart_copy_text(c, axis->label);
}

chart_panel *chart_panel_add(chart *c, const chart_axes *axes)
{
    chart_panel *p = chart_alloc(c, 1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    p->chart = c;
    p->axes = *axes;
    copy_axis(c, &p->axes.x);
    copy_axis(c, &p->axes.y);
    p->axes.title = chart_copy_text(c, axes->title);
    if (c->last != NULL) {
        c->last->next = p;
    } else {
        c->first = p;
    }
    c->last = p;
    c->n_panels++;
    return p;
}

/* ---- marks ---- */

/* Arrays that are NULL are not used by the kind. A mark whose arrays found no memory is not added.
 */
static chart_mark *add_mark(chart_panel *p, chart_kind kind, size_t n, const double *const array[4],
                            const chart_style *style)
{
    chart_mark *m = p != NULL ? chart_alloc(p->chart, 1, sizeof *m) : NULL;
    if (m == NULL) {
        return NULL;
    }
    const double *copy[4] = {NULL};
    for (int i = 0; i < 4; i++) {
        copy[i] = array[i] != NULL ? copy_numbers(p->chart, n, array[i]) : NULL;
    }
    *m = (chart_mark){.kind = kind,
                      .style = *style,
                      .n = n,
                      .x = copy[0],
                      .y = copy[1],
                      .u = copy[2],
                      .v = copy[3]};
    m->style.name = chart_copy_text(p->chart, style->name);
    if (p->chart->failed) {
        return NULL;
    }
    if (p->last != NULL) {
        p->last->next = m;
    } else {
        p->first = m;
    }
    p->last = m;
    return m;
}

void chart_line(chart_panel *p, size_t n, const double *x, const double *y,
                const chart_style *style)
{
    (void)add_mark(p, CHART_LINE, n, (const double *const[4]){x, y}, style);
}

void chart_band(chart_panel *p, size_t n, const double *x, const double *lo, const double *hi,
                int color)
{
    (void)add_mark(p, CHART_BAND, n, (const double *const[4]){x, lo, hi},
                   &(chart_style){.color = color});
}

void chart_points(chart_panel *p, size_t n, const double *x, const double *y,
                  const chart_style *style)
{
    (void)add_mark(p, CHART_POINTS, n, (const double *const[4]){x, y}, style);
}

void chart_bars(chart_panel *p, size_t n, const double *x, const double *y, double wide,
                const chart_style *style)
{
    chart_mark *m = add_mark(p, CHART_BARS, n, (const double *const[4]){x, y}, style);
    if (m != NULL) {
        m->wide = wide;
    }
}

void chart_arrows(chart_panel *p, size_t n, const double *x, const double *y, const double *u,
                  const double *v, const chart_style *style)
{
    (void)add_mark(p, CHART_ARROWS, n, (const double *const[4]){x, y, u, v}, style);
}

void chart_cells(chart_panel *p, const double box[4], size_t columns, size_t rows,
                 const double *value, int color)
{
    size_t n = columns * rows;
    double *x = p != NULL ? chart_alloc(p->chart, n, sizeof *x) : NULL;
    double *y = x != NULL ? chart_alloc(p->chart, n, sizeof *y) : NULL;
    double wide = (box[1] - box[0]) / (double)columns, high = (box[3] - box[2]) / (double)rows;
    if (y == NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = box[0] + ((double)(i % columns) + .5) * wide;
        y[i] = box[2] + ((double)(i / columns) + .5) * high;
    }
    chart_mark *m = add_mark(p, CHART_CELLS, n, (const double *const[4]){x, y, value},
                             &(chart_style){.color = color});
    if (m != NULL) {
        m->wide = wide;
        m->high = high;
    }
}

static void add_words(chart_panel *p, chart_kind kind, double x, double y, int color,
                      const char *words, bool right)
{
    chart_mark *m =
        add_mark(p, kind, 1, (const double *const[4]){&x, &y}, &(chart_style){.color = color});
    if (m != NULL) {
        m->words = chart_copy_text(p->chart, words);
        m->right = right;
    }
}

void chart_rule_x(chart_panel *p, double at, int color, const char *words)
{
    add_words(p, CHART_RULE_X, at, (double)NAN, color, words, false);
}

void chart_rule_y(chart_panel *p, double at, int color, const char *words)
{
    add_words(p, CHART_RULE_Y, (double)NAN, at, color, words, false);
}

void chart_shade(chart_panel *p, double from, double to)
{
    add_words(p, CHART_SHADE, from, to, CHART_MUTED, NULL, false);
}

void chart_note(chart_panel *p, double x, double y, int color, bool right, const char *words)
{
    add_words(p, CHART_NOTE, x, y, color, words, right);
}

/* ---- what has no axes ---- */

void chart_matrix(chart *c, size_t n, const double *value, const char *const *names)
{
    const char **copies = chart_alloc(c, n, sizeof *copies);
    for (size_t i = 0; i < n && copies != NULL; i++) {
        copies[i] = chart_copy_text(c, names[i]);
    }
    const double *matrix = copies != NULL ? copy_numbers(c, n * n, value) : NULL;
    if (matrix != NULL && !c->failed) {
        c->n_matrix = n;
        c->matrix = matrix;
        c->matrix_names = copies;
    }
}

void chart_picture(chart *c, size_t width, size_t height, const unsigned char *grey,
                   const char *words, const char *more)
{
    chart_image *i = chart_alloc(c, 1, sizeof *i);
    unsigned char *pixels = i != NULL ? chart_alloc(c, width * height, 1) : NULL;
    if (pixels == NULL) {
        return;
    }
    memcpy(pixels, grey, width * height);
    *i = (chart_image){.width = width, .height = height, .grey = pixels};
    i->words = chart_copy_text(c, words);
    i->more = chart_copy_text(c, more);
    if (c->last_image != NULL) {
        c->last_image->next = i;
    } else {
        c->first_image = i;
    }
    c->last_image = i;
    c->n_images++;
}
