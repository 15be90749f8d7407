/* chart.h: charts as SVG: axes with round ticks, lines with bands, points, bars, arrows, cells and
 * pictures, names at the ends of lines that do not overlap, one palette for light, dark and print.
 *
 * A chart has a title, a line below it that names its colours, and panels; a panel has two axes
 * and marks in units of the data. Marks are kept until the chart is written: as SVG, or as the
 * numbers behind it. All memory is the host's and goes with chart_destroy. A call that finds none
 * is remembered and what follows does nothing, so that whoever draws looks once, when it writes.
 *
 *   chart *c = chart_create(host, CHART_NARROW, 230, "Loss");
 *   chart_panel *p = chart_panel_add(c, &(chart_axes){.x = {.label = "step"}, .y = {.log = true}});
 *   chart_line(p, n, step, loss, &(chart_style){.color = 1, .name = "train"});
 *   odeon_status status = chart_write_svg(c, 1, true, &text);
 *   chart_destroy(c); */
#ifndef ODEON_VIEW_CHART_H
#define ODEON_VIEW_CHART_H
#include "chart_text.h"
#include "chart_ticks.h"

enum { CHART_MARGIN = 8 };                     /* of a file of its own */
enum { CHART_NARROW = 320, CHART_WIDE = 656 }; /* one column of a page, and two with their gap */

/* A colour: one of the series, 1 to 6, grey, or that of text. */
enum { CHART_MUTED = 0, CHART_BLUE, CHART_RED, CHART_GREEN, CHART_PURPLE, CHART_OLIVE, CHART_PLUM };
enum { CHART_SERIES = 6, CHART_INK = 7 };

typedef struct chart chart;
typedef struct chart_panel chart_panel;

/* lo, hi: what the axis shows; with lo >= hi, as in {0}, what the marks need. */
typedef struct chart_axis {
    double lo, hi;
    bool log;                 /* marks that are not above 0 are left out */
    bool zero;                /* 0 is shown, too */
    bool percent;             /* of shares: 0.5 is 50 % */
    bool bare;                /* no ticks */
    const char *label;        /* NULL: none */
    const char *const *names; /* in place of numbers, at 0, 1, 2, ...: n_names of them; or NULL */
    size_t n_names;
} chart_axis;

typedef struct chart_axes {
    chart_axis x, y;
    const char *title; /* NULL: none */
    bool equal;        /* one unit is as long on both axes */
} chart_axes;

typedef struct chart_style {
    int color;
    bool thin, dashed, stepped; /* of lines */
    bool hollow, crossed;       /* of points */
    double radius;              /* of points; 0: 2.5 */
    double opacity;             /* 0: opaque */
    const char *name;           /* stands at the line's end; NULL: nothing */
} chart_style;

/* NULL without memory, which all other calls take. title is copied, as are all texts and numbers
 * of the calls below. */
chart *chart_create(const odeon_host *host, double width, double height, const char *title);
void chart_destroy(chart *c);
/* Adds words to the line below the title: in the colour of a series, or muted, with color
 * CHART_MUTED. They are broken into lines where they do not fit. */
void chart_say(chart *c, int color, const char *text);
/* What the chart shows, with numbers, for those who cannot see it. */
void chart_describe(chart *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Pixels of its file, which has a margin; 0 of NULL. */
void chart_size(const chart *c, double *width, double *height);
void chart_columns(chart *c, size_t n); /* panels in a row; 1 if not called */
chart_panel *chart_panel_add(chart *c, const chart_axes *axes);

/* Marks, drawn in the order of the calls. x and y are [n]. A line has a gap where a number is not
 * finite; a point is left out. */
void chart_line(chart_panel *p, size_t n, const double *x, const double *y,
                const chart_style *style);
void chart_band(chart_panel *p, size_t n, const double *x, const double *lo, const double *hi,
                int color);
void chart_points(chart_panel *p, size_t n, const double *x, const double *y,
                  const chart_style *style);
/* From 0, or from the lower end of a logarithmic axis, to y; wide: of the distance of two, 0 to 1
 */
void chart_bars(chart_panel *p, size_t n, const double *x, const double *y, double wide,
                const chart_style *style);
/* An arrow from (x, y) by (u, v), in units of the data. */
void chart_arrows(chart_panel *p, size_t n, const double *x, const double *y, const double *u,
                  const double *v, const chart_style *style);
/* A heat map of a box x_lo, x_hi, y_lo, y_hi: value [rows, columns] from 0 to 1, the lowest row
 * first; what is below a fortieth is left out. */
void chart_cells(chart_panel *p, const double box[4], size_t columns, size_t rows,
                 const double *value, int color);
/* A line through the panel at a value of x or y, with words. */
void chart_rule_x(chart_panel *p, double at, int color, const char *words);
void chart_rule_y(chart_panel *p, double at, int color, const char *words);
void chart_shade(chart_panel *p, double from, double to); /* of x */
/* Words at a place; right: they end there. */
void chart_note(chart_panel *p, double x, double y, int color, bool right, const char *words);

/* A chart without panels: a matrix of counts, value [n, n], a row for what is true, a column for
 * what was predicted, names [n]; the share of a row that is on the diagonal stands behind it. */
void chart_matrix(chart *c, size_t n, const double *value, const char *const *names);
/* Grey pictures in rows: grey [height, width] from 0, black, to 255, with two lines of words. */
void chart_picture(chart *c, size_t width, size_t height, const unsigned char *grey,
                   const char *words, const char *more);

/* All answer ODEON_ERR_NOMEM where memory ran out since the chart was made. number: of the chart
 * in its document, which its ids are made of. alone: with style and background, as a file. */
odeon_status chart_write_svg(chart *c, int number, bool alone, chart_text *out);
/* The numbers: panel,mark,name,x,y,y2, a line each. */
odeon_status chart_write_csv(chart *c, chart_text *out);
odeon_status chart_write_vega(chart *c, chart_text *out); /* Vega-Lite, with the numbers in it */
/* A program of matplotlib that draws them from the file of that name. */
odeon_status chart_write_python(chart *c, const char *csv, chart_text *out);

/* The rules of style that charts in a page need: with classes odeon, c1 to c6 and so on. */
void chart_write_style(chart_text *out);

/* The palette, "#0072B2": of a series, CHART_MUTED or CHART_INK, on a light or a dark page. */
const char *chart_color_text(int color, bool dark);
const char *chart_page_text(bool dark);

#endif
