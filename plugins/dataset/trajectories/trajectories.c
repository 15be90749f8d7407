/* trajectories: windows of a series of observations, as values and times.
 *
 * Sample i is the window of T rows that starts at the i-th possible row of the split: input [T,D]
 * and label [T,D], both the values, and time [T] relative to the window's first row. If rows are
 * equally spaced (to a thousandth of the spacing), all windows have the same times, which a layer
 * with one time grid per batch needs; otherwise each window has its own, and such a layer can take
 * only one window per batch. With missing = mask an empty cell is 0 and excluded by mask [T,D]; no
 * window starts at a row with an empty cell, since its first values are the initial state. Columns
 * of controls, known functions of the time, come as control [T,c], and may have no empty cell. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "../common/csv_table.h"
#include "../common/regular_file.h"
#include "../common/split.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"
#include "spiral.h"

enum {
    FIELD_INPUT = 0,
    FIELD_LABEL = 1,
    FIELD_TIME = 2,
    FIELD_MASK = 3,
    FIELD_CONTROL = 4,
    N_FIELDS = 5
};
enum { SOURCE_SPIRAL = 0, SOURCE_CSV = 1 };     /* in the order of the choices */
enum { MISSING_REFUSED = 0, MISSING_MASK = 1 }; /* in the order of the choices */

static const double regular_within = 1e-3; /* relative to the spacing of two rows */

/* The whole series is in memory; a sample is an offset into it. */
typedef struct trajectories {
    ODEON_INSTANCE;
    odeon_choice source;
    int64_t window;
    const char *time, *values, *controls;
    int64_t header, separator, missing, points;
    double until, test_fraction;

    int64_t dim, n_controls;
    columns wanted;  /* CSV: column of the time, then of the dim values, then of the controls */
    int64_t n_rows;  /* 0 before open */
    double *row;     /* [n_rows, 1 + dim + n_controls]; NaN where a value is missing */
    int64_t *line;   /* [n_rows] line in the file; NULL: no file */
    double interval; /* spacing of the rows; 0: not equally spaced */
    int64_t n_starts;
    int64_t *start; /* [n_starts]: first rows of the samples */
} trajectories;

static const odeon_option *const options[] = {
    ODEON_OPTION(
        trajectories, source, CHOICE_PATH, .default_text = "spiral", .choices = "spiral|csv(path)",
        .help = "where the observations come from: a table in a file, or y' = A^T y^3 from (2, 0)"),
    ODEON_OPTION(trajectories, window, I64, .aliases = "length|sequencelength|seqlen|horizon",
                 .default_text = "10", .min_text = "1", .max_text = "1000000000",
                 .help = "consecutive observations of a sample", .unit = "rows"),
    ODEON_OPTION(
        trajectories, time, STRING, .aliases = "t|times", .default_text = "0",
        .help = "csv: column of the times, which rise: its name, or its index from 0; those of a "
                "window count from its first row, so that all have the same where rows are equally "
                "far apart"),
    ODEON_OPTION(trajectories, values, STRING, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "columns|inputs|features",
                 .help = "csv: columns observed: names, indices from 0, ranges of them as 1..3"),
    ODEON_OPTION(trajectories, controls, STRING, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "control|forcing|exogenous",
                 .help =
                     "csv: columns of known functions of the time, for the layer controls: named "
                     "as in values"),
    ODEON_OPTION(trajectories, header, FLAG, .default_text = "yes",
                 .help = "csv: the first line names the columns"),
    ODEON_OPTION(trajectories, separator, CHOICE, .aliases = "sep|delimiter|delim",
                 .default_text = "comma", .choices = "comma|semicolon|tab",
                 .help = "csv: the separator of cells"),
    ODEON_OPTION(trajectories, missing, CHOICE, .default_text = "refuse", .choices = "refuse|mask",
                 .help = "csv: an empty cell is an error, or left out of the loss by a mask"),
    ODEON_OPTION(trajectories, points, I64, .default_text = "1000", .min_text = "2",
                 .max_text = "1000000", .help = "spiral: observations, equally far apart",
                 .unit = "rows"),
    ODEON_OPTION(trajectories, until, F64, .flags = ODEON_OPTION_OPEN_MIN, .default_text = "25",
                 .min_text = "0", .max_text = "1000",
                 .help = "spiral: time of the last one; the first is at 0", .unit = "time"),
    ODEON_OPTION(
        trajectories, test_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
        .aliases = "testsize|testsplit|valfraction|testratio", .default_text = "0", .min_text = "0",
        .max_text = "1",
        .help = "share of the rows, the last ones, to test on; 0: train and test on all of them"),
    NULL};

/* ---- options ---- */

/* The columns that an option names go behind those so far; *n is how many they are. */
static odeon_status add_columns(trajectories *set, const char *option, const char *text, int64_t *n)
{
    columns more;
    odeon_status status = columns_parse(set->host, option, text, &more);
    if (status != ODEON_OK) {
        return status;
    }
    *n = more.n;
    columns before = set->wanted;
    return columns_join(set->host, &before, &more, &set->wanted);
}

/* Time, values and controls become one list, so that a row of the table is one of the series. */
static odeon_status read_columns(trajectories *set)
{
    ODEON_TRY(columns_parse(set->host, "time", set->time, &set->wanted));
    ODEON_TRY(add_columns(set, "values", set->values, &set->dim));
    return set->controls == NULL ? ODEON_OK
                                 : add_columns(set, "controls", set->controls, &set->n_controls);
}

static odeon_status check_columns(const trajectories *set)
{
    if (set->wanted.n != 1 + set->dim + set->n_controls) {
        return odeon_fail(set->host, ODEON_ERR_CONFIG, "time: names more than one column");
    }
    return set->header != 0 ? ODEON_OK : columns_need_numbers(set->host, &set->wanted);
}

/* Refuses CSV options with the spiral rather than ignoring them. */
static odeon_status init(void *self)
{
    trajectories *set = self;
    const odeon_host *host = set->host;
    bool given = host->option_given(host, "values") != 0;
    set->dim = 2; /* the spiral's */
    if (set->source.index == SOURCE_SPIRAL) {
        given = given || set->controls != NULL;
        return !given && set->missing == MISSING_REFUSED
                   ? ODEON_OK
                   : odeon_fail(
                         host, ODEON_ERR_CONFIG,
                         "values, controls and missing = mask are for source = csv(path=FILE)");
    }
    if (!given) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "values: must name the columns observed where source = csv");
    }
    ODEON_TRY(read_columns(set));
    return check_columns(set);
}

static void unload(trajectories *set)
{
    set->host->free(set->host, set->row);
    set->host->free(set->host, set->start);
    set->host->free(set->host, set->line);
    set->line = NULL;
    set->row = NULL;
    set->start = NULL;
    set->n_rows = set->n_starts = 0;
}

static void fini(void *self)
{
    trajectories *set = self;
    unload(set);
    columns_free(set->host, &set->wanted);
}

static bool has_field(const trajectories *set, int32_t which)
{
    return which == FIELD_MASK      ? set->missing == MISSING_MASK
           : which == FIELD_CONTROL ? set->n_controls > 0
                                    : true;
}

/* The index of a field among those that the data set has: how many come before it. */
static int32_t index_of(const trajectories *set, int32_t which)
{
    int32_t n = 0;
    for (int32_t i = 0; i < which; i++) {
        n += has_field(set, i);
    }
    return n;
}

/* The other way round: which of FIELD_* has that index; -1: none. */
static int32_t field_at(const trajectories *set, int32_t index)
{
    for (int32_t i = 0; i < N_FIELDS; i++) {
        if (has_field(set, i) && index_of(set, i) == index) {
            return i;
        }
    }
    return -1;
}

static int32_t field_count(void *self)
{
    return index_of(self, N_FIELDS);
}

/* Values, label and mask [window, dim], time [window], control [window, n_controls]. */
static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    static const struct {
        int32_t role, ndim;
        uint32_t dtype;
        const char *name;
    } fields[] = {
        [FIELD_INPUT] = {ODEON_ROLE_INPUT, 2, ODEON_DTYPE_F64, "values"},
        [FIELD_LABEL] = {ODEON_ROLE_LABEL, 2, ODEON_DTYPE_F64, "label"},
        [FIELD_TIME] = {ODEON_ROLE_TIME, 1, ODEON_DTYPE_F64, "time"},
        [FIELD_MASK] = {ODEON_ROLE_MASK, 2, ODEON_DTYPE_U8, "mask"},
        [FIELD_CONTROL] = {ODEON_ROLE_CONTROL, 2, ODEON_DTYPE_F64, "control"},
    };
    const trajectories *set = self;
    int32_t at = field_at(set, index);
    if (at < 0) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "trajectories: there is no field %d",
                          (int)index);
    }
    int64_t width = at == FIELD_CONTROL ? set->n_controls : set->dim;
    *out = (odeon_field_info){.struct_size = out->struct_size,
                              .role = fields[at].role,
                              .dtype = fields[at].dtype,
                              .ndim = fields[at].ndim,
                              .dim = {set->window, fields[at].ndim == 2 ? width : 0},
                              .scale = 1.0,
                              .name = fields[at].name,
                              .flags = at == FIELD_TIME ? ODEON_FIELD_RELATIVE : 0};
    return ODEON_OK;
}

/* ---- the observations ---- */

/* Elements of a row: time, values, controls. */
static int64_t row_width(const trajectories *set)
{
    return 1 + set->dim + set->n_controls;
}

/* A gap in what is known beforehand cannot be left out of anything. */
static odeon_status check_controls(const trajectories *set, const char *file, const csv_table *t)
{
    char name[128];
    for (int64_t i = 0; i < t->n_rows * t->n_columns; i++) {
        int32_t at = (int32_t)(i % t->n_columns);
        if (at > set->dim && isnan(t->value[i])) {
            csv_table_column(&set->wanted, at, name, sizeof name);
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s:%lld: column %s is empty: controls have to be there in every row",
                              file, (long long)t->line[i / t->n_columns], name);
        }
    }
    return ODEON_OK;
}

/* Times must increase strictly, or an ODE solver could not integrate from one to the next. */
static odeon_status check_times(const trajectories *set, const char *file, const csv_table *t)
{
    for (int64_t i = 0; i < t->n_rows; i++) {
        double now = t->value[i * t->n_columns];
        if (!isfinite(now) || (i > 0 && !(now > t->value[(i - 1) * t->n_columns]))) {
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s:%lld: the time is %s: every row needs one, larger than the row's "
                              "before",
                              file, (long long)t->line[i],
                              isfinite(now) ? "not larger than the last" : "missing");
        }
    }
    return ODEON_OK;
}

static odeon_status read_csv(trajectories *set)
{
    const odeon_host *host = set->host;
    static const char separators[] = {',', ';', '\t'}; /* in the order of the choices */
    const char *file = set->source.path;
    csv_format format = {.separator = separators[set->separator],
                         .header = set->header != 0,
                         .gaps = set->missing == MISSING_MASK};
    csv_table table;
    char *text;
    uint64_t bytes;
    ODEON_TRY(regular_file_load(host, file, &text, &bytes));
    odeon_status status = csv_table_read(host, file, text, bytes, &format, &set->wanted, &table);
    host->free(host, text);
    ODEON_TRY(status);
    status = check_times(set, file, &table);
    status = status == ODEON_OK ? check_controls(set, file, &table) : status;
    if (status == ODEON_OK) { /* take over the table's memory, which has the layout needed */
        set->row = table.value;
        set->n_rows = table.n_rows;
        set->line = table.line;
        table.value = NULL;
        table.line = NULL;
    }
    csv_table_free(host, &table);
    return status;
}

static odeon_status make_spiral(trajectories *set)
{
    const odeon_host *host = set->host;
    int64_t n = set->points;
    double end = set->until;
    double *y = host->alloc(host, (uint64_t)n * 2 * sizeof *y);
    set->row = host->alloc(host, (uint64_t)n * 3 * sizeof *set->row);
    if (y == NULL || set->row == NULL) {
        host->free(host, y);
        return odeon_fail(host, ODEON_ERR_NOMEM, "trajectories: no memory for %lld observations",
                          (long long)n);
    }
    spiral(n, end, y);
    for (int64_t i = 0; i < n; i++) {
        set->row[3 * i] = end * (double)i / (double)(n - 1);
        memcpy(&set->row[3 * i + 1], &y[2 * i], 2 * sizeof *y);
    }
    set->n_rows = n;
    host->free(host, y);
    return ODEON_OK;
}

/* The spacing of the rows, or 0 if they are not equally spaced. */
static double find_interval(const trajectories *set)
{
    int64_t width = row_width(set), last = set->n_rows - 1;
    double first = set->row[0],
           interval = last > 0 ? (set->row[last * width] - first) / (double)last : 0.0;
    for (int64_t i = 0; i <= last; i++) {
        double off = set->row[i * width] - (first + interval * (double)i);
        if (!(fabs(off) <= regular_within * interval)) {
            return 0.0;
        }
    }
    return interval;
}

/* ---- the windows ---- */

/* Does the row have all values? */
static bool is_whole(const trajectories *set, int64_t row)
{
    const double *value = set->row + row * row_width(set) + 1;
    for (int64_t k = 0; k < set->dim; k++) {
        if (isnan(value[k])) {
            return false;
        }
    }
    return true;
}

/* The test split is the end of the series rather than random rows, as overlapping windows would
 * leak training rows into the test. */
static odeon_status find_starts(trajectories *set, int32_t split)
{
    const odeon_host *host = set->host;
    double fraction = set->test_fraction;
    int64_t n_test = split_test_rows(set->n_rows, fraction), first = 0, end = set->n_rows;
    if (fraction > 0.0) {
        first = split == ODEON_SPLIT_TRAIN ? 0 : set->n_rows - n_test;
        end = split == ODEON_SPLIT_TRAIN ? set->n_rows - n_test : set->n_rows;
    }
    if (end - first < set->window) {
        return odeon_fail(host, ODEON_ERR_DATA,
                          "trajectories: %lld rows to %s on, too few for a window of %lld",
                          (long long)(end - first), split == ODEON_SPLIT_TRAIN ? "train" : "test",
                          (long long)set->window);
    }
    int64_t most = end - first - set->window + 1;
    set->start = host->alloc(host, (uint64_t)most * sizeof *set->start);
    if (set->start == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "trajectories: no memory for %lld windows",
                          (long long)most);
    }
    for (int64_t i = first; i < first + most; i++) {
        if (is_whole(set, i)) {
            set->start[set->n_starts++] = i;
        }
    }
    return set->n_starts > 0
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_DATA,
                            "trajectories: every row that a window could start at lacks a value");
}

static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    trajectories *set = self;
    if ((split != ODEON_SPLIT_TRAIN && split != ODEON_SPLIT_TEST) || set->n_rows > 0) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL,
                          "trajectories: opened twice, or a split %d", (int)split);
    }
    odeon_status status = set->source.index == SOURCE_CSV ? read_csv(set) : make_spiral(set);
    if (status == ODEON_OK) {
        set->interval = find_interval(set);
        status = find_starts(set, split);
    }
    if (status != ODEON_OK) {
        unload(set);
        return status;
    }
    *length = set->n_starts;
    return ODEON_OK;
}

/* The address of sample i in the memory of a field, of so many elements a sample. */
static double *numbers_at(const trajectories *set, void *const *fields, int32_t which, int64_t i,
                          int64_t size)
{
    return (double *)fields[index_of(set, which)] + i * size;
}

static void copy_controls(const trajectories *set, const double *start, int64_t i,
                          void *const *fields)
{
    int64_t n = set->window, c = set->n_controls;
    double *to = numbers_at(set, fields, FIELD_CONTROL, i, n * c);
    for (int64_t k = 0; k < n; k++) {
        memcpy(to + k * c, start + k * row_width(set) + 1 + set->dim, (size_t)c * sizeof *to);
    }
}

/* Copies the window from row first as sample i of a batch. Equal spacing gives exactly equal times
 * in all windows, free of rounding. */
static void copy_window(const trajectories *set, int64_t first, int64_t i, void *const *fields)
{
    int64_t n = set->window, dim = set->dim;
    double *input = numbers_at(set, fields, FIELD_INPUT, i, n * dim);
    double *label = numbers_at(set, fields, FIELD_LABEL, i, n * dim);
    double *time = numbers_at(set, fields, FIELD_TIME, i, n);
    uint8_t *mask = has_field(set, FIELD_MASK)
                        ? (uint8_t *)fields[index_of(set, FIELD_MASK)] + i * n * dim
                        : NULL;
    const double *start = set->row + first * row_width(set);
    for (int64_t k = 0; k < n; k++) {
        const double *row = start + k * row_width(set);
        time[k] = set->interval > 0.0 ? set->interval * (double)k : row[0] - start[0];
        for (int64_t d = 0; d < dim; d++) {
            bool there = !isnan(row[1 + d]);
            input[k * dim + d] = label[k * dim + d] = there ? row[1 + d] : 0.0;
            if (mask != NULL) {
                mask[k * dim + d] = there;
            }
        }
    }
    if (has_field(set, FIELD_CONTROL)) {
        copy_controls(set, start, i, fields);
    }
}

/* indices [n] -> fields of n windows each. */
static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const trajectories *set = self;
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || indices[i] >= set->n_starts) {
            return odeon_fail(set->host, ODEON_ERR_INTERNAL, "trajectories: sample %lld of %lld",
                              (long long)indices[i], (long long)set->n_starts);
        }
        copy_window(set, set->start[indices[i]], i, fields);
    }
    return ODEON_OK;
}

static int64_t row(void *self, int64_t index)
{
    const trajectories *set = self;
    return set->start[index];
}

/* Names the line and column of an element: inputs, labels and masks correspond to values, times to
 * rows. */
static void locate(void *self, int64_t index, int32_t field, int64_t element, char *text,
                   uint64_t bytes)
{
    const trajectories *set = self;
    int32_t which = field_at(set, field);
    int64_t width = which == FIELD_TIME ? 1 : which == FIELD_CONTROL ? set->n_controls : set->dim;
    int64_t row = set->start[index] + element / width;
    int64_t before = which == FIELD_CONTROL ? 1 + set->dim : 1;
    int32_t at = which == FIELD_TIME ? 0 : (int32_t)(before + element % width);
    char name[128];
    if (set->line == NULL) {
        (void)snprintf(text, bytes, "the spiral, row %lld", (long long)row);
        return;
    }
    csv_table_column(&set->wanted, at, name, sizeof name);
    (void)snprintf(text, bytes, "%s:%lld, column %s", set->source.path, (long long)set->line[row],
                   name);
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch,
                                      .row = row,
                                      .locate = locate};

ODEON_PLUGIN_OPTIONS(DATASET, "trajectories", &ops,
                     "windows of a series of observations, with their times",
                     "torchdiffeq, examples/ode_demo.py",
                     "series|timeseries|trajectory|observations|spiral", trajectories, options,
                     init, fini);
