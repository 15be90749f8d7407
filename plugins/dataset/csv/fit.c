#include "fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "odeon/dataset.h"

enum { WORD_BYTES = 256 };

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

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "setosa, versicolor, ...": as many as fit. */
static const char *list_names(const words *names, char *text, uint64_t bytes)
{
    uint64_t at = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < names->n && at + 8 < bytes; i++) {
        int n = snprintf(text + at, bytes - at, "%s%s", i > 0 ? ", " : "", names->text[i]);
        at += n > 0 ? (uint64_t)n : 0;
    }
    if (at >= bytes) {
        memcpy(text + bytes - 4, "...", 4);
    }
    return text;
}

/* The words of the training rows in ascending order, so that their numbers do not depend on that of
 * the rows. */
static odeon_status sort_names(const odeon_host *host, csv_fit *fit, const words *found)
{
    char **sorted = host->alloc(host, ((uint64_t)found->n + 1) * sizeof *sorted);
    odeon_status status =
        sorted != NULL ? ODEON_OK : odeon_fail(host, ODEON_ERR_NOMEM, "no memory for classes");
    if (sorted != NULL && found->n > 0) {
        memcpy(sorted, found->text, (size_t)found->n * sizeof *sorted);
        qsort(sorted, (size_t)found->n, sizeof *sorted, by_text);
    }
    for (int64_t i = 0, number; i < found->n && status == ODEON_OK; i++) {
        status = words_add(host, &fit->names, sorted[i], &number);
        if (status == ODEON_OK) {
            status = fitted_add_word(host, &fit->text, "class", sorted[i]);
        }
    }
    host->free(host, sorted);
    return status;
}

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
                            list_names(&found, list, sizeof list));
    }
    if (status == ODEON_OK) {
        status = sort_names(host, fit, &found);
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
                      list_names(&fit->names, list, sizeof list));
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
    char word[WORD_BYTES];
    bool standardizes = fit->inputs || fit->labels;
    int32_t n = fit->n_inputs + (fit->classes > 0 ? 0 : fit->n_labels);
    for (int64_t number; fitted_take_word(text, "class", word, sizeof word);) {
        ODEON_TRY(words_add(host, &fit->names, word, &number));
        ODEON_TRY(fitted_add_word(host, &fit->text, "class", word));
    }
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
