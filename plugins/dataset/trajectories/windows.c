/* Windows of the series, and their copies. */
#include <math.h>
#include <string.h>

#include "trajectories.h"

bool trajectories_has(const trajectories *set, int32_t which)
{
    switch (which) {
    case FIELD_MASK:
        return set->classes == 0 &&
               (set->missing == MISSING_MASK || set->pad != 0 || set->continuity != 0);
    case FIELD_CONTROL:
        return set->n_controls > 0;
    case FIELD_LENGTH:
        return set->pad != 0;
    default:
        return true;
    }
}

int32_t trajectories_index(const trajectories *set, int32_t which)
{
    int32_t n = 0;
    for (int32_t i = 0; i < which; i++) {
        n += trajectories_has(set, i);
    }
    return n;
}

int32_t trajectories_field(const trajectories *set, int32_t index)
{
    for (int32_t i = 0; i < N_FIELDS; i++) {
        if (trajectories_has(set, i) && trajectories_index(set, i) == index) {
            return i;
        }
    }
    return -1;
}

int64_t windows_width(const trajectories *set, int32_t which)
{
    switch (which) {
    case FIELD_TIME:
    case FIELD_LENGTH:
        return 1;
    case FIELD_CONTROL:
        return set->control_slopes != 0 ? 2 * set->n_controls : set->n_controls;
    case FIELD_LABEL:
    case FIELD_MASK:
        return set->continuity != 0 ? 2 * set->dim : set->dim;
    default:
        return set->dim;
    }
}

/* ---- where windows are ---- */

/* Does the row have all values? It is the initial state of the window that starts at it. */
static bool is_whole(const trajectories *set, int64_t row)
{
    const double *value = set->series.row + row * set->series.width + 1;
    for (int64_t k = 0; k < set->dim; k++) {
        if (isnan(value[k])) {
            return false;
        }
    }
    return true;
}

/* The windows of rows first .. end - 1, which are of one series; with start NULL they are counted.
 * A stretch that is shorter than a window is one, filled up, where that is allowed. */
static void add_stretch(trajectories *set, int64_t first, int64_t end)
{
    int64_t last = end - set->window;
    if (last < first && set->pad != 0 && end - first >= 2) {
        last = first;
    }
    for (int64_t i = first; i <= last; i += set->stride) {
        if (!is_whole(set, i)) {
            continue;
        }
        if (set->start != NULL) {
            set->start[set->n_starts] = i;
            set->length[set->n_starts] = end - i < set->window ? end - i : set->window;
        }
        set->n_starts++;
    }
}

/* The rows of series s that belong to the split, which stand together. */
static void stretch_of(const trajectories *set, int64_t s, int32_t which, const uint8_t *split,
                       bool all, int64_t *first, int64_t *end)
{
    *first = set->series.first[s];
    *end = set->series.first[s + 1];
    while (!all && *first < *end && split[*first] != which) {
        (*first)++;
    }
    while (!all && *end > *first && split[*end - 1] != which) {
        (*end)--;
    }
}

static const char *use_of(int32_t which)
{
    return which == ODEON_SPLIT_TRAIN        ? "train"
           : which == ODEON_SPLIT_VALIDATION ? "validate"
                                             : "test";
}

/* A series without any row in the split is no fault: it is in another. */
static odeon_status refuse_short(const trajectories *set, int32_t which, int64_t s, int64_t rows)
{
    char where[300];
    if (set->series.n_series == 1) {
        return odeon_fail(set->host, ODEON_ERR_DATA,
                          "trajectories: %lld rows to %s on, too few for a window of %lld",
                          (long long)rows, use_of(which), (long long)set->window);
    }
    return odeon_fail(set->host, ODEON_ERR_DATA,
                      "%s: this series has %lld rows to %s on, too few for a window of %lld: "
                      "pad = yes fills it up, or a shorter window",
                      series_where(&set->series, set->series.first[s], where, sizeof where),
                      (long long)rows, use_of(which), (long long)set->window);
}

static odeon_status add_all(trajectories *set, int32_t which, const uint8_t *split, bool all)
{
    set->n_starts = 0;
    for (int64_t s = 0, first, end; s < set->series.n_series; s++) {
        stretch_of(set, s, which, split, all, &first, &end);
        bool short_one = end - first < set->window && (set->pad == 0 || end - first == 1);
        if (short_one && (end > first || set->series.n_series == 1)) {
            return refuse_short(set, which, s, end - first);
        }
        add_stretch(set, first, end);
    }
    return ODEON_OK;
}

odeon_status windows_find(trajectories *set, int32_t which, const uint8_t *split, bool all)
{
    const odeon_host *host = set->host;
    ODEON_TRY(add_all(set, which, split, all));
    if (set->n_starts == 0) {
        bool none = true;
        for (int64_t s = 0, first, end; s < set->series.n_series; s++) {
            stretch_of(set, s, which, split, all, &first, &end);
            none = none && first == end;
        }
        return none ? odeon_fail(host, ODEON_ERR_DATA,
                                 "%s: of its %lld series none is left to %s on", set->plan.name,
                                 (long long)set->series.n_series, use_of(which))
                    : odeon_fail(host, ODEON_ERR_DATA,
                                 "trajectories: every row that a window could start at lacks a "
                                 "value");
    }
    set->start = host->alloc(host, 2 * (uint64_t)set->n_starts * sizeof *set->start);
    if (set->start == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "trajectories: no memory for %lld windows",
                          (long long)set->n_starts);
    }
    set->length = set->start + set->n_starts;
    return add_all(set, which, split, all);
}

/* ---- copies ---- */

/* The address of sample i in the memory of a field, of so many elements a sample. */
static double *numbers_at(const trajectories *set, void *const *fields, int32_t which, int64_t i,
                          int64_t size)
{
    return (double *)fields[trajectories_index(set, which)] + i * size;
}

/* Behind its own rows a window repeats the last, at times that go on as they did. */
static const double *row_of(const trajectories *set, int64_t index, int64_t k)
{
    int64_t own = set->length[index], at = k < own ? k : own - 1;
    return set->series.row + (set->start[index] + at) * set->series.width;
}

/* Equal spacing gives exactly equal times in all windows that count from their start, free of
 * rounding. */
static double time_of(const trajectories *set, int64_t index, int64_t k)
{
    const double *start = row_of(set, index, 0), *row = row_of(set, index, k);
    int64_t own = set->length[index], width = set->series.width;
    bool absolute = set->clock == CLOCK_SERIES;
    if (set->interval > 0.0 && !absolute) {
        return set->interval * (double)k;
    }
    double t = absolute ? row[0] : row[0] - start[0];
    if (k >= own) {
        double step = own > 1 ? row[0] - row[-width] : 1.0;
        t += step * (double)(k - own + 1);
    }
    return t;
}

static void copy_number(const trajectories *set, int64_t index, double *to)
{
    *to = (double)(set->input == INPUT_WINDOW ? index : series_of(&set->series, set->start[index]));
}

/* In place of the values; what a window is filled up with does not move. */
static void copy_slopes(const trajectories *set, int64_t index, double *label)
{
    int64_t dim = set->dim, width = windows_width(set, FIELD_LABEL);
    for (int64_t k = 0; k < set->window; k++, label += width) {
        const double *slope = set->value_slopes + (set->start[index] + k) * dim;
        for (int64_t d = 0; d < dim; d++) {
            label[d] = k < set->length[index] ? slope[d] : 0.0;
        }
    }
}

/* The gap behind a row, which is wanted to be 0: there is one behind the last row of a window where
 * the next begins at it. */
static bool has_gap(const trajectories *set, int64_t index, int64_t k)
{
    int64_t next = index + 1, last = set->start[index] + set->window - 1;
    return k == set->window - 1 && next < set->n_starts && set->start[next] == last;
}

/* label and mask [window, width]; mask NULL: there is none. */
static void copy_row(const trajectories *set, int64_t index, int64_t k, double *label,
                     uint8_t *mask)
{
    const double *row = row_of(set, index, k);
    int64_t dim = set->dim, width = windows_width(set, FIELD_LABEL);
    for (int64_t d = 0; d < width; d++) {
        bool there = d < dim && !isnan(row[1 + d]);
        bool counts = d < dim ? there && k < set->length[index] : has_gap(set, index, k);
        label[d] = there ? row[1 + d] : 0.0;
        if (mask != NULL) {
            mask[d] = counts;
        }
    }
}

/* The values of a window of a series of a class, and the class. */
static void copy_class(const trajectories *set, int64_t index, int64_t i, void *const *fields)
{
    bool values = set->input == INPUT_VALUES;
    int64_t size = values ? set->window * set->dim : 1;
    double *input = numbers_at(set, fields, FIELD_INPUT, i, size);
    int64_t *label = (int64_t *)fields[trajectories_index(set, FIELD_LABEL)] + i;
    for (int64_t k = 0; values && k < set->window; k++) {
        copy_row(set, index, k, input + k * set->dim, NULL);
    }
    if (!values) {
        copy_number(set, index, input);
    }
    *label = set->class != NULL ? set->class[series_of(&set->series, set->start[index])] : 0;
}

static void copy_values(const trajectories *set, int64_t index, int64_t i, void *const *fields)
{
    int64_t n = set->window, dim = set->dim, width = windows_width(set, FIELD_LABEL);
    bool values = set->input == INPUT_VALUES;
    double *input = numbers_at(set, fields, FIELD_INPUT, i, values ? n * dim : 1);
    double *label = numbers_at(set, fields, FIELD_LABEL, i, n * width);
    uint8_t *mask = trajectories_has(set, FIELD_MASK)
                        ? (uint8_t *)fields[trajectories_index(set, FIELD_MASK)] + i * n * width
                        : NULL;
    for (int64_t k = 0; k < n; k++) {
        copy_row(set, index, k, label + k * width, mask != NULL ? mask + k * width : NULL);
    }
    if (values) { /* without continuity */
        memcpy(input, label, (size_t)(n * dim) * sizeof *input);
    } else {
        copy_number(set, index, input);
    }
    if (set->value_slopes != NULL) {
        copy_slopes(set, index, label);
    }
}

/* A row that is filled up has the last one's controls, which then stay as they are. */
static void copy_controls(const trajectories *set, int64_t index, double *to)
{
    int64_t c = set->n_controls, own = set->length[index];
    for (int64_t k = 0; k < set->window; k++, to += windows_width(set, FIELD_CONTROL)) {
        memcpy(to, row_of(set, index, k) + 1 + set->dim, (size_t)c * sizeof *to);
        for (int64_t i = 0; set->slopes != NULL && i < c; i++) {
            to[c + i] = k < own ? set->slopes[(set->start[index] + k) * c + i] : 0.0;
        }
    }
}

void windows_copy(const trajectories *set, int64_t index, int64_t i, void *const *fields)
{
    int64_t n = set->window;
    double *time = numbers_at(set, fields, FIELD_TIME, i, n);
    if (set->classes > 0) {
        copy_class(set, index, i, fields);
    } else {
        copy_values(set, index, i, fields);
    }
    for (int64_t k = 0; k < n; k++) {
        time[k] = time_of(set, index, k);
    }
    if (set->n_controls > 0) {
        copy_controls(
            set, index,
            numbers_at(set, fields, FIELD_CONTROL, i, n * windows_width(set, FIELD_CONTROL)));
    }
    if (trajectories_has(set, FIELD_LENGTH)) {
        ((int64_t *)fields[trajectories_index(set, FIELD_LENGTH)])[i] = set->length[index];
    }
}
