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

/* ---- classes ---- */

/* The class of a series as it was read; NULL: none. */
static const char *word_of(const trajectories *set, int64_t series)
{
    int64_t word = set->series.word[series];
    return word >= 0 ? set->series.classes.text[word] : NULL;
}

static bool are_numbers(const words *classes)
{
    double number;
    for (int64_t i = 0; i < classes->n; i++) {
        if (!csv_word_number(classes->text[i], &number)) {
            return false;
        }
    }
    return true;
}

/* Of a series that begins in training. */
static odeon_status add_name(const trajectories *set, int64_t series, words *found)
{
    char where[300];
    int64_t number;
    const char *word = word_of(set, series);
    if (word == NULL || fitted_is_text(word)) {
        return word == NULL ? ODEON_OK : words_add(set->host, found, word, &number);
    }
    return odeon_fail(
        set->host, ODEON_ERR_DATA,
        "%s: the class '%.100s' is no UTF-8, in which weights keep it: save the file in UTF-8",
        series_where(&set->series, set->series.first[series], where, sizeof where), word);
}

static odeon_status find_names(const trajectories *set, const uint8_t *split, words *found)
{
    const series_set *s = &set->series;
    for (int64_t i = 0; i < s->n_series; i++) {
        bool trains = split == NULL || split[s->first[i]] == ODEON_SPLIT_TRAIN;
        ODEON_TRY(trains ? add_name(set, i, found) : ODEON_OK);
    }
    return ODEON_OK;
}

/* Words name the classes; numbers are them. */
static odeon_status fit_classes(trajectories *set, const uint8_t *split)
{
    char list[200];
    words found = {0};
    if (set->classes == 0 || are_numbers(&set->series.classes)) {
        return ODEON_OK;
    }
    odeon_status status = find_names(set, split, &found);
    if (status == ODEON_OK && found.n != set->classes) {
        status = odeon_fail(set->host, ODEON_ERR_DATA,
                            "%s: series are of %lld different classes in the training split, but "
                            "classes = %lld: %s",
                            set->plan.name, (long long)found.n, (long long)set->classes,
                            classes_list(&found, list, sizeof list));
    }
    if (status == ODEON_OK) {
        status = classes_sort(set->host, &found, &set->names, &set->text);
    }
    words_free(set->host, &found);
    return status;
}

/* *out stays where the series has none. */
static odeon_status number_series(const trajectories *set, int64_t series, int64_t *out)
{
    char where[300], list[200];
    double number = -1.0;
    const char *word = word_of(set, series);
    (void)series_where(&set->series, set->series.first[series], where, sizeof where);
    if (word == NULL) {
        return ODEON_OK;
    }
    if (set->names.n > 0) {
        *out = words_find(&set->names, word);
        return *out >= 0 ? ODEON_OK
                         : odeon_fail(set->host, ODEON_ERR_DATA,
                                      "%s: the class '%.100s' is none of the training split: %s",
                                      where, word, classes_list(&set->names, list, sizeof list));
    }
    if (csv_word_number(word, &number) && number >= 0.0 && number < (double)set->classes &&
        number == floor(number)) {
        *out = (int64_t)number;
        return ODEON_OK;
    }
    return odeon_fail(set->host, ODEON_ERR_DATA,
                      "%s: the class is %.100s, but classes = %lld allows whole numbers from 0 to "
                      "%lld",
                      where, word, (long long)set->classes, (long long)set->classes - 1);
}

/* Where one series has none, as a file to predict may, none counts. */
static odeon_status number_classes(trajectories *set)
{
    const odeon_host *host = set->host;
    int64_t n = set->series.n_series;
    set->class = host->alloc(host, ((uint64_t)n + 1) * sizeof *set->class);
    if (set->class == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for classes", set->plan.name);
    }
    bool all = true;
    for (int64_t i = 0; i < n; i++) {
        ODEON_TRY(number_series(set, i, &set->class[i]));
        all = all && set->series.word[i] >= 0;
    }
    if (!all) {
        host->free(host, set->class);
        set->class = NULL;
    }
    return ODEON_OK;
}

/* ---- all of it ---- */

odeon_status trajectories_fit(trajectories *set, const uint8_t *split)
{
    const series_set *s = &set->series;
    set->is_fitted = true;
    ODEON_TRY(fit_classes(set, split));
    if (set->format.unit > 0.0) { /* dates count from the first of all series */
        set->origin = s->row[0];
        for (int64_t i = 0; i < s->n_series; i++) {
            set->origin = fmin(set->origin, s->row[s->first[i] * s->width]);
        }
    }
    ODEON_TRY(set->standardize != 0 ? fit_columns(set, split) : ODEON_OK);
    return write_text(set);
}

odeon_status trajectories_apply(trajectories *set)
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
    return set->classes > 0 ? number_classes(set) : ODEON_OK;
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
    ODEON_TRY(classes_take(set->host, &text, &set->names, &set->text));
    bool named = set->names.n == 0 || set->names.n == set->classes;
    if (!named || !take(set, text)) {
        return odeon_fail(set->host, ODEON_ERR_DATA,
                          "what was fitted with these weights does not belong to values, controls, "
                          "classes, date and standardize of this INI");
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
    bool values = (which == FIELD_LABEL && set->classes == 0) ||
                  (which == FIELD_INPUT && set->input == INPUT_VALUES);
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
