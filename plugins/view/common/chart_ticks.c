#include "chart_ticks.h"

#include <math.h>
#include <stdio.h>

static chart_tick *add(chart_ticks *out, double at)
{
    chart_tick *next = &out->tick[out->n];
    next->at = at;
    out->n++;
    return next;
}

/* With the same power of ten at all ticks of an axis, and as many digits as tell them apart. */
static void write_with_power(double v, double most, double step, char out[CHART_NUMBER_BYTES])
{
    char number[CHART_NUMBER_BYTES / 2], power[CHART_NUMBER_BYTES];
    int e = (int)floor(log10(most) + 1e-9), least = (int)floor(log10(step) + 1e-9);
    int places = e - least < 12 ? e - least : 12;
    (void)snprintf(number, sizeof number, "%s", chart_fixed(v / pow(10, e), places, out));
    (void)snprintf(out, CHART_NUMBER_BYTES, "%s×%s", number, chart_power(e, power));
}

void chart_ticks_linear(double lo, double hi, double n, bool percent, chart_ticks *out)
{
    out->n = 0;
    double raw = (hi - lo) / fmax(1, n);
    if (!(hi - lo > 1e-9 * fmax(fabs(lo), fabs(hi))) || !isfinite(raw)) {
        return;
    }
    double decade = pow(10, floor(log10(raw))), f = raw / decade;
    double step = decade * (f < sqrt(2) ? 1 : f < sqrt(10) ? 2 : f < sqrt(50) ? 5 : 10);
    double places = -floor(log10(step) + 1e-9) - (percent ? 2 : 0);
    double first = ceil(lo / step - 1e-9), last = floor(hi / step + 1e-9);
    double most = fmax(fabs(first), fabs(last)) * step;
    bool plain = most < 1e6 && most >= 1e-3 && places <= 6;
    for (double i = first; i <= last && out->n < CHART_TICKS; i++) {
        chart_tick *t = add(out, i * step);
        if (percent) {
            chart_percent(i * step, places > 0 ? (int)places : 0, t->text);
        } else if (plain || i == 0) {
            chart_fixed(i * step, plain && places > 0 ? (int)places : 0, t->text);
        } else {
            write_with_power(i * step, most, step, t->text);
        }
    }
}

static void log_within_a_decade(double lo, double hi, chart_ticks *out)
{
    static const double steps[] = {1, 2, 5};
    for (double e = floor(log10(lo)); e <= ceil(log10(hi)); e++) {
        for (int i = 0; i < 3; i++) {
            double v = steps[i] * pow(10, e);
            if (v >= lo * .999 && v <= hi * 1.001 && out->n < CHART_TICKS) {
                chart_digits(v, 1, add(out, v)->text);
            }
        }
    }
}

void chart_ticks_log(double lo, double hi, double n, chart_ticks *out)
{
    out->n = 0;
    if (!(lo > 0) || !(hi > lo) || !isfinite(hi)) {
        return;
    }
    double e0 = log10(lo), e1 = log10(hi);
    if (e1 - e0 < 1.0 / 3) {
        chart_ticks_linear(lo, hi, fmin(n, 4), false, out);
        return;
    }
    if (e1 - e0 < 1.5) {
        log_within_a_decade(lo, hi, out);
        return;
    }
    double k = fmax(1, ceil((e1 - e0) / fmax(1, n)));
    bool plain = e1 <= 4 && e0 >= -3.01;
    for (double e = ceil(e0 - 1e-9); e <= floor(e1 + 1e-9) && out->n < CHART_TICKS; e += k) {
        chart_tick *t = add(out, pow(10, e));
        if (plain) {
            chart_fixed(t->at, e < 0 ? (int)-e : 0, t->text);
        } else {
            chart_power((int)e, t->text);
        }
    }
}

/* First in pairs, which moves each as little as its neighbours, then down from the top and up from
 * the bottom, which keeps all of them within. */
void chart_push_apart(size_t n, double *at, double gap, double lo, double hi)
{
    if (n == 0) {
        return;
    }
    if ((double)(n - 1) * gap > hi - lo) {
        for (size_t i = 0; i < n; i++) {
            at[i] = n > 1 ? lo + (hi - lo) * (double)i / (double)(n - 1) : lo;
        }
        return;
    }
    for (int round = 0; round < 200; round++) {
        bool moved = false;
        for (size_t i = 0; i + 1 < n; i++) {
            double missing = gap - (at[i + 1] - at[i]);
            if (missing > .01) {
                at[i] -= missing / 2;
                at[i + 1] += missing / 2;
                moved = true;
            }
        }
        if (!moved) {
            break;
        }
    }
    at[0] = fmax(at[0], lo);
    for (size_t i = 1; i < n; i++) {
        at[i] = fmax(at[i], at[i - 1] + gap);
    }
    at[n - 1] = fmin(at[n - 1], hi);
    for (size_t i = n - 1; i > 0; i--) {
        at[i - 1] = fmin(at[i - 1], at[i] - gap);
    }
}
