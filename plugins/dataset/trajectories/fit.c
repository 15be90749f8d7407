/* What the rows to train on say: units in which all rows are given. */
#include <math.h>

#include "trajectories.h"

/* Of the units of dates: seconds in one. */
static odeon_status write_text(trajectories *set)
{
    const odeon_host *host = set->host;
    if (set->format.unit > 0.0) {
        ODEON_TRY(fitted_add_numbers(host, &set->text, "origin", set->origin, set->format.unit));
    }
    for (int32_t i = 0; i < set->standard.n; i++) {
        ODEON_TRY(fitted_add_numbers(host, &set->text, "column", set->standard.mean[i],
                                     set->standard.deviation[i]));
    }
    return ODEON_OK;
}

static odeon_status fit_columns(trajectories *set, const uint8_t *split)
{
    const series_set *s = &set->series;
    const standard_rows rows = {
        .value = s->row, .n_rows = s->n_rows, .width = (int32_t)s->width, .split = split};
    int32_t n = (int32_t)(set->dim + set->n_controls), is_constant = 0;
    ODEON_TRY(standard_make(set->host, n, &set->standard));
    for (int32_t i = 0; i < n; i++) {
        char name[128];
        standard_fit(&rows, 1 + i, &set->standard, i, &is_constant);
        if (is_constant != 0) {
            (void)snprintf(name, sizeof name, "%d", (int)i);
            if (set->wanted.n > 1 + i) {
                csv_table_column(&set->wanted, 1 + i, name, sizeof name);
            }
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s: column %s %s: it cannot be standardized: leave it out",
                              set->plan.name, name, standard_refusal(is_constant));
        }
    }
    return ODEON_OK;
}

odeon_status trajectories_fit(trajectories *set, const uint8_t *split)
{
    const series_set *s = &set->series;
    set->is_fitted = true;
    if (set->format.unit > 0.0) { /* dates count from the first of all series */
        set->origin = s->row[0];
        for (int64_t i = 0; i < s->n_series; i++) {
            set->origin = fmin(set->origin, s->row[s->first[i] * s->width]);
        }
    }
    ODEON_TRY(set->standardize != 0 ? fit_columns(set, split) : ODEON_OK);
    return write_text(set);
}

void trajectories_apply(trajectories *set)
{
    series_set *s = &set->series;
    int32_t n = (int32_t)(set->dim + set->n_controls);
    for (int64_t row = 0; row < s->n_rows; row++) {
        double *value = s->row + row * s->width;
        if (set->format.unit > 0.0) {
            value[0] = (value[0] - set->origin) / set->format.unit;
        }
        for (int32_t i = 0; i < n; i++) {
            value[1 + i] = standard_apply(&set->standard, i, value[1 + i]);
        }
    }
}

static bool take(trajectories *set, const char *text)
{
    double unit = 0.0;
    if (set->format.unit > 0.0 &&
        (!fitted_take_numbers(&text, "origin", &set->origin, &unit) || unit != set->format.unit)) {
        return false;
    }
    for (int32_t i = 0; i < set->standard.n; i++) {
        double *mean = &set->standard.mean[i], *deviation = &set->standard.deviation[i];
        if (!fitted_take_numbers(&text, "column", mean, deviation) || !isfinite(*mean) ||
            !(*deviation > 0.0)) {
            return false;
        }
    }
    return *text == '\0';
}

odeon_status trajectories_restore(trajectories *set, const char *text)
{
    int32_t n = (int32_t)(set->dim + set->n_controls);
    ODEON_TRY(set->standardize != 0 ? standard_make(set->host, n, &set->standard) : ODEON_OK);
    if (!take(set, text)) {
        return odeon_fail(set->host, ODEON_ERR_DATA,
                          "what was fitted with these weights does not belong to values, controls, "
                          "date and standardize of this INI");
    }
    set->is_fitted = true;
    return write_text(set);
}

/* Values, labels and controls alike in every row of the window. */
odeon_status trajectories_standard(void *self, int32_t index, double *mean, double *deviation,
                                   int32_t *is_standard)
{
    const trajectories *set = self;
    int32_t which = trajectories_field(set, index);
    bool control = which == FIELD_CONTROL;
    bool values = which == FIELD_LABEL || (which == FIELD_INPUT && set->input == INPUT_VALUES);
    int64_t n = control ? set->n_controls : set->dim, first = control ? set->dim : 0;
    int64_t width = windows_width(set, which);
    *is_standard = set->standard.mean != NULL && (values || control);
    for (int64_t i = 0; *is_standard != 0 && i < set->window * width; i++) {
        int64_t at = i % width;
        bool slope = at >= n || (which == FIELD_LABEL && set->label == LABEL_SLOPES);
        mean[i] = slope ? 0.0 : set->standard.mean[first + at];
        deviation[i] = set->standard.deviation[first + at % n];
    }
    return ODEON_OK;
}
