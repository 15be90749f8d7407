/* trajectories: windows of series of observations, as values and times.
 *
 * A sample is a window of T rows that starts at a row of a series: input [T,D] and label [T,D],
 * both the values, and time [T], relative to the window's first row or as in the data (clock).
 * Where times are relative and rows equally spaced (to a thousandth of the spacing), all windows
 * have the same times, which a layer with one time grid per batch needs; otherwise each window has
 * its own. With missing = mask an empty cell is 0 and excluded by mask [T,D]; no window starts at a
 * row with an empty cell, since its first values are the initial state. Columns of controls, known
 * functions of the time, come as control [T,c], and may have no empty cell. With pad = yes a series
 * may be shorter than a window: the mask leaves out what is filled up, and length says how many
 * rows are its own. With classes the label is the class of the window's series, a whole number, and
 * there is no mask.
 *
 * Units, the origin of dates and standardization, come from the training rows whichever split is
 * open, unless they came with the weights. */
#include "trajectories.h"

#include <math.h>
#include <string.h>

static const double regular_within = 1e-3; /* relative to the spacing of two rows */

static const odeon_option *const options[] = {
    ODEON_OPTION(
        trajectories, source, CHOICE_PATH, .default_text = "spiral",
        .choices = "spiral|csv(path)|folder(path)|arrays(path)",
        .help =
            "where the observations come from: a table in a file, all tables of a folder, arrays "
            "of "
            "an .npz (values [series,rows,D], times, controls) or an .npy, or y' = A^T y^3 from "
            "(2, 0)"),
    ODEON_OPTION(trajectories, window, I64, .aliases = "length|sequencelength|seqlen|horizon",
                 .default_text = "10", .min_text = "1", .max_text = "1000000000",
                 .help = "consecutive observations of a sample", .unit = "rows"),
    ODEON_OPTION(trajectories, stride, I64, .aliases = "hop|step|every", .default_text = "1",
                 .min_text = "1", .max_text = "1000000000",
                 .help =
                     "rows from the start of a window to that of the next in its series; an epoch "
                     "of some of them, drawn at random, is epoch_samples of [data]",
                 .unit = "rows"),
    ODEON_OPTION(trajectories, pad, FLAG, .aliases = "ragged|padding", .default_text = "no",
                 .help = "a series that is shorter than a window is filled up with its last row, "
                         "which does not count; else it is refused"),
    ODEON_OPTION(
        trajectories, time, STRING, .aliases = "t|times", .default_text = "0",
        .help = "tables: column of the times, which rise within a series: its name, or its index "
                "from 0"),
    ODEON_OPTION(trajectories, date, CHOICE, .aliases = "dates|datetime|timeunit",
                 .default_text = "no", .choices = "no|seconds|minutes|hours|days|weeks",
                 .help = "tables: the times are dates, 2026-03-01 or 2026-03-01T14:30:00, and "
                         "become numbers of this unit since the first date of all series"),
    ODEON_OPTION(trajectories, clock, CHOICE, .aliases = "timeorigin|origin|absolute",
                 .default_text = "window", .choices = "window|series",
                 .help = "window: times count from a window's first row, so that all have the same "
                         "where rows are equally far apart; series: they are those of the data, "
                         "which a field of t needs; step = sample of the ODE block solves such "
                         "batches"),
    ODEON_OPTION(trajectories, id, STRING, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "series|group|key|subject",
                 .help = "tables: column that tells series apart, whose rows stand together; "
                         "without it a file is one series"),
    ODEON_OPTION(trajectories, values, STRING, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "columns|inputs|features",
                 .help = "tables: columns observed: names, indices from 0, ranges of them as 1..3"),
    ODEON_OPTION(
        trajectories, controls, STRING, .flags = ODEON_OPTION_OPTIONAL,
        .aliases = "control|forcing|exogenous",
        .help = "tables: columns of known functions of the time, for the layer controls: named "
                "as in values"),
    ODEON_OPTION(trajectories, control_slopes, FLAG, .aliases = "spline|slopes",
                 .default_text = "no",
                 .help = "the controls' slopes follow them, those of the natural cubic spline "
                         "through each series, for controls(interpolation=cubic)"),
    ODEON_OPTION(trajectories, input, CHOICE, .aliases = "inputs|features",
                 .default_text = "values", .choices = "values|window|series",
                 .help =
                     "what a model is given of a sample: its values, whose first row is a start "
                     "that was measured; or the number of its window, or of its series, from 0 "
                     "on, for an embedding of starts that are learned"),
    ODEON_OPTION(trajectories, label, CHOICE, .aliases = "target|labels", .default_text = "values",
                 .choices = "values|slopes",
                 .help = "what is to be met: the values; or their slopes, those of the natural "
                         "cubic spline through each series, by which a field learns without being "
                         "solved (collocation)"),
    ODEON_OPTION(trajectories, label_column, STRING, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "class|classcolumn|targetcolumn|labelcol",
                 .help = "tables: column of the class of a series, a word or a number, the same in "
                         "all of its rows: the label then, in place of the values; with classes"),
    ODEON_OPTION(trajectories, classes, I64, .aliases = "nclasses|numclasses", .default_text = "0",
                 .min_text = "0", .max_text = "1000000000",
                 .help = "how many classes label_column, or labels [series] of arrays, has: 0 to "
                         "classes - 1, or as many words, which are numbered in the order of the "
                         "alphabet; 0: none"),
    ODEON_OPTION(trajectories, continuity, FLAG, .aliases = "shooting|multipleshooting|gaps",
                 .default_text = "no",
                 .help =
                     "labels have as many columns more, of zeros, that count in the last row of "
                     "a window which another follows: for the gap between the end of a window "
                     "and the learned start of the next (multiple shooting)"),
    ODEON_OPTION(trajectories, value_count, I64, .aliases = "dim|channels", .default_text = "0",
                 .min_text = "0", .max_text = "65536", .help = "arrays: D of values"),
    ODEON_OPTION(trajectories, control_count, I64, .default_text = "0", .min_text = "0",
                 .max_text = "65536", .help = "arrays: c of controls [series,rows,c]"),
    ODEON_OPTION(trajectories, standardize, FLAG, .aliases = "standardise|normalize|scale|zscore",
                 .default_text = "no",
                 .help = "values and controls become (x - mean) / deviation, of the training rows, "
                         "column by column; kept with the weights, undone in predictions"),
    ODEON_OPTION(trajectories, header, FLAG, .default_text = "yes",
                 .help = "tables: the first line names the columns"),
    ODEON_OPTION(trajectories, separator, CHOICE, .aliases = "sep|delimiter|delim",
                 .default_text = "comma", .choices = "comma|semicolon|tab",
                 .help = "tables: the separator of cells"),
    ODEON_OPTION(
        trajectories, missing, CHOICE, .default_text = "refuse", .choices = "refuse|mask",
        .help = "an empty cell, NaN in arrays, is an error, or left out of the loss by a mask"),
    ODEON_OPTION(trajectories, points, I64, .default_text = "1000", .min_text = "2",
                 .max_text = "1000000", .help = "spiral: observations, equally far apart",
                 .unit = "rows"),
    ODEON_OPTION(trajectories, until, F64, .flags = ODEON_OPTION_OPEN_MIN, .default_text = "25",
                 .min_text = "0", .max_text = "1000",
                 .help = "spiral: time of the last one; the first is at 0", .unit = "time"),
    ODEON_OPTION(trajectories, test_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
                 .aliases = "testsize|testsplit|testratio", .default_text = "0", .min_text = "0",
                 .max_text = "1",
                 .help = "share of the rows, the last ones of each series, to test on; 0: train "
                         "and test on all"),
    ODEON_OPTION(trajectories, validation_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
                 .aliases = "valfraction|valsize|valsplit|validation", .default_text = "0",
                 .min_text = "0", .max_text = "1",
                 .help = "share of the rows, before those to test on, to choose weights by; 0: "
                         "there is no such split"),
    ODEON_OPTION(trajectories, split, CHOICE, .aliases = "splitby", .default_text = "rows",
                 .choices = "rows|series",
                 .help = "what is shared out: the last rows of each series, or whole series, drawn "
                         "at random"),
    ODEON_OPTION(trajectories, fold, STRING, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "kfold|folds|cv",
                 .help = "split = series: 2/5 tests on the second of five equal parts"),
    ODEON_OPTION(trajectories, split_seed, I64, .default_text = "0", .min_text = "0",
                 .help = "split = series: another seed draws other series"),
    NULL};

static odeon_status init(void *self)
{
    return trajectories_prepare(self);
}

static void unload(trajectories *set)
{
    series_free(set->host, &set->series);
    set->host->free(set->host, set->start);
    set->host->free(set->host, set->class);
    set->host->free(set->host, set->slopes);
    set->host->free(set->host, set->value_slopes);
    set->slopes = set->value_slopes = NULL;
    set->start = set->length = set->class = NULL;
    set->n_starts = 0;
}

static void fini(void *self)
{
    trajectories *set = self;
    unload(set);
    set->host->free(set->host, set->kinds);
    standard_free(set->host, &set->standard);
    words_free(set->host, &set->names);
    fitted_text_free(set->host, &set->text);
    columns_free(set->host, &set->wanted);
}

/* ---- fields ---- */

static int32_t field_count(void *self)
{
    return trajectories_index(self, N_FIELDS);
}

/* Values, label and mask [window, dim], of series of classes label [], time [window], control
 * [window, n_controls], length []. */
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
        [FIELD_LENGTH] = {ODEON_ROLE_LENGTH, 0, ODEON_DTYPE_I64, "length"},
    };
    const trajectories *set = self;
    int32_t at = trajectories_field(set, index);
    if (at < 0) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "trajectories: there is no field %d",
                          (int)index);
    }
    int64_t width = windows_width(set, at);
    bool class = at == FIELD_LABEL && set->classes > 0;
    bool number = class || (at == FIELD_INPUT && set->input != INPUT_VALUES);
    bool relative = at == FIELD_TIME && set->clock == CLOCK_WINDOW;
    *out = (odeon_field_info){.struct_size = out->struct_size,
                              .role = fields[at].role,
                              .dtype = class ? ODEON_DTYPE_I64 : fields[at].dtype,
                              .ndim = number ? 0 : fields[at].ndim,
                              .dim = {fields[at].ndim > 0 && !number ? set->window : 0,
                                      fields[at].ndim == 2 && !number ? width : 0},
                              .classes = class ? set->classes : 0,
                              .scale = 1.0,
                              .name = class    ? "class"
                                      : number ? "number"
                                               : fields[at].name,
                              .flags = relative ? ODEON_FIELD_RELATIVE : 0};
    return ODEON_OK;
}

/* ---- the observations ---- */

static odeon_status read_source(trajectories *set, int32_t source, const char *path)
{
    const odeon_host *host = set->host;
    switch (source) {
    case SOURCE_CSV:
        return series_add_csv(host, path, &set->format, &set->series);
    case SOURCE_FOLDER:
        return series_add_folder(host, path, &set->format, &set->series);
    case SOURCE_ARRAYS:
        return series_add_arrays(host, path, &set->format, &set->series);
    default:
        return spiral_add(set);
    }
}

/* The spacing of the rows of a series, or 0 if they are not equally spaced. */
static double spacing_of(const series_set *s, int64_t first, int64_t last)
{
    double start = s->row[first * s->width], n = (double)(last - first);
    double interval = last > first ? (s->row[last * s->width] - start) / n : 0.0;
    for (int64_t i = first; i <= last; i++) {
        double off = s->row[i * s->width] - (start + interval * (double)(i - first));
        if (!(fabs(off) <= regular_within * interval)) {
            return 0.0;
        }
    }
    return interval;
}

/* The spacing of all series, or 0; that of the first stands for all, so that the last row of a
 * window has to be where it says, too. */
static double find_interval(const series_set *s, int64_t window)
{
    double interval = 0.0;
    for (int64_t i = 0; i < s->n_series; i++) {
        double own = spacing_of(s, s->first[i], s->first[i + 1] - 1);
        if (own == 0.0 ||
            (i > 0 && !(fabs(own - interval) * (double)window <= regular_within * interval))) {
            return 0.0;
        }
        interval = i == 0 ? own : interval;
    }
    return interval;
}

/* ---- splits ---- */

/* The test split is the end of a series rather than random rows, as overlapping windows would leak
 * training rows into the test; validation comes before it. */
static void share_rows(const trajectories *set, uint8_t *split)
{
    const series_set *s = &set->series;
    for (int64_t i = 0; i < s->n_series; i++) {
        int64_t n = s->first[i + 1] - s->first[i];
        int64_t test = split_test_rows(n, set->plan.test);
        int64_t more = split_test_rows(n, set->plan.validation);
        for (int64_t k = 0; k < n; k++) {
            split[s->first[i] + k] = k >= n - test          ? ODEON_SPLIT_TEST
                                     : k >= n - test - more ? ODEON_SPLIT_VALIDATION
                                                            : ODEON_SPLIT_TRAIN;
        }
    }
}

static odeon_status share_series(const trajectories *set, uint8_t *split)
{
    const series_set *s = &set->series;
    const odeon_host *host = set->host;
    uint8_t *whole = host->alloc(host, (uint64_t)s->n_series);
    odeon_status status = whole != NULL
                              ? split_assign(host, &set->plan, s->n_series, whole)
                              : odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory", set->plan.name);
    for (int64_t i = 0; i < s->n_series && status == ODEON_OK; i++) {
        memset(split + s->first[i], whole[i], (size_t)(s->first[i + 1] - s->first[i]));
    }
    host->free(host, whole);
    return status;
}

/* Which split each row is in, and what those to train on say. split: [n_rows]. */
static odeon_status share(trajectories *set, uint8_t *split)
{
    if (set->split == SPLIT_SERIES) {
        ODEON_TRY(share_series(set, split));
    } else {
        share_rows(set, split);
    }
    return set->is_fitted ? ODEON_OK : trajectories_fit(set, split);
}

/* The configured source; with find the windows of a split, else what is fitted is all. */
static odeon_status load(trajectories *set, int32_t which, bool find)
{
    const odeon_host *host = set->host;
    bool all = which == ODEON_SPLIT_TEST && set->plan.folds == 0 && !(set->plan.test > 0.0);
    ODEON_TRY(read_source(set, (int32_t)set->source.index, set->source.path));
    uint8_t *split = host->alloc(host, (uint64_t)set->series.n_rows);
    odeon_status status = split != NULL
                              ? share(set, split)
                              : odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory", set->plan.name);
    if (status == ODEON_OK && find) {
        status = trajectories_apply(set);
    }
    if (status == ODEON_OK && find) {
        set->interval = find_interval(&set->series, set->window);
        status = trajectories_slopes(set);
    }
    if (status == ODEON_OK && find) {
        status = windows_find(set, which, split, all);
    }
    host->free(host, split);
    return status;
}

static int32_t has_split(void *self, int32_t split)
{
    const trajectories *set = self;
    return split == ODEON_SPLIT_TRAIN || split == ODEON_SPLIT_TEST ||
           (split == ODEON_SPLIT_VALIDATION && set->plan.validation > 0.0);
}

static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    trajectories *set = self;
    if (has_split(set, split) == 0 || set->series.n_rows > 0) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL,
                          "trajectories: opened twice, or a split %d", (int)split);
    }
    odeon_status status = load(set, split, true);
    if (status != ODEON_OK) {
        unload(set);
        return status;
    }
    *length = set->n_starts;
    return ODEON_OK;
}

/* All windows of a file of the same kind, in units that came with the weights or, without, from the
 * configured source. */
static odeon_status load_file(trajectories *set, const char *path)
{
    bool fits =
        set->standardize != 0 || set->classes > 0 || (set->date > 0 && set->clock == CLOCK_SERIES);
    if (!set->is_fitted && fits) {
        ODEON_TRY(load(set, ODEON_SPLIT_TRAIN, false));
        unload(set);
    }
    int32_t source = set->source.index == SOURCE_ARRAYS ? SOURCE_ARRAYS : SOURCE_CSV;
    set->format.class_optional = true;
    ODEON_TRY(read_source(set, source, path));
    ODEON_TRY(set->is_fitted ? ODEON_OK : trajectories_fit(set, NULL));
    ODEON_TRY(trajectories_apply(set));
    set->interval = find_interval(&set->series, set->window);
    ODEON_TRY(trajectories_slopes(set));
    return windows_find(set, ODEON_SPLIT_TEST, NULL, true);
}

static odeon_status open_file(void *self, const char *path, int64_t *length, int32_t *labelled)
{
    trajectories *set = self;
    if (set->source.index == SOURCE_SPIRAL || set->series.n_rows > 0) {
        return odeon_fail(set->host, ODEON_ERR_UNSUPPORTED,
                          "trajectories: source = spiral has no files");
    }
    odeon_status status = load_file(set, path);
    if (status != ODEON_OK) {
        unload(set);
        return status;
    }
    *length = set->n_starts;
    *labelled = set->classes == 0 || set->class != NULL; /* without classes the values are met */
    return ODEON_OK;
}

/* ---- samples ---- */

/* indices [n] -> fields of n windows each. */
static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const trajectories *set = self;
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || indices[i] >= set->n_starts) {
            return odeon_fail(set->host, ODEON_ERR_INTERNAL, "trajectories: sample %lld of %lld",
                              (long long)indices[i], (long long)set->n_starts);
        }
        windows_copy(set, indices[i], i, fields);
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
static void locate(void *self, int64_t index, int32_t field_index, int64_t element, char *text,
                   uint64_t bytes)
{
    const trajectories *set = self;
    int32_t which = trajectories_field(set, field_index);
    int64_t width = windows_width(set, which);
    int64_t own = set->length[index], k = element / width;
    int64_t at_row = set->start[index] + (k < own ? k : own - 1);
    int64_t before = which == FIELD_CONTROL ? 1 + set->dim : 1;
    bool class = which == FIELD_LABEL && set->classes > 0;
    int32_t at =
        class ? set->wanted.n - 1
        : which == FIELD_TIME || which == FIELD_LENGTH
            ? 0
            : (int32_t)(before +
                        element % width % (which == FIELD_CONTROL ? set->n_controls : set->dim));
    char name[128], where[512];
    if (set->source.index == SOURCE_SPIRAL) {
        (void)snprintf(text, bytes, "the spiral, row %lld", (long long)at_row);
        return;
    }
    (void)snprintf(name, sizeof name, "%d", (int)at);
    if (at < set->wanted.n) {
        csv_table_column(&set->wanted, at, name, sizeof name);
    }
    (void)snprintf(text, bytes, "%s, column %s",
                   series_where(&set->series, at_row, where, sizeof where), name);
}

/* ---- what was fitted ---- */

static const char *class_name(void *self, int64_t index)
{
    const trajectories *set = self;
    return index >= 0 && index < set->names.n ? set->names.text[index] : NULL;
}

static const char *fitted(void *self)
{
    const trajectories *set = self;
    return set->text.text;
}

static odeon_status restore(void *self, const char *text)
{
    return trajectories_restore(self, text);
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch,
                                      .open_file = open_file,
                                      .row = row,
                                      .locate = locate,
                                      .has_split = has_split,
                                      .fitted = fitted,
                                      .restore = restore,
                                      .standard = trajectories_standard,
                                      .class_name = class_name};

ODEON_PLUGIN_OPTIONS(DATASET, "trajectories", &ops,
                     "windows of series of observations, with their times",
                     "torchdiffeq, examples/ode_demo.py",
                     "series|timeseries|trajectory|observations|spiral", trajectories, options,
                     init, fini);
