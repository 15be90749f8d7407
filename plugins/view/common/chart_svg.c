/* A chart as SVG 1.1. Coordinates are rounded to a tenth of a pixel, and a long line to what a
 * pixel column shows of it. */
#include <math.h>
#include <string.h>

#include "chart_model.h"

/* ---- axes ---- */

static void put_y_axis(const chart_panel *p, chart_text *out)
{
    for (size_t i = 0; i < p->y_ticks.n; i++) {
        double y = chart_place_y(p, p->y_ticks.tick[i].at);
        if (p->axes.y.names == NULL) {
            chart_put(out, "<path class=\"grid\" d=\"M~x ~xH~x\"/>", p->left, y, p->right);
        }
        chart_put(out, "<text class=\"f0\" x=\"~x\" y=\"~x\" text-anchor=\"end\">~e</text>",
                  p->left - 6, y + 4, p->y_ticks.tick[i].text);
    }
}

static void put_x_axis(const chart_panel *p, chart_text *out)
{
    chart_put(out, "<path class=\"axis\" d=\"M~x ~xH~x\"/>", p->left, p->bottom, p->right);
    for (size_t i = 0; i < p->x_ticks.n; i++) {
        double x = chart_place_x(p, p->x_ticks.tick[i].at);
        chart_put(out,
                  "<path class=\"axis\" d=\"M~x ~xv4\"/>"
                  "<text class=\"f0\" x=\"~x\" y=\"~x\" text-anchor=\"middle\">~e</text>",
                  x, p->bottom, x, p->bottom + 15, p->x_ticks.tick[i].text);
    }
}

static void put_axes(const chart_panel *p, chart_text *out)
{
    const chart_axes *a = &p->axes;
    if (a->title != NULL) {
        chart_put(out, "<text class=\"f7 b\" x=\"~x\" y=\"~x\">~e</text>", p->outer_x,
                  p->outer_y + 14, a->title);
    }
    if (a->y.label != NULL) {
        chart_put(out, "<text class=\"f0\" x=\"~x\" y=\"~x\">~e</text>", p->outer_x, p->top - 8,
                  a->y.label);
    }
    put_y_axis(p, out);
    put_x_axis(p, out);
    if (a->x.label != NULL) {
        chart_put(out, "<text class=\"f0\" x=\"~x\" y=\"~x\" text-anchor=\"end\">~e</text>",
                  p->right, p->bottom + 29, a->x.label);
    }
}

/* ---- lines ---- */

typedef struct pen {
    chart_text *out;
    bool down; /* within a line */
} pen;

static void move_to(pen *p, double x, double y, bool stepped)
{
    if (!p->down) {
        chart_put(p->out, "M~x ~x", x, y);
    } else if (stepped) {
        chart_put(p->out, "H~xV~x", x, y);
    } else {
        chart_put(p->out, "L~x ~x", x, y);
    }
    p->down = true;
}

/* The points first .. end - 1 lie in one pixel column: the first, the least, the largest and the
 * last of them make the same picture. */
static void put_column(const chart_panel *p, const double *x, const double *y, size_t first,
                       size_t end, bool stepped, pen *out)
{
    size_t keep[4] = {first, first, first, end - 1};
    for (size_t i = first; i < end; i++) {
        keep[1] = y[i] < y[keep[1]] ? i : keep[1];
        keep[2] = y[i] > y[keep[2]] ? i : keep[2];
    }
    if (keep[1] > keep[2]) {
        size_t swap = keep[1];
        keep[1] = keep[2];
        keep[2] = swap;
    }
    for (int k = 0; k < 4; k++) {
        if (k == 0 || keep[k] != keep[k - 1]) {
            move_to(out, chart_place_x(p, x[keep[k]]), chart_place_y(p, y[keep[k]]), stepped);
        }
    }
}

static bool is_shown(const chart_panel *p, double x, double y)
{
    return isfinite(chart_place_x(p, x)) && isfinite(chart_place_y(p, y));
}

/* Only lines that go from left to right are thinned. */
static void put_path(const chart_panel *p, size_t n, const double *x, const double *y, bool stepped,
                     pen *out)
{
    bool ascending = true;
    for (size_t i = 1; i < n; i++) {
        ascending &= x[i] >= x[i - 1];
    }
    for (size_t i = 0; i < n;) {
        if (!is_shown(p, x[i], y[i])) {
            out->down = false;
            i++;
            continue;
        }
        size_t end = i + 1;
        double column = floor(chart_place_x(p, x[i]));
        while (ascending && end < n && is_shown(p, x[end], y[end]) &&
               floor(chart_place_x(p, x[end])) == column) {
            end++;
        }
        put_column(p, x, y, i, end, stepped, out);
        i = end;
    }
}

static void put_opacity(const char *of, double opacity, chart_text *out)
{
    if (opacity > 0) {
        chart_put(out, " ~s-opacity=\"~g\"", of, opacity);
    }
}

static void put_line(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    pen at = {.out = out};
    chart_put(out, "<path class=\"~s c~d~s\"", m->style.thin ? "thin" : "line", m->style.color,
              m->style.dashed ? " dash" : "");
    put_opacity("stroke", m->style.opacity, out);
    chart_put(out, " d=\"");
    put_path(p, m->n, m->x, m->y, m->style.stepped, &at);
    chart_put(out, "\"/>");
}

/* Its upper bound from left to right, then its lower one back; numbers that cannot be shown are
 * passed over. */
static void put_band(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    pen at = {.out = out};
    double column = (double)NAN;
    chart_put(out, "<path class=\"band f~d\" d=\"", m->style.color);
    for (size_t i = 0; i < 2 * m->n; i++) {
        size_t k = i < m->n ? i : 2 * m->n - 1 - i;
        double y = i < m->n ? m->u[k] : m->y[k], x = chart_place_x(p, m->x[k]);
        if (is_shown(p, m->x[k], y) && !(floor(x) == column && k > 0 && k + 1 < m->n)) {
            move_to(&at, x, chart_place_y(p, y), false);
            column = floor(x);
        }
    }
    chart_put(out, "~s\"/>", at.down ? "Z" : "");
}

/* ---- points, bars, arrows ---- */

/* A full one is a line of no length with round ends, the shortest way to write a disc. */
static void put_point(const chart_style *s, double r, double x, double y, chart_text *out)
{
    if (s->crossed) {
        chart_put(out, "M~x ~xl~x ~xm0 ~xl~x ~x", x - r, y - r, 2 * r, 2 * r, -2 * r, -2 * r,
                  2 * r);
    } else if (s->hollow) {
        chart_put(out, "M~x ~xa~x ~x 0 1 0 ~x 0a~x ~x 0 1 0 ~x 0", x - r, y, r, r, 2 * r, r, r,
                  -2 * r);
    } else {
        chart_put(out, "M~x ~xh0", x, y);
    }
}

static void put_points(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    const chart_style *s = &m->style;
    double r = s->radius > 0 ? s->radius : 2.5;
    if (s->crossed || s->hollow) {
        chart_put(out, "<path class=\"~s c~d\"", s->crossed ? "cross" : "ring", s->color);
    } else {
        chart_put(out, "<path class=\"dot c~d\" stroke-width=\"~g\"", s->color, 2 * r);
        put_opacity("stroke", s->opacity, out);
    }
    chart_put(out, " d=\"");
    for (size_t i = 0; i < m->n; i++) {
        if (is_shown(p, m->x[i], m->y[i])) {
            put_point(s, r, chart_place_x(p, m->x[i]), chart_place_y(p, m->y[i]), out);
        }
    }
    chart_put(out, "\"/>");
}

static void put_bars(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    double zero = p->axes.y.log || p->y_lo > 0 ? p->bottom : chart_place_y(p, 0);
    chart_put(out, "<path class=\"f~d\"", m->style.color);
    put_opacity("fill", m->style.opacity, out);
    chart_put(out, " d=\"");
    for (size_t i = 0; i < m->n; i++) {
        if (is_shown(p, m->x[i], m->y[i])) {
            double left = chart_place_x(p, m->x[i] - m->wide / 2);
            chart_put(out, "M~x ~xV~xH~xV~xZ", left, zero, chart_place_y(p, m->y[i]),
                      chart_place_x(p, m->x[i] + m->wide / 2), zero);
        }
    }
    chart_put(out, "\"/>");
}

/* A barbed head of at most 3.6 pixels; what is shorter than a pixel is left out. */
static void put_arrow(double x, double y, double u, double v, chart_text *out)
{
    double length = hypot(u - x, v - y), angle = atan2(v - y, u - x);
    double head = fmin(3.6, .45 * length);
    if (!(length >= .8)) {
        return;
    }
    double x1 = head * cos(angle - .5), y1 = head * sin(angle - .5);
    double x2 = head * cos(angle + .5), y2 = head * sin(angle + .5);
    chart_put(out, "M~x ~xl~x ~xm~x ~xl~x ~xl~x ~x", x, y, u - x, v - y, -x1, -y1, x1, y1, -x2,
              -y2);
}

static void put_arrows(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    chart_put(out, "<path class=\"thin c~d\"", m->style.color);
    put_opacity("stroke", m->style.opacity, out);
    chart_put(out, " d=\"");
    for (size_t i = 0; i < m->n; i++) {
        if (is_shown(p, m->x[i], m->y[i]) && is_shown(p, m->x[i] + m->u[i], m->y[i] + m->v[i])) {
            put_arrow(chart_place_x(p, m->x[i]), chart_place_y(p, m->y[i]),
                      chart_place_x(p, m->x[i] + m->u[i]), chart_place_y(p, m->y[i] + m->v[i]),
                      out);
        }
    }
    chart_put(out, "\"/>");
}

enum { LEVELS = 10 };

/* Of a value from 0 to 1; 0: too small to be seen. */
static int level_of(double value)
{
    return value > .025 ? (int)fmin(ceil(value * LEVELS), LEVELS) : 0;
}

/* Cells first .. end - 1 of a row as one rectangle. */
static void put_run(const chart_panel *p, const chart_mark *m, size_t first, size_t end,
                    chart_text *out)
{
    double left = chart_place_x(p, m->x[first] - m->wide / 2);
    chart_put(out, "M~x ~xH~xV~xH~xZ", left, chart_place_y(p, m->y[first] - m->high / 2),
              chart_place_x(p, m->x[end - 1] + m->wide / 2),
              chart_place_y(p, m->y[first] + m->high / 2), left);
}

/* Cells of about one value are one path, and those side by side one rectangle of it. */
static void put_cells(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    for (int level = 1; level <= LEVELS; level++) {
        chart_put(out, "<path class=\"f~d\" fill-opacity=\"~g\" d=\"", m->style.color,
                  .85 * ((double)level - .5) / LEVELS);
        for (size_t i = 0; i < m->n; i++) {
            size_t first = i;
            if (level_of(m->u[i]) != level) {
                continue;
            }
            while (i + 1 < m->n && m->y[i + 1] == m->y[first] && level_of(m->u[i + 1]) == level) {
                i++;
            }
            put_run(p, m, first, i + 1, out);
        }
        chart_put(out, "\"/>");
    }
}

/* ---- a panel ---- */

static void put_rule(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    const char *dash = m->style.color == CHART_MUTED ? " dash" : "";
    if (m->kind == CHART_RULE_X) {
        chart_put(out, "<path class=\"thin c~d~s\" d=\"M~x ~xV~x\"/>", m->style.color, dash,
                  chart_place_x(p, m->x[0]), p->top, p->bottom);
    } else {
        chart_put(out, "<path class=\"thin c~d~s\" d=\"M~x ~xH~x\"/>", m->style.color, dash,
                  p->left, chart_place_y(p, m->y[0]), p->right);
    }
}

static void put_shade(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    double from = fmax(chart_place_x(p, m->x[0]), p->left);
    double to = fmin(chart_place_x(p, m->y[0]), p->right);
    chart_put(out,
              "<rect class=\"f0\" fill-opacity=\".08\" x=\"~x\" y=\"~x\" width=\"~x\" "
              "height=\"~x\"/>",
              from, p->top, fmax(to - from, 0), p->bottom - p->top);
}

static void put_mark(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    switch (m->kind) {
    case CHART_LINE:
        put_line(p, m, out);
        break;
    case CHART_BAND:
        put_band(p, m, out);
        break;
    case CHART_POINTS:
        put_points(p, m, out);
        break;
    case CHART_BARS:
        put_bars(p, m, out);
        break;
    case CHART_ARROWS:
        put_arrows(p, m, out);
        break;
    case CHART_CELLS:
        put_cells(p, m, out);
        break;
    case CHART_RULE_X:
    case CHART_RULE_Y:
        put_rule(p, m, out);
        break;
    case CHART_SHADE:
        put_shade(p, m, out);
        break;
    case CHART_NOTE:
        break;
    }
}

/* Does a name at the end of a curve stand where words from x to x + width at the height y would? */
static bool meets_end(const chart_panel *p, double x, double width, double y)
{
    const double line = 13;
    bool meets = false;
    for (size_t i = 0; i < p->n_ends; i++) {
        const chart_end *e = &p->end[i];
        meets |= e->x < x + width && x < e->x + chart_width(e->text, 11, true) &&
                 fabs(e->y + 4 - y) < line;
    }
    return meets;
}

/* Words of rules and notes, over all marks, kept within the panel. */
static void put_words(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    if (m->words == NULL) {
        return;
    }
    double width = chart_width(m->words, 11, false);
    double x = m->kind == CHART_RULE_Y ? p->left + 4 : chart_place_x(p, m->x[0]) + 5;
    double y = m->kind == CHART_RULE_X ? p->top + 10 : chart_place_y(p, m->y[0]) - 5;
    bool right = m->right || (m->kind != CHART_RULE_Y && x + width > p->right + 4);
    if (right && m->kind != CHART_RULE_Y) {
        x = fmax(x - 10 - width, p->left);
    }
    if (m->kind == CHART_RULE_Y && y < p->top + 8) {
        y += 17;
    }
    while (m->kind == CHART_RULE_X && y < p->bottom - 8 && meets_end(p, x, width, y)) {
        y += 6;
    }
    chart_put(out, "<text class=\"halo f~d\" x=\"~x\" y=\"~x\">~e</text>", m->style.color, x, y,
              m->words);
}

static void put_panel(const chart_panel *p, int number, size_t index, chart_text *out)
{
    put_axes(p, out);
    chart_put(out,
              "<clipPath id=\"g~dc~z\"><rect x=\"~x\" y=\"~x\" width=\"~x\" height=\"~x\"/>"
              "</clipPath><g clip-path=\"url(#g~dc~z)\">",
              number, index, p->left - 4, p->top - 4, p->right - p->left + 8,
              p->bottom - p->top + 8, number, index);
    for (const chart_mark *m = p->first; m != NULL; m = m->next) {
        put_mark(p, m, out);
    }
    chart_put(out, "</g>");
    for (const chart_mark *m = p->first; m != NULL; m = m->next) {
        put_words(p, m, out);
    }
    for (size_t i = 0; i < p->n_ends; i++) {
        const chart_end *e = &p->end[i];
        chart_put(out, "<text class=\"halo f~d b\" x=\"~x\" y=\"~x\">~e</text>",
                  e->mark->style.color, e->x, e->y + 4, e->text);
    }
}

/* ---- the chart ---- */

/* One word, in a new line where it would go beyond the chart. */
static void put_word(const chart *c, const chart_words *w, const char *word, double *x, double *y,
                     chart_text *out)
{
    bool bold = w->color != CHART_MUTED;
    double width = chart_width(word, 11, bold);
    if (*x > 0 && *x + width > c->width) {
        *x = 0;
        *y += 13;
    }
    if (*x == 0) {
        chart_put(out, "~s<text x=\"0\" y=\"~x\" xml:space=\"preserve\">", *y > 29 ? "</text>" : "",
                  *y);
    }
    chart_put(out, "<tspan class=\"f~d~s\">~e</tspan>", w->color, bold ? " b" : "", word);
    *x += width;
}

/* The next word with the blank behind it, which is one that no renderer drops. */
static const char *take_word(const char *p, char word[96])
{
    size_t n = strcspn(p, " "), kept = n < 80 ? n : 80;
    memcpy(word, p, kept);
    word[kept] = '\0';
    if (p[n] == ' ') {
        strcat(word, "\xc2\xa0");
        n++;
    }
    return p + n;
}

/* Pieces of another colour are set apart by more than a blank. Returns the bottom of the last line.
 */
static double put_subtitle(const chart *c, chart_text *out)
{
    double x = 0, y = 29;
    for (const chart_words *w = c->first_words; w != NULL; w = w->next) {
        const char *p = w->text;
        while (*p != '\0') {
            char word[96];
            p = take_word(p, word);
            if (*p == '\0' && w->next != NULL && w->next->color != w->color) {
                strcat(word, "\xc2\xa0\xc2\xa0");
            }
            put_word(c, w, word, &x, &y, out);
        }
    }
    chart_put(out, "~s", x > 0 ? "</text>" : "");
    return c->first_words != NULL ? y + 4 : 20;
}

static void put_head(const chart *c, int number, bool alone, chart_text *out)
{
    const char *finding = c->finding != NULL ? c->finding : c->title;
    double margin = alone ? CHART_MARGIN : 0;
    double width = c->width + 2 * margin, height = c->height + 2 * margin;
    char title[64];
    chart_put(out,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"odeon\" role=\"img\" "
              "aria-labelledby=\"g~dt g~dd\" width=\"~x\" height=\"~x\" viewBox=\"~x ~x ~x ~x\">"
              "<title id=\"g~dt\">~e</title><desc id=\"g~dd\">~e</desc>",
              number, number, width, height, -margin, -margin, width, height, number, c->title,
              number, finding);
    if (alone) {
        chart_put(out, "<style>");
        chart_write_style(out);
        chart_put(out,
                  "</style><rect class=\"page\" x=\"~x\" y=\"~x\" width=\"~x\" height=\"~x\"/>",
                  -margin, -margin, width, height);
    }
    chart_shorten(c->title, c->width, 13, true, title);
    chart_put(out, "<text class=\"t f7\" x=\"0\" y=\"13\">~e</text>", title);
}

static const double column_gap = 26, row_gap = 14; /* pixels */

static void lay_out_all(chart *c, double top)
{
    size_t rows = (c->n_panels + c->columns - 1) / c->columns, index = 0;
    double columns = (double)c->columns;
    double width = (c->width - column_gap * (columns - 1)) / columns;
    double height = (c->height - top - row_gap * (double)(rows - 1)) / (double)rows;
    for (chart_panel *p = c->first; p != NULL; p = p->next, index++) {
        chart_lay_out(p, (double)(index % c->columns) * (width + column_gap),
                      top + (double)(index / c->columns) * (height + row_gap), width, height);
    }
}

/* Panels that stand one above the other begin at one place. */
static void align(chart *c, double top)
{
    double gutter = 0;
    for (const chart_panel *p = c->first; p != NULL; p = p->next) {
        gutter = fmax(gutter, p->left - p->outer_x);
    }
    for (chart_panel *p = c->first; p != NULL; p = p->next) {
        p->gutter = gutter;
    }
    lay_out_all(c, top);
}

odeon_status chart_write_svg(chart *c, int number, bool alone, chart_text *out)
{
    if (c == NULL || c->failed || out->failed) {
        return ODEON_ERR_NOMEM;
    }
    put_head(c, number, alone, out);
    double top = put_subtitle(c, out);
    size_t index = 0;
    lay_out_all(c, top);
    if (c->columns == 1 && c->n_panels > 1) {
        align(c, top);
    }
    for (const chart_panel *p = c->first; p != NULL; p = p->next) {
        put_panel(p, number, index++, out);
    }
    if (c->n_matrix > 0) {
        chart_put_matrix(c, top, out);
    }
    if (c->n_images > 0) {
        chart_put_images(c, top, out);
    }
    chart_put(out, "</svg>");
    return out->failed ? ODEON_ERR_NOMEM : ODEON_OK;
}
