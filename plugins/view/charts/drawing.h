/* drawing.h: what each chart of this view is made from, and what becomes of it. */
#ifndef ODEON_VIEW_CHARTS_DRAWING_H
#define ODEON_VIEW_CHARTS_DRAWING_H
#include "../common/chart.h"
#include "../common/view_runs.h"

typedef struct drawing {
    const odeon_host *host;
    const odeon_view_request *request;
    view_memory memory;
    chart *chart; /* NULL until it is made */
    char nothing[256], caption[512];
} drawing;

/* A kind of chart. make sets chart, or says in nothing why there is none. */
typedef struct drawing_kind {
    odeon_view_drawing info;
    odeon_status (*make)(drawing *d);
} drawing_kind;

/* Makes the chart with its title. */
chart *drawing_begin(drawing *d, double width, double height, const char *title);
odeon_status drawing_nothing(drawing *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void drawing_caption(drawing *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The colour of a sample: its class, or on which side of 0 its only label lies; and the words for
 * these below the title. */
int drawing_color(const odeon_view_answer *x, size_t i);
void drawing_say_colors(drawing *d, const odeon_view_answer *x);

/* curves.c: over training, of one run or of several */
extern const drawing_kind draw_loss, draw_metrics, draw_gradient_norm, draw_learning_rate,
    draw_evaluations, draw_attempts, draw_step_sizes, draw_drift, draw_memory, draw_share;
/* results.c */
extern const drawing_kind draw_seeds, draw_failed_solve;
/* states.c, predictions.c: with the model */
extern const drawing_kind draw_path, draw_phase, draw_flow, draw_confusion, draw_wrong;
extern const drawing_kind draw_depth, draw_density, draw_samples;
/* sweep.c: several runs */
extern const drawing_kind draw_sweep, draw_tests;
/* tables.c: files of numbers */
extern const drawing_kind draw_work_precision, draw_lr_find, draw_curves;

/* inside.c */
extern const drawing_kind draw_times, draw_gradient_error, draw_weights, draw_gradients;

/* convert.c: an SVG as PNG or PDF by librsvg, which is loaded when it is first needed. */
odeon_status convert_svg(const odeon_host *host, const char *svg, size_t bytes, int32_t format,
                         double width, double height, const odeon_view_out *out);

#endif
