#include "fit.h"

#include <math.h>

#include "../common/classes.h"
#include "odeon/dataset.h"

/* The label of a row as it was read; NULL: missing. */
static const char *label_of(const csv_fit *fit, const csv_table *t, int64_t row)
{
    double number = t->value[row * t->n_columns + fit->label];
    return isnan(number) ? NULL : t->words.text[(int64_t)number];
}

bool csv_fit_has_numbers(const csv_fit *fit, const csv_table *t)
{
    double number;
    for (int64_t row = 0; row < t->n_rows; row++) {
        const char *word = label_of(fit, t, row);
        if (word != NULL && !csv_word_number(word, &number)) {
            return false;
        }
    }
    return true;
}

/* ---- classes ---- */

static odeon_status fit_names(const odeon_host *host, const char *file, const csv_table *t,
                              const uint8_t *split, csv_fit *fit)
{
    char list[200];
    words found = {0};
    odeon_status status = ODEON_OK;
    for (int64_t row = 0, number; row < t->n_rows && status == ODEON_OK; row++) {
        const char *word = label_of(fit, t, row);
        if (split[row] != ODEON_SPLIT_TRAIN || word == NULL) {
            continue;
        }
        status = fitted_is_text(word)
                     ? words_add(host, &found, word, &number)
                     : odeon_fail(host, ODEON_ERR_DATA,
                                  "%s:%lld: the label '%.100s' is no UTF-8, in which weights keep "
                                  "it: save the file in UTF-8",
                                  file, (long long)t->line[row], word);
    }
    if (status == ODEON_OK && found.n != fit->classes) {
        status = odeon_fail(host, ODEON_ERR_DATA,
                            "%s: the label has %lld different words in the training split, but "
                            "classes = %lld: %s",
                            file, (long long)found.n, (long long)fit->classes,
                            classes_list(&found, list, sizeof list));
    }
    if (status == ODEON_OK) {
        status = classes_sort(host, &found, &fit->names, &fit->text);
    }
    words_free(host, &found);
    return status;
}

/* ---- standardization ---- */

static odeon_status fit_standard(const odeon_host *host, const char *file, const columns *wanted,
                                 const csv_table *t, const uint8_t *split, csv_fit *fit)
{
    const standard_rows rows = {
        .value = t->value, .n_rows = t->n_rows, .width = t->n_columns, .split = split};
    int32_t n = fit->n_inputs + (fit->classes > 0 ? 0 : fit->n_labels);
    ODEON_TRY(standard_make(host, n, &fit->standard));
    for (int32_t i = 0, is_constant = 0; i < n; i++) {
        char name[128];
        if (i < fit->n_inputs ? !fit->inputs : !fit->labels) {
            continue;
        }
        standard_fit(&rows, i, &fit->standard, i, &is_constant);
        if (is_constant != 0) {
            csv_table_column(wanted, i, name, sizeof name);
            return odeon_fail(host, ODEON_ERR_DATA,
                              "%s: column %s %s: it cannot be standardized: leave it out", file,
                              name, standard_refusal(is_constant));
        }
    }
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(fitted_add_numbers(host, &fit->text, "column", fit->standard.mean[i],
                                     fit->standard.deviation[i]));
    }
    return ODEON_OK;
}

odeon_status csv_fit_rows(const odeon_host *host, const char *file, const columns *wanted,
                          const csv_table *t, const uint8_t *split, csv_fit *fit)
{
    fit->is_done = true;
    if (fit->classes > 0 && !csv_fit_has_numbers(fit, t)) {
        ODEON_TRY(fit_names(host, file, t, split, fit));
    }
    return fit->inputs || fit->labels ? fit_standard(host, file, wanted, t, split, fit) : ODEON_OK;
}

/* ---- use ---- */

static odeon_status refuse_label(const odeon_host *host, const char *file, const csv_fit *fit,
                                 const csv_table *t, int64_t row)
{
    char list[200];
    return odeon_fail(host, ODEON_ERR_DATA,
                      "%s:%lld: the label '%.100s' is no class of the training split: %s", file,
                      (long long)t->line[row], label_of(fit, t, row),
                      classes_list(&fit->names, list, sizeof list));
}

static odeon_status number_class(const odeon_host *host, const char *file, const csv_fit *fit,
                                 const csv_table *t, int64_t row, double *out)
{
    const char *word = label_of(fit, t, row);
    if (word == NULL) {
        return ODEON_OK;
    }
    if (fit->names.n > 0) {
        int64_t number = words_find(&fit->names, word);
        if (number < 0) {
            return refuse_label(host, file, fit, t, row); /* reads the word by what out still is */
        }
        *out = (double)number;
        return ODEON_OK;
    }
    if (!csv_word_number(word, out)) {
        return odeon_fail(host, ODEON_ERR_DATA, "%s:%lld: the label '%.100s' is no number", file,
                          (long long)t->line[row], word);
    }
    if (*out >= 0.0 && *out < (double)fit->classes && *out == floor(*out)) {
        return ODEON_OK;
    }
    return odeon_fail(host, ODEON_ERR_DATA,
                      "%s:%lld: the label is %g, but classes = %lld allows whole numbers from 0 to "
                      "%lld",
                      file, (long long)t->line[row], *out, (long long)fit->classes,
                      (long long)fit->classes - 1);
}

odeon_status csv_fit_apply(const odeon_host *host, const char *file, const csv_fit *fit,
                           csv_table *t)
{
    int32_t n = fit->n_inputs + (fit->classes > 0 ? 0 : fit->n_labels);
    n = n < t->n_columns ? n : t->n_columns; /* a file to predict may have no labels */
    for (int64_t row = 0; row < t->n_rows; row++) {
        double *value = t->value + row * t->n_columns;
        if (fit->classes > 0 && fit->label < t->n_columns) {
            ODEON_TRY(number_class(host, file, fit, t, row, &value[fit->label]));
        }
        for (int32_t i = 0; i < n; i++) {
            value[i] = standard_apply(&fit->standard, i, value[i]);
        }
    }
    return ODEON_OK;
}

/* ---- text ---- */

static odeon_status take(const odeon_host *host, const char **text, csv_fit *fit)
{
    bool standardizes = fit->inputs || fit->labels;
    int32_t n = fit->n_inputs + (fit->classes > 0 ? 0 : fit->n_labels);
    ODEON_TRY(classes_take(host, text, &fit->names, &fit->text));
    if (standardizes) {
        ODEON_TRY(standard_make(host, n, &fit->standard));
    }
    for (int32_t i = 0; standardizes && i < n; i++) {
        double *mean = &fit->standard.mean[i], *deviation = &fit->standard.deviation[i];
        if (!fitted_take_numbers(text, "column", mean, deviation) || !isfinite(*mean) ||
            !(*deviation > 0.0)) {
            return ODEON_ERR_DATA;
        }
        ODEON_TRY(fitted_add_numbers(host, &fit->text, "column", *mean, *deviation));
    }
    return **text == '\0' && (fit->names.n == 0 || fit->names.n == fit->classes) ? ODEON_OK
                                                                                 : ODEON_ERR_DATA;
}

odeon_status csv_fit_restore(const odeon_host *host, const char *text, csv_fit *fit)
{
    fit->is_done = true;
    odeon_status status = take(host, &text, fit);
    return status != ODEON_ERR_DATA
               ? status
               : odeon_fail(host, ODEON_ERR_DATA,
                            "what was fitted with these weights does not belong to inputs, label, "
                            "classes and standardize of this INI");
}

void csv_fit_free(const odeon_host *host, csv_fit *fit)
{
    words_free(host, &fit->names);
    standard_free(host, &fit->standard);
    fitted_text_free(host, &fit->text);
}
