/* chart_model.h: what a chart is made of, for the files that draw it and for tests of geometry. */
#ifndef ODEON_VIEW_CHART_MODEL_H
#define ODEON_VIEW_CHART_MODEL_H
#include "chart.h"

typedef enum chart_kind {
    CHART_LINE,
    CHART_BAND,
    CHART_POINTS,
    CHART_BARS,
    CHART_ARROWS,
    CHART_CELLS,
    CHART_RULE_X,
    CHART_RULE_Y,
    CHART_SHADE,
    CHART_NOTE
} chart_kind;

typedef struct chart_mark {
    struct chart_mark *next;
    chart_kind kind;
    chart_style style;
    size_t n;
    const double *x, *y, *u, *v; /* [n]; of a band y and u are its bounds; of cells x and y are
                                    their middles, u their values */
    const char *words;
    bool right;
    double wide, high; /* of bars; of cells */
} chart_mark;

/* A name at the end of a line: where it stands once the panel is laid out. */
typedef struct chart_end {
    const chart_mark *mark;
    double x, y;   /* pixels: left end, middle of its height */
    char text[64]; /* shortened to what has room */
} chart_end;

enum { CHART_ENDS = 24 };

struct chart_panel {
    chart *chart;
    chart_panel *next;
    chart_axes axes;
    chart_mark *first, *last;
    double
        gutter; /* pixels that tick labels of y take at least, so that panels may stand in line */
    /* what chart_lay_out finds */
    double x_lo, x_hi, y_lo, y_hi;
    double left, right, top, bottom; /* pixels, of what the axes enclose */
    double outer_x, outer_y;         /* pixels, the panel's corner */
    chart_ticks x_ticks, y_ticks;
    size_t n_ends;
    chart_end end[CHART_ENDS];
};

/* Words of the line below the title. */
typedef struct chart_words {
    struct chart_words *next;
    int color;
    const char *text;
} chart_words;

typedef struct chart_image {
    struct chart_image *next;
    size_t width, height;
    const unsigned char *grey;
    const char *words, *more;
} chart_image;

typedef struct chart_block chart_block; /* of memory */

struct chart {
    const odeon_host *host;
    chart_block *blocks;
    bool failed;
    double width, height;
    const char *title, *finding;
    chart_words *first_words, *last_words;
    size_t columns, n_panels, n_images;
    chart_panel *first, *last;
    size_t n_matrix;
    const double *matrix;
    const char *const *matrix_names;
    chart_image *first_image, *last_image;
};

/* Memory of the chart, zeroed; NULL, with failed set, where there is none. */
void *chart_alloc(chart *c, size_t count, size_t size);
const char *chart_copy_text(chart *c, const char *text); /* NULL for NULL */

/* Finds ranges, ticks and places within the rectangle that begins at (x, y). */
void chart_lay_out(chart_panel *p, double x, double y, double width, double height);
double chart_place_x(const chart_panel *p, double x); /* pixels */
double chart_place_y(const chart_panel *p, double y);
/* text, or its beginning with an ellipsis, so that it is no wider than width. */
void chart_shorten(const char *text, double width, double size, bool bold, char out[64]);

/* Into out: a PNG in base64 (RFC 2083, RFC 4648); its deflate blocks are stored. */
void chart_put_png(chart_text *out, size_t width, size_t height, const unsigned char *grey);
/* What has no axes, below y. */
void chart_put_matrix(const chart *c, double y, chart_text *out);
void chart_put_images(const chart *c, double y, chart_text *out);

#endif
