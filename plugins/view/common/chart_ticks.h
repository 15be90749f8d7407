/* chart_ticks.h: round numbers along an axis, and labels that keep apart. */
#ifndef ODEON_VIEW_CHART_TICKS_H
#define ODEON_VIEW_CHART_TICKS_H
#include "chart_text.h"

enum { CHART_TICKS = 40 };

typedef struct chart_tick {
    double at;
    char text[CHART_NUMBER_BYTES];
} chart_tick;

typedef struct chart_ticks {
    size_t n;
    chart_tick tick[CHART_TICKS];
} chart_ticks;

/* Steps of 1, 2 or 5 times a power of ten within [lo, hi], about n of them: the step nearest to
 * (hi - lo) / n on a logarithmic scale. percent: of shares, 0.5 is 50 %. */
void chart_ticks_linear(double lo, double hi, double n, bool percent, chart_ticks *out);
/* Of 0 < lo < hi: whole decades, every k-th if there are more than n; 1, 2 and 5 times them where
 * there are fewer than 1.5; steps of the linear scale where there is less than a third of one. */
void chart_ticks_log(double lo, double hi, double n, chart_ticks *out);

/* Moves the n heights at, in ascending order, as little as gets them gap apart within [lo, hi],
 * their order kept. Where they cannot all be there they are spread evenly. */
void chart_push_apart(size_t n, double *at, double gap, double lo, double hi);

#endif
