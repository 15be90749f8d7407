/* Ranges, ticks and places of a panel: all of its geometry, before anything is drawn. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart_model.h"

static const double label_size = 11, end_gap = 13; /* pixels */

/* ---- ranges ---- */

typedef struct extent {
    double lo, hi;
} extent;

static void cover(extent *e, const chart_axis *axis, double v)
{
    if (isfinite(v) && (!axis->log || v > 0)) {
        e->lo = fmin(e->lo, v);
        e->hi = fmax(e->hi, v);
    }
}

static void cover_all(extent *e, const chart_axis *axis, size_t n, const double *v)
{
    for (size_t i = 0; i < n && v != NULL; i++) {
        cover(e, axis, v[i]);
    }
}

static extent x_extent(const chart_panel *p)
{
    extent e = {HUGE_VAL, -HUGE_VAL};
    for (const chart_mark *m = p->first; m != NULL; m = m->next) {
        if (m->kind == CHART_BARS) {
            cover(&e, &p->axes.x, m->n > 0 ? m->x[0] - .5 : (double)NAN);
            cover(&e, &p->axes.x, m->n > 0 ? m->x[m->n - 1] + .5 : (double)NAN);
        } else if (m->kind != CHART_RULE_Y) {
            cover_all(&e, &p->axes.x, m->n, m->x);
        }
    }
    return e;
}

static extent y_extent(const chart_panel *p)
{
    extent e = {HUGE_VAL, -HUGE_VAL};
    for (const chart_mark *m = p->first; m != NULL; m = m->next) {
        if (m->kind != CHART_RULE_X && m->kind != CHART_SHADE) {
            cover_all(&e, &p->axes.y, m->n, m->y);
        }
        if (m->kind == CHART_BAND) {
            cover_all(&e, &p->axes.y, m->n, m->u);
        } else if (m->kind == CHART_BARS) {
            cover(&e, &p->axes.y, 0);
        }
    }
    return e;
}

/* Without any number the axis goes from 0 to 1, or over the decade from 0.1 to 1. */
static void set_range(const chart_axis *axis, extent e, double margin, double *lo, double *hi)
{
    if (axis->lo < axis->hi) {
        *lo = axis->lo;
        *hi = axis->hi;
        return;
    }
    if (axis->names != NULL) {
        *lo = -.5;
        *hi = (double)axis->n_names - .5;
        return;
    }
    if (axis->zero && !axis->log) {
        cover(&e, axis, 0);
    }
    if (!(e.lo <= e.hi)) {
        e = axis->log ? (extent){.1, 1} : (extent){0, 1};
    }
    if (axis->log) {
        double more = pow(e.hi / e.lo, margin);
        more = fmax(more, e.hi / e.lo < 1.02 ? 1.5 : 1.01);
        *lo = e.lo / (margin > 0 ? more : 1);
        *hi = e.hi * (margin > 0 || e.lo == e.hi ? more : 1);
        return;
    }
    double more = margin * (e.hi - e.lo);
    if (!(e.hi - e.lo > 1e-9 * fmax(fabs(e.lo), fabs(e.hi)))) {
        more = e.hi != 0 ? fabs(e.hi) / 2 : .5; /* one value alone stands in the middle */
    }
    *lo = axis->zero && e.lo == 0 ? 0 : e.lo - more;
    *hi = axis->zero && e.hi == 0 && e.lo < 0 ? 0 : e.hi + more;
}

/* ---- scales ---- */

static double place(double v, double lo, double hi, bool log_scale, double from, double to)
{
    double share =
        log_scale ? v > 0 ? log(v / lo) / log(hi / lo) : (double)NAN : (v - lo) / (hi - lo);
    return from + (to - from) * share;
}

double chart_place_x(const chart_panel *p, double x)
{
    return place(x, p->x_lo, p->x_hi, p->axes.x.log, p->left, p->right);
}

double chart_place_y(const chart_panel *p, double y)
{
    return place(y, p->y_lo, p->y_hi, p->axes.y.log, p->bottom, p->top);
}

static void set_ticks(const chart_axis *axis, double lo, double hi, double n, chart_ticks *out)
{
    out->n = 0;
    if (axis->bare) {
        return;
    }
    for (size_t i = 0; i < axis->n_names && axis->names != NULL && i < CHART_TICKS; i++) {
        out->tick[i].at = (double)i;
        char text[64];
        chart_shorten(axis->names[i], 160, label_size, false, text);
        (void)snprintf(out->tick[i].text, CHART_NUMBER_BYTES, "%.47s", text);
        out->n = i + 1;
    }
    if (axis->names == NULL && axis->log) {
        chart_ticks_log(lo, hi, n, out);
    } else if (axis->names == NULL) {
        chart_ticks_linear(lo, hi, n, axis->percent, out);
    }
    if (axis->names == NULL && out->n < 2 && n < CHART_TICKS) { /* one number gives no scale */
        set_ticks(axis, lo, hi, 2 * n, out);
    }
}

/* ---- names at the ends of lines ---- */

void chart_shorten(const char *text, double width, double size, bool bold, char out[64])
{
    size_t n = 0;
    double room = width - chart_width("…", size, bold);
    bool whole = chart_width(text, size, bold) <= width;
    const char *p = text;
    out[0] = '\0';
    while (*p != '\0') {
        const char *begin = p;
        (void)chart_character(&p);
        size_t bytes = (size_t)(p - begin);
        if (n + bytes + 4 > 64) {
            whole = false;
            break;
        }
        memcpy(out + n, begin, bytes);
        out[n + bytes] = '\0';
        if (!whole && chart_width(out, size, bold) > room) {
            out[n] = '\0';
            break;
        }
        n += bytes;
    }
    if (!whole) {
        memcpy(out + n, "…", sizeof "…");
    }
}

/* The last point of a line that can be drawn. */
static bool find_end(const chart_panel *p, const chart_mark *m, double *x, double *y)
{
    for (size_t i = m->n; i > 0; i--) {
        double v = m->y[i - 1];
        if (isfinite(m->x[i - 1]) && isfinite(v) && (!p->axes.y.log || v > 0)) {
            *x = m->x[i - 1];
            *y = v;
            return true;
        }
    }
    return false;
}

/* Those of lines that are out of room are left out. Returns the width of the widest. */
static double gather_ends(chart_panel *p, double room)
{
    double widest = 0;
    p->n_ends = 0;
    for (const chart_mark *m = p->first; m != NULL; m = m->next) {
        chart_end e = {.mark = m};
        bool named = (m->kind == CHART_LINE || m->kind == CHART_POINTS) && m->style.name != NULL;
        if (!named || p->n_ends == CHART_ENDS || !find_end(p, m, &e.x, &e.y)) {
            continue;
        }
        chart_shorten(m->style.name, room, label_size, true, e.text);
        widest = fmax(widest, chart_width(e.text, label_size, true));
        p->end[p->n_ends++] = e;
    }
    return widest;
}

/* By height, as they stand; of equal ones in the order of the marks. */
static void sort_ends(chart_panel *p)
{
    for (size_t i = 1; i < p->n_ends; i++) {
        chart_end e = p->end[i];
        size_t k = i;
        for (; k > 0 && p->end[k - 1].y > e.y; k--) {
            p->end[k] = p->end[k - 1];
        }
        p->end[k] = e;
    }
}

/* Does its line end at the right edge, so that the name stands beside the panel? */
static bool is_beside(const chart_panel *p, const chart_end *e)
{
    return e->x > p->right;
}

/* Those beside the panel, as little as needed. */
static void push_beside(chart_panel *p)
{
    double at[CHART_ENDS];
    size_t n = 0;
    for (size_t i = 0; i < p->n_ends; i++) {
        if (is_beside(p, &p->end[i])) {
            at[n++] = p->end[i].y;
        }
    }
    chart_push_apart(n, at, end_gap, p->top + 2, p->bottom - 1);
    n = 0;
    for (size_t i = 0; i < p->n_ends; i++) {
        if (is_beside(p, &p->end[i])) {
            p->end[i].y = at[n++];
        }
    }
}

/* Would a name at height y touch one that stands already? */
static bool touches(const chart_panel *p, size_t n, const bool *placed, const chart_end *e,
                    double y)
{
    double right = e->x + chart_width(e->text, label_size, true);
    for (size_t i = 0; i < n; i++) {
        const chart_end *o = &p->end[i];
        double o_right = o->x + chart_width(o->text, label_size, true);
        if (placed[i] && e->x < o_right + 2 && o->x < right + 2 && fabs(o->y - y) < end_gap - .01) {
            return true;
        }
    }
    return false;
}

/* The rectangle that a name at height y takes, with a little air. */
typedef struct name_box {
    double left, right, top, bottom;
} name_box;

static name_box box_of(const chart_end *e, double y)
{
    const double half = 6.5;
    return (name_box){e->x - 1, e->x + chart_width(e->text, label_size, true) + 2, y - half,
                      y + half};
}

/* Is a part of the line from (x0, y0) to (x1, y1) within the box? NaN is not. */
static bool line_enters(const name_box *b, double x0, double y0, double x1, double y1)
{
    double left = fmin(x0, x1), right = fmax(x0, x1);
    double slope = right > left ? (y1 - y0) / (x1 - x0) : 0;
    if (!(left <= b->right && right >= b->left)) {
        return false;
    }
    double ya = right > left ? y0 + slope * (fmax(left, b->left) - x0) : y0;
    double yb = right > left ? y0 + slope * (fmin(right, b->right) - x0) : y1;
    return fmin(ya, yb) <= b->bottom && fmax(ya, yb) >= b->top;
}

/* Would a name at height y lie on a line or a point? */
static bool covers(const chart_panel *p, const chart_end *e, double y)
{
    name_box b = box_of(e, y);
    for (const chart_mark *m = p->first; m != NULL; m = m->next) {
        bool line = m->kind == CHART_LINE;
        for (size_t i = line ? 1 : 0; i < m->n && (line || m->kind == CHART_POINTS); i++) {
            size_t from = line ? i - 1 : i;
            if (line_enters(&b, chart_place_x(p, m->x[from]), chart_place_y(p, m->y[from]),
                            chart_place_x(p, m->x[i]), chart_place_y(p, m->y[i]))) {
                return true;
            }
        }
    }
    return false;
}

/* The height next to that of its line's end, no further than reach, where a name touches no other
 * and, if clear, no line; false: there is none. */
static bool find_height(const chart_panel *p, const bool *placed, const chart_end *e, double reach,
                        bool clear, double *out)
{
    for (int k = 0; k <= (int)reach; k++) {
        double y = e->y + (k % 2 == 0 ? 1 : -1) * 2. * ((k + 1) / 2);
        if (y >= p->top && y <= p->bottom && !touches(p, p->n_ends, placed, e, y) &&
            !(clear && covers(p, e, y))) {
            *out = y;
            return true;
        }
    }
    return false;
}

/* Names within the panel stand beside the ends of their lines, each at the height next to that
 * where there is room. One that would have to go far to lie on no line lies on one. */
static void place_within(chart_panel *p)
{
    const double near = 48, anywhere = 200;
    bool placed[CHART_ENDS];
    for (size_t i = 0; i < p->n_ends; i++) {
        placed[i] = is_beside(p, &p->end[i]);
    }
    for (size_t i = 0; i < p->n_ends; i++) {
        chart_end *e = &p->end[i];
        if (!placed[i] && !find_height(p, placed, e, near, true, &e->y)) {
            (void)find_height(p, placed, e, anywhere, false, &e->y);
        }
        placed[i] = true;
    }
}

static void place_ends(chart_panel *p)
{
    for (size_t i = 0; i < p->n_ends; i++) {
        p->end[i].x = fmin(chart_place_x(p, p->end[i].x), p->right) + 6;
        p->end[i].y = fmin(fmax(chart_place_y(p, p->end[i].y), p->top), p->bottom);
    }
    sort_ends(p);
    push_beside(p);
    place_within(p);
}

/* ---- the whole ---- */

/* Shrinks the rectangle of the axes so that their units are equal; what is left stays free. */
static void make_equal(chart_panel *p)
{
    double wide = p->x_hi - p->x_lo, high = p->y_hi - p->y_lo;
    double scale = fmin((p->right - p->left) / wide, (p->bottom - p->top) / high);
    p->right = p->left + scale * wide;
    p->bottom = p->top + scale * high;
}

static double widest_tick(const chart_ticks *t)
{
    double widest = 0;
    for (size_t i = 0; i < t->n; i++) {
        widest = fmax(widest, chart_width(t->tick[i].text, label_size, false));
    }
    return widest;
}

/* Labels along x that would touch the one before are dropped. */
static void drop_close(chart_panel *p)
{
    chart_ticks *t = &p->x_ticks;
    size_t kept = 0;
    double end = -HUGE_VAL;
    for (size_t i = 0; i < t->n; i++) {
        double x = chart_place_x(p, t->tick[i].at);
        double half = chart_width(t->tick[i].text, label_size, false) / 2;
        if (x - half >= end + 6) {
            end = x + half;
            t->tick[kept++] = t->tick[i];
        }
    }
    t->n = kept;
}

void chart_lay_out(chart_panel *p, double x, double y, double width, double height)
{
    const chart_axes *a = &p->axes;
    bool points = false;
    for (const chart_mark *m = p->first; m != NULL; m = m->next) {
        points |= m->kind == CHART_POINTS || m->kind == CHART_ARROWS;
    }
    set_range(&a->x, x_extent(p), points || a->equal ? .04 : 0, &p->x_lo, &p->x_hi);
    set_range(&a->y, y_extent(p), .06, &p->y_lo, &p->y_hi);
    p->outer_x = x;
    p->outer_y = y;
    p->top = y + (a->title != NULL ? 26 : 10) + (a->y.label != NULL ? 14 : 0);
    p->bottom = y + height - (a->x.label != NULL ? 32 : 18);
    set_ticks(&a->y, p->y_lo, p->y_hi, fmax(2, (p->bottom - p->top) / 42), &p->y_ticks);
    p->left = x + fmax(widest_tick(&p->y_ticks) + 8, p->gutter);
    p->right = x + width - fmax(gather_ends(p, width * .42) + 8, 18);
    if (a->equal) {
        make_equal(p);
        set_ticks(&a->y, p->y_lo, p->y_hi, fmax(2, (p->bottom - p->top) / 42), &p->y_ticks);
    }
    set_ticks(&a->x, p->x_lo, p->x_hi, fmax(2, (p->right - p->left) / 62), &p->x_ticks);
    drop_close(p);
    place_ends(p);
}
