/* What a network takes for what: counts of classes, and the samples that it is most wrong about. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "asking.h"

enum { MOST_CLASSES = 20, MOST_WRONG = 12 };

/* Outputs of the whole test split with true classes. */
static odeon_status ask_classes(drawing *d, odeon_view_answer *x)
{
    const odeon_view_services *s = d->request->services;
    const char *metric = view_metric(d->request->run[0], 0);
    odeon_view_ask ask = {.struct_size = sizeof ask, .split = ODEON_SPLIT_TEST};
    *x = (odeon_view_answer){.n = 0};
    if (metric == NULL || strcmp(metric, "accuracy") != 0) {
        return drawing_nothing(d, "its samples have no classes");
    }
    ODEON_TRY(s->predict(s->self, &ask, x));
    if (x->n_classes < 2 || x->label == NULL || x->size != x->n_classes) {
        return drawing_nothing(d, "its samples have no classes");
    }
    return ODEON_OK;
}

/* The first largest output, as `predict` takes it. */
static size_t class_of(const odeon_view_answer *x, size_t i)
{
    const double *y = x->value + i * (size_t)x->size;
    size_t best = 0;
    for (size_t k = 1; k < (size_t)x->size; k++) {
        best = y[k] > y[best] ? k : best;
    }
    return best;
}

static void count_classes(const odeon_view_answer *x, double *count)
{
    size_t n = (size_t)x->n_classes;
    for (size_t i = 0; i < (size_t)x->n; i++) {
        if (x->label[i] >= 0 && x->label[i] < (double)n) {
            count[(size_t)x->label[i] * n + class_of(x, i)]++;
        }
    }
}

/* The most frequent error, and the class that is found least. */
static void say_errors(drawing *d, size_t n, const double *count)
{
    size_t worst = 1;
    double least = 2, sum;
    size_t least_class = 0;
    char share[CHART_NUMBER_BYTES];
    for (size_t i = 0; i < n; i++) {
        sum = 0;
        for (size_t k = 0; k < n; k++) {
            sum += count[i * n + k];
            worst = i != k && count[i * n + k] > count[worst] ? i * n + k : worst;
        }
        if (sum > 0 && count[i * n + i] / sum < least) {
            least = count[i * n + i] / sum;
            least_class = i;
        }
    }
    if (n < 2 || count[worst] == 0) {
        drawing_caption(d, "No sample is taken for another class.");
        return;
    }
    drawing_caption(d,
                    "Class %zu is found least, %s of the time. Most frequent error: class %zu "
                    "taken for %zu, %.0f times.",
                    least_class, chart_percent(least, 0, share), worst / n, worst % n,
                    count[worst]);
}

static odeon_status make_confusion(drawing *d)
{
    odeon_view_answer x;
    char total[CHART_NUMBER_BYTES];
    ODEON_TRY(ask_classes(d, &x));
    size_t n = (size_t)x.n_classes;
    if (d->nothing[0] != '\0') {
        return ODEON_OK;
    }
    if (n > MOST_CLASSES) {
        return drawing_nothing(d, "%zu classes are too many for a table", n);
    }
    double *count = view_alloc(&d->memory, n * n, sizeof *count);
    const char **names = view_alloc(&d->memory, n, sizeof(char *));
    for (size_t i = 0; i < n && names != NULL; i++) {
        names[i] = view_print(&d->memory, "%zu", i);
    }
    if (d->memory.failed) {
        return ODEON_ERR_NOMEM;
    }
    count_classes(&x, count);
    say_errors(d, n, count);
    drawing_begin(
        d, CHART_WIDE, 80 + 25 * (double)n,
        view_print(&d->memory, "Classes of %s test samples", chart_fixed((double)x.n, 0, total)));
    chart_say(d->chart, CHART_BLUE, "right");
    chart_say(d->chart, CHART_RED, "wrong");
    chart_say(d->chart, CHART_MUTED, "colour of wrong cells 2.5 times as strong");
    chart_matrix(d->chart, n, count, names);
    chart_describe(d->chart, "%s", d->caption);
    return ODEON_OK;
}

/* ---- the most wrong ---- */

/* Of a sample: the logarithm of its true class's probability, and that of the largest. */
static void probabilities(const odeon_view_answer *x, size_t i, double *truth, double *most)
{
    const double *y = x->value + i * (size_t)x->size;
    double top = y[class_of(x, i)], sum = 0;
    for (size_t k = 0; k < (size_t)x->size; k++) {
        sum += exp(y[k] - top);
    }
    *truth = y[(size_t)x->label[i]] - top - log(sum);
    *most = exp(-log(sum));
}

/* Those of the least probability, ascending: index [MOST_WRONG]; how many. */
static size_t find_wrong(const odeon_view_answer *x, int64_t *index)
{
    double key[MOST_WRONG + 1];
    size_t n = 0;
    for (size_t i = 0; i < (size_t)x->n; i++) {
        double truth, most;
        if (class_of(x, i) == (size_t)x->label[i]) {
            continue;
        }
        probabilities(x, i, &truth, &most);
        size_t at = n;
        for (; at > 0 && truth < key[at - 1]; at--) {
            key[at] = key[at - 1];
            if (at < MOST_WRONG) {
                index[at] = index[at - 1];
            }
        }
        if (at < MOST_WRONG) {
            key[at] = truth;
            index[at] = (int64_t)i;
            n += n < MOST_WRONG;
        }
    }
    return n;
}

/* Dark on light, from the least to the largest number of the picture. */
static void add_picture(drawing *d, const odeon_view_answer *x, size_t i, size_t width,
                        size_t height, const double *pixel)
{
    unsigned char grey[64 * 64];
    double lo, hi, truth, most;
    char share[CHART_NUMBER_BYTES];
    view_range(width * height, pixel, &lo, &hi);
    for (size_t k = 0; k < width * height; k++) {
        grey[k] = (unsigned char)(hi > lo ? 255 - 255 * (pixel[k] - lo) / (hi - lo) : 255);
    }
    probabilities(x, i, &truth, &most);
    const char *words =
        view_print(&d->memory, "%zu: %s", class_of(x, i), chart_percent(most, 0, share));
    const char *more = view_print(&d->memory, "is %.0f, row %lld", x->label[i],
                                  (long long)(x->row != NULL ? x->row[i] : (int64_t)i));
    chart_picture(d->chart, width, height, grey, words != NULL ? words : "",
                  more != NULL ? more : "");
}

/* One channel, or none. */
static bool is_picture(const odeon_view_answer *s, size_t *width, size_t *height)
{
    int k = s->ndim == 3 && s->dim[0] == 1 ? 1 : 0;
    if (s->ndim != 2 + k || s->dim[k] > 64 || s->dim[k + 1] > 64) {
        return false;
    }
    *height = (size_t)s->dim[k];
    *width = (size_t)s->dim[k + 1];
    return true;
}

/* Draws those samples of the test split; without a title there is nothing to draw. */
static odeon_status draw_pictures(drawing *d, const odeon_view_answer *x, size_t n,
                                  const int64_t *index, const char *title)
{
    odeon_view_answer samples;
    size_t width = 0, height = 0;
    const odeon_view_services *s = d->request->services;
    odeon_view_ask ask = {.struct_size = sizeof ask, .split = ODEON_SPLIT_TEST, .n = (int64_t)n};
    ODEON_TRY(s->samples(s->self, &ask, index, &samples));
    if (!is_picture(&samples, &width, &height)) {
        return drawing_nothing(d, "its samples are no grey pictures of up to 64 by 64");
    }
    drawing_begin(d, CHART_WIDE, n > 6 ? 46 + 256 : 46 + 128, title);
    for (size_t i = 0; i < n; i++) {
        add_picture(d, x, (size_t)index[i], width, height, samples.value + i * width * height);
    }
    chart_describe(d->chart, "%zu pictures", n);
    return ODEON_OK;
}

static odeon_status make_wrong(drawing *d)
{
    odeon_view_answer x;
    int64_t index[MOST_WRONG];
    ODEON_TRY(ask_classes(d, &x));
    if (d->nothing[0] != '\0') {
        return ODEON_OK;
    }
    size_t n = find_wrong(&x, index);
    if (n == 0) {
        return drawing_nothing(d, "no test sample is wrong");
    }
    ODEON_TRY(draw_pictures(d, &x, n, index, "Most wrong"));
    chart_say(d->chart, CHART_MUTED, "test samples whose true class got the least probability;");
    chart_say(d->chart, CHART_RED, "predicted");
    chart_say(d->chart, CHART_MUTED, "and what it is");
    return ODEON_OK;
}

/* Evenly chosen, so that none is shown for how well it does. */
static odeon_status make_samples(drawing *d)
{
    odeon_view_answer x;
    int64_t index[MOST_WRONG];
    ODEON_TRY(ask_classes(d, &x));
    if (d->nothing[0] != '\0') {
        return ODEON_OK;
    }
    int64_t n = x.n < MOST_WRONG ? x.n : MOST_WRONG;
    for (int64_t i = 0; i < n; i++) {
        index[i] = i * x.n / n;
    }
    ODEON_TRY(draw_pictures(d, &x, (size_t)n, index, "Test samples"));
    chart_say(d->chart, CHART_MUTED, "evenly chosen;");
    chart_say(d->chart, CHART_RED, "predicted");
    chart_say(d->chart, CHART_MUTED, "with its probability, and what it is");
    return ODEON_OK;
}

#define KIND(id, what)                                                                             \
    const drawing_kind draw_##id = {.info = {.struct_size = sizeof(odeon_view_drawing),            \
                                             .flags = ODEON_VIEW_WIDE | ODEON_VIEW_OF_ONE_RUN,     \
                                             .name = #id,                                          \
                                             .summary = what,                                      \
                                             .part = "What it gets wrong"},                        \
                                    .make = make_##id}
KIND(confusion, "which classes are taken for which");
KIND(wrong, "pictures of the samples that are most wrong");
KIND(samples, "pictures of test samples with what is predicted of them");
