#include "run/statistics.h"

#include <math.h>
#include <stdio.h>

/* Two passes, since the square of a mean can be as large as the mean of squares. */
statistics statistics_of(size_t n, const double *values)
{
    statistics x = {.mean = (double)NAN, .deviation = (double)NAN};
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += isfinite(values[i]) ? values[i] : 0.0;
        x.n += isfinite(values[i]) ? 1 : 0;
    }
    if (x.n == 0) {
        return x;
    }
    x.mean = sum / (double)x.n;
    for (size_t i = 0; i < n; i++) {
        double d = isfinite(values[i]) ? values[i] - x.mean : 0.0;
        squares += d * d;
    }
    if (x.n > 1) {
        x.deviation = sqrt(squares / (double)(x.n - 1));
    }
    return x;
}

/* Decimals that show two significant digits of a deviation; rounding may carry 0.0996 to 0.10. */
static int decimals_of(double deviation)
{
    char text[32];
    int exponent = 0;
    (void)snprintf(text, sizeof text, "%.1e", deviation);
    (void)sscanf(text, "%*[0-9.]e%d", &exponent);
    return 1 - exponent;
}

/* Beyond these sizes the decimals would be more than anybody reads, or none. */
enum { MOST_DECIMALS = 9 };

const char *statistics_text(const statistics *x, char text[STATISTICS_TEXT_BYTES])
{
    if (x->n == 0) {
        return "-";
    }
    if (!(x->deviation > 0.0)) {
        int used = snprintf(text, STATISTICS_TEXT_BYTES, "%.6g", x->mean);
        if (x->deviation == 0.0 && used > 0) {
            (void)snprintf(text + used, (size_t)(STATISTICS_TEXT_BYTES - used), " \u00b1 0");
        }
        return text;
    }
    int decimals = decimals_of(x->deviation);
    if (decimals > MOST_DECIMALS || decimals < 0 || fabs(x->mean) >= 1e9) {
        (void)snprintf(text, STATISTICS_TEXT_BYTES, "%.6g \u00b1 %.2g", x->mean, x->deviation);
    } else {
        (void)snprintf(text, STATISTICS_TEXT_BYTES, "%.*f \u00b1 %.*f", decimals, x->mean, decimals,
                       x->deviation);
    }
    return text;
}
