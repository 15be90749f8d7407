/* csv: rows of numbers from a table in a text file, with classes or numbers as labels.
 *
 * What is fitted, names of classes, means and deviations, comes from the training rows of `path`
 * whichever split is open, unless it came with the weights. */
#include <math.h>
#include <string.h>

#include "../common/csv_table.h"
#include "../common/regular_file.h"
#include "../common/split.h"
#include "fit.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"
#include "prediction_columns.h"
#include "share.h"

enum { FIELD_INPUT = 0, FIELD_LABEL = 1, FIELD_MASK = 2 };
enum { STANDARD_NO = 0, STANDARD_YES = 1, STANDARD_INPUTS = 2, STANDARD_LABELS = 3 };

/* The whole table is in memory; rows selects those of the open split. */
typedef struct csv {
    ODEON_INSTANCE;
    const char *path, *test_path, *validation_path, *inputs, *label, *weight, *group, *fold;
    int64_t classes; /* 0: regression, the label is numbers */
    int64_t header, separator, split, standardize;
    double test_fraction, validation_fraction;
    int64_t split_seed;

    columns wanted; /* columns of the inputs, of the label, of the weight and of the group */
    int8_t *kind;   /* [wanted.n]: CSV_* */
    int32_t n_inputs, n_labels;  /* how many of each */
    int32_t at_weight, at_group; /* their columns; -1: none */
    split_plan plan;
    csv_fit fit;
    const char *open_path; /* of the table */
    csv_table table;
    int64_t *rows; /* [n_rows] of the split; NULL before open */
    int64_t n_rows;
    bool unlabelled; /* a file for prediction without labels */
} csv;

static const odeon_option *const options[] = {
    ODEON_OPTION(
        csv, path, PATH, .flags = ODEON_OPTION_REQUIRED, .aliases = "file|filename|csv",
        .help = "file of lines of equally many cells; quoted cells and blank lines are understood"),
    ODEON_OPTION(csv, inputs, STRING, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "features|input|columns|x",
                 .help = "columns of the input: names of the first line, indices from 0, ranges of "
                         "them as 0..3"),
    ODEON_OPTION(csv, label, STRING, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "target|labels|targets|y",
                 .help = "column of the class, or columns of the numbers, to learn"),
    ODEON_OPTION(csv, classes, I64, .aliases = "nclasses|numclasses", .default_text = "0",
                 .min_text = "0", .max_text = "1000000000",
                 .help =
                     "the label is a class, 0 to classes - 1, or one of as many words, which "
                     "are numbered in the order of the alphabet; 0: it is numbers (regression)"),
    ODEON_OPTION(csv, weight, STRING, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "weights|sampleweight|sampleweights",
                 .help = "column of a number, not negative, by which a row counts in loss and "
                         "metrics"),
    ODEON_OPTION(csv, standardize, CHOICE, .aliases = "standardise|normalize|scale|zscore",
                 .default_text = "no", .choices = "no|yes|inputs|labels",
                 .help = "columns become (x - mean) / deviation, of the training rows: inputs, and "
                         "labels that are numbers; kept with the weights, undone in predictions"),
    ODEON_OPTION(csv, header, FLAG, .aliases = "hasheader", .default_text = "yes",
                 .help = "the first line names the columns"),
    ODEON_OPTION(csv, separator, CHOICE, .aliases = "sep|delimiter|delim", .default_text = "comma",
                 .choices = "comma|semicolon|tab", .help = "the separator of cells"),
    ODEON_OPTION(
        csv, test_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
        .aliases = "testsize|testsplit|testratio", .default_text = "0.2", .min_text = "0",
        .max_text = "1",
        .help = "share of the rows, drawn at random, to test on; 0: train and test on all of them"),
    ODEON_OPTION(csv, validation_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
                 .aliases = "valfraction|valsize|valsplit|validation", .default_text = "0",
                 .min_text = "0", .max_text = "1",
                 .help = "share of the rows to choose weights by; 0: there is no such split"),
    ODEON_OPTION(csv, test_path, PATH, .flags = ODEON_OPTION_OPTIONAL, .aliases = "testfile|test",
                 .help = "file to test on, in place of a share of path"),
    ODEON_OPTION(csv, validation_path, PATH, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "validationfile|valpath|valfile",
                 .help = "file to choose weights by, in place of a share of path"),
    ODEON_OPTION(csv, split, CHOICE, .aliases = "splitby|shufflesplit", .default_text = "random",
                 .choices = "random|stratified|last",
                 .help = "which rows are shared out: any, or as many of each class, or the last of "
                         "the file, of which those to test on come last"),
    ODEON_OPTION(csv, group, STRING, .flags = ODEON_OPTION_OPTIONAL, .aliases = "groups|subject",
                 .help = "column of words or numbers: rows with the same stay in one split; shares "
                         "are those of the groups"),
    ODEON_OPTION(csv, fold, STRING, .flags = ODEON_OPTION_OPTIONAL, .aliases = "kfold|folds|cv",
                 .help = "2/5: test on the second of five equal parts, in place of test_fraction"),
    ODEON_OPTION(csv, split_seed, I64, .default_text = "0", .min_text = "0",
                 .help = "another seed draws other rows; the seed of the run does not matter"),
    NULL};

/* ---- columns and options ---- */

/* Appends one column that an option names; *at is where it stands. */
static odeon_status add_column(csv *set, const char *option, const char *text, int32_t *at)
{
    columns more, before = set->wanted;
    *at = -1;
    if (text == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(columns_parse(set->host, option, text, &more));
    if (more.n != 1) {
        columns_free(set->host, &more);
        return odeon_fail(set->host, ODEON_ERR_CONFIG, "%s: names more than one column", option);
    }
    *at = before.n;
    return columns_join(set->host, &before, &more, &set->wanted);
}

/* All become one list, as the table is read in one pass. */
static odeon_status read_columns(csv *set)
{
    const odeon_host *host = set->host;
    columns in, out;
    ODEON_TRY(columns_parse(host, "inputs", set->inputs, &in));
    odeon_status status = columns_parse(host, "label", set->label, &out);
    if (status != ODEON_OK) {
        columns_free(host, &in);
        return status;
    }
    set->n_inputs = in.n;
    set->n_labels = out.n;
    ODEON_TRY(columns_join(host, &in, &out, &set->wanted));
    ODEON_TRY(add_column(set, "weight", set->weight, &set->at_weight));
    return add_column(set, "group", set->group, &set->at_group);
}

static odeon_status name_kinds(csv *set)
{
    set->kind = set->host->alloc(set->host, (uint64_t)set->wanted.n);
    if (set->kind == NULL) {
        return odeon_fail(set->host, ODEON_ERR_NOMEM, "no memory for %d columns",
                          (int)set->wanted.n);
    }
    for (int32_t i = 0; i < set->wanted.n; i++) {
        bool class = set->classes > 0 && i == set->n_inputs;
        set->kind[i] = class || i == set->at_group ? CSV_WORD : CSV_NUMBER;
    }
    return ODEON_OK;
}

static odeon_status check_columns(const csv *set)
{
    if (set->classes > 0 && set->n_labels > 1) {
        return odeon_fail(set->host, ODEON_ERR_CONFIG,
                          "label: names %d columns, but a class is one; classes = 0 learns numbers",
                          (int)set->n_labels);
    }
    if (set->classes > 0 && set->standardize == STANDARD_LABELS) {
        return odeon_fail(set->host, ODEON_ERR_CONFIG,
                          "standardize: labels that are classes have no mean: give inputs or no");
    }
    if (set->split == SPLIT_STRATIFIED && (set->classes == 0 || set->group != NULL)) {
        return odeon_fail(set->host, ODEON_ERR_CONFIG,
                          "split: stratified is by classes, and not with group");
    }
    if (set->test_fraction + set->validation_fraction > 1.0) {
        return odeon_fail(set->host, ODEON_ERR_CONFIG,
                          "test_fraction and validation_fraction leave no rows to train on");
    }
    return set->header != 0 ? ODEON_OK : columns_need_numbers(set->host, &set->wanted);
}

/* A file of its own takes nothing from that to train on. */
static odeon_status make_plan(csv *set)
{
    bool all = set->standardize == STANDARD_YES;
    set->plan =
        (split_plan){.name = set->path,
                     .how = set->split,
                     .test = set->test_path != NULL ? 0.0 : set->test_fraction,
                     .validation = set->validation_path != NULL ? 0.0 : set->validation_fraction,
                     .seed = (uint64_t)set->split_seed};
    set->fit =
        (csv_fit){.classes = set->classes,
                  .label = set->n_inputs,
                  .inputs = all || set->standardize == STANDARD_INPUTS,
                  .labels = (all && set->classes == 0) || set->standardize == STANDARD_LABELS,
                  .n_inputs = set->n_inputs,
                  .n_labels = set->n_labels};
    return split_parse_fold(set->host, set->fold, set->test_path, &set->plan.fold,
                            &set->plan.folds);
}

static odeon_status init(void *self)
{
    csv *set = self;
    set->at_weight = set->at_group = -1;
    ODEON_TRY(read_columns(set));
    ODEON_TRY(check_columns(set));
    ODEON_TRY(name_kinds(set));
    return make_plan(set);
}

static void unload(csv *set)
{
    csv_table_free(set->host, &set->table);
    set->host->free(set->host, set->rows);
    set->rows = NULL;
}

static void fini(void *self)
{
    csv *set = self;
    unload(set);
    csv_fit_free(set->host, &set->fit);
    set->host->free(set->host, set->kind);
    columns_free(set->host, &set->wanted);
}

static int32_t field_count(void *self)
{
    const csv *set = self;
    return set->at_weight >= 0 ? FIELD_MASK + 1 : FIELD_MASK;
}

/* Input F64 [n_inputs]; label I64, a class, or F64 [n_labels]; mask F64 of the label's shape. */
static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const csv *set = self;
    odeon_field_info made = {.struct_size = out->struct_size,
                             .role = ODEON_ROLE_INPUT,
                             .dtype = ODEON_DTYPE_F64,
                             .ndim = 1,
                             .dim = {set->n_inputs},
                             .scale = 1.0,
                             .name = "input"};
    if (index < 0 || index >= field_count(self)) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "csv: there is no field %d", (int)index);
    }
    if (index != FIELD_INPUT) {
        bool class = index == FIELD_LABEL && set->classes > 0;
        made.role = index == FIELD_LABEL ? ODEON_ROLE_LABEL : ODEON_ROLE_MASK;
        made.dtype = class ? ODEON_DTYPE_I64 : ODEON_DTYPE_F64;
        made.ndim = set->classes > 0 ? 0 : 1;
        made.dim[0] = set->classes > 0 ? 0 : set->n_labels;
        made.classes = class ? set->classes : 0;
        made.name = index == FIELD_LABEL ? "label" : "weight";
    }
    *out = made;
    return ODEON_OK;
}

/* ---- the rows ---- */

/* The label's words are met as cells that are no numbers where classes is forgotten. */
static csv_format format_of(const csv *set)
{
    static const char separators[] = {',', ';', '\t'}; /* in the order of the choices */
    bool numbers = set->classes == 0 && set->n_labels == 1;
    return (csv_format){.separator = separators[set->separator],
                        .header = set->header != 0,
                        .kind = set->kind,
                        .hint = numbers ? "if labels are words, set classes to how many different "
                                          "words there are"
                                        : NULL,
                        .hint_at = set->n_inputs};
}

static odeon_status read_file(csv *set, const char *file)
{
    const odeon_host *host = set->host;
    csv_format format = format_of(set);
    char *text;
    uint64_t bytes;
    csv_table_free(host, &set->table);
    set->open_path = file;
    ODEON_TRY(regular_file_load(host, file, &text, &bytes));
    odeon_status status =
        csv_table_read(host, file, text, bytes, &format, &set->wanted, &set->table);
    host->free(host, text);
    return status;
}

static odeon_status check_weights(const csv *set)
{
    const csv_table *t = &set->table;
    for (int64_t row = 0; set->at_weight >= 0 && row < t->n_rows; row++) {
        double weight = t->value[row * t->n_columns + set->at_weight];
        if (!(weight >= 0.0)) {
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s:%lld: the weight is %g: it must not be negative", set->open_path,
                              (long long)t->line[row], weight);
        }
    }
    return ODEON_OK;
}

/* Reads the file to train on and fits; the rows of split are kept if they are of this file. */
static odeon_status load_main(csv *set, int32_t split)
{
    const odeon_host *host = set->host;
    split_plan plan = set->plan;
    ODEON_TRY(read_file(set, set->path));
    uint8_t *part = host->alloc(host, (uint64_t)set->table.n_rows);
    odeon_status status =
        part != NULL ? csv_share(host, &set->table, set->at_group,
                                 set->split == SPLIT_STRATIFIED ? set->n_inputs : -1, &plan, part)
                     : odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for rows", set->path);
    if (status == ODEON_OK && !set->fit.is_done) {
        status = csv_fit_rows(host, set->path, &set->wanted, &set->table, part, &set->fit);
    }
    if (status == ODEON_OK) {
        status = split_pick(host, &plan, set->table.n_rows, part, split, &set->rows, &set->n_rows);
    }
    host->free(host, part);
    return status;
}

/* All rows of the table, in order. */
static odeon_status take_all(csv *set)
{
    set->n_rows = set->table.n_rows;
    set->rows = set->host->alloc(set->host, (uint64_t)set->n_rows * sizeof *set->rows);
    for (int64_t i = 0; set->rows != NULL && i < set->n_rows; i++) {
        set->rows[i] = i;
    }
    return set->rows != NULL ? ODEON_OK
                             : odeon_fail(set->host, ODEON_ERR_NOMEM, "%s: no memory for %lld rows",
                                          set->open_path, (long long)set->n_rows);
}

/* A file of its own is read after that to train on, by which it is numbered and standardized. */
static odeon_status load(csv *set, int32_t split)
{
    const char *own = split == ODEON_SPLIT_TEST         ? set->test_path
                      : split == ODEON_SPLIT_VALIDATION ? set->validation_path
                                                        : NULL;
    if (own == NULL || !set->fit.is_done) {
        ODEON_TRY(load_main(set, own != NULL ? ODEON_SPLIT_TRAIN : split));
    }
    if (own != NULL) {
        unload(set);
        ODEON_TRY(read_file(set, own));
        ODEON_TRY(take_all(set));
    }
    ODEON_TRY(check_weights(set));
    return csv_fit_apply(set->host, set->open_path, &set->fit, &set->table);
}

static int32_t has_split(void *self, int32_t split)
{
    const csv *set = self;
    return split == ODEON_SPLIT_TRAIN || split == ODEON_SPLIT_TEST ||
           (split == ODEON_SPLIT_VALIDATION &&
            (set->validation_path != NULL || set->plan.validation > 0.0));
}

static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    csv *set = self;
    if (has_split(set, split) == 0 || set->rows != NULL) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "csv: opened twice, or a split %d",
                          (int)split);
    }
    odeon_status status = load(set, split);
    if (status != ODEON_OK) {
        unload(set);
        return status;
    }
    *length = set->n_rows;
    return ODEON_OK;
}

/* ---- a file for prediction ---- */

/* Labels are optional here, so only the inputs must be numbers (n_strict). */
static odeon_status read_prediction_text(csv *set, const char *file, const char *text,
                                         uint64_t bytes)
{
    csv_format format = format_of(set);
    columns list, known = {.n = set->n_inputs + set->n_labels, .item = set->wanted.item};
    ODEON_TRY(
        prediction_columns(set->host, file, text, bytes, &format, &known, set->n_inputs, &list));
    format.n_strict = set->n_inputs;
    set->unlabelled = list.n == set->n_inputs;
    odeon_status status = csv_table_read(set->host, file, text, bytes, &format, &list, &set->table);
    columns_free(set->host, &list);
    return status;
}

/* If a label is missing in any row, all are ignored: a score over part of the rows would
 * mislead. */
static void find_missing_labels(csv *set)
{
    const csv_table *t = &set->table;
    for (int64_t row = 0; row < t->n_rows && !set->unlabelled; row++) {
        for (int32_t i = set->n_inputs; i < t->n_columns && !set->unlabelled; i++) {
            set->unlabelled = isnan(t->value[row * t->n_columns + i]);
        }
    }
}

/* What the weights brought suffices; else the file to train on is read for what it says. */
static odeon_status fit_before(csv *set)
{
    if (set->fit.is_done || !(set->fit.inputs || set->fit.labels)) {
        return ODEON_OK;
    }
    odeon_status status = load_main(set, ODEON_SPLIT_TRAIN);
    unload(set);
    return status;
}

/* All rows of the file are one split, in order. */
static odeon_status load_prediction_file(csv *set, const char *file)
{
    const odeon_host *host = set->host;
    char *text;
    uint64_t bytes;
    ODEON_TRY(fit_before(set));
    set->open_path = file;
    ODEON_TRY(regular_file_load(host, file, &text, &bytes));
    odeon_status status = read_prediction_text(set, file, text, bytes);
    host->free(host, text);
    ODEON_TRY(status);
    find_missing_labels(set);
    if (set->unlabelled && set->classes > 0) { /* what a label would be is not looked at */
        for (int64_t row = 0; set->table.n_columns > set->n_inputs && row < set->table.n_rows;
             row++) {
            set->table.value[row * set->table.n_columns + set->n_inputs] = (double)NAN;
        }
    }
    ODEON_TRY(csv_fit_apply(host, file, &set->fit, &set->table));
    return take_all(set);
}

static odeon_status open_file(void *self, const char *file, int64_t *length, int32_t *labelled)
{
    csv *set = self;
    if (set->rows != NULL) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "csv: opened twice");
    }
    odeon_status status = load_prediction_file(set, file);
    if (status != ODEON_OK) {
        unload(set);
        return status;
    }
    *length = set->n_rows;
    *labelled = !set->unlabelled;
    return ODEON_OK;
}

/* ---- what was fitted ---- */

static const char *fitted(void *self)
{
    const csv *set = self;
    return set->fit.text.text;
}

static odeon_status restore(void *self, const char *text)
{
    csv *set = self;
    return csv_fit_restore(set->host, text, &set->fit);
}

static odeon_status standard_of(void *self, int32_t field, double *mean, double *deviation,
                                int32_t *is_standard)
{
    const csv *set = self;
    const csv_fit *fit = &set->fit;
    bool input = field == FIELD_INPUT;
    *is_standard =
        fit->standard.mean != NULL && (input ? fit->inputs : fit->labels) && field <= FIELD_LABEL;
    for (int32_t i = 0; *is_standard != 0 && i < (input ? fit->n_inputs : fit->n_labels); i++) {
        mean[i] = fit->standard.mean[(input ? 0 : fit->n_inputs) + i];
        deviation[i] = fit->standard.deviation[(input ? 0 : fit->n_inputs) + i];
    }
    return ODEON_OK;
}

static const char *class_name(void *self, int64_t index)
{
    const csv *set = self;
    return index >= 0 && index < set->fit.names.n ? set->fit.names.text[index] : NULL;
}

static int64_t row(void *self, int64_t index)
{
    const csv *set = self;
    return set->rows[index];
}

/* ---- samples ---- */

/* Without labels the field is zeroed; the host does not use it then. */
static void copy_label(const csv *set, const double *from, int64_t i, void *out)
{
    size_t n = (size_t)set->n_labels;
    if (set->classes > 0) {
        ((int64_t *)out)[i] = set->unlabelled ? 0 : (int64_t)from[0];
    } else if (set->unlabelled) {
        memset((double *)out + (size_t)i * n, 0, n * sizeof *from);
    } else {
        memcpy((double *)out + (size_t)i * n, from, n * sizeof *from);
    }
}

/* The weight of a row is that of each of its labels. */
static void copy_weight(const csv *set, const double *from, int64_t i, void *const *fields)
{
    int64_t n = set->classes > 0 ? 1 : set->n_labels;
    for (int64_t k = 0; set->at_weight >= 0 && k < n; k++) {
        bool there = set->at_weight < set->table.n_columns; /* a file to predict has none */
        ((double *)fields[FIELD_MASK])[i * n + k] = there ? from[set->at_weight] : 1.0;
    }
}

/* table [n_rows, n_columns] -> input [n, n_inputs], label [n] or [n, n_labels]. */
static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const csv *set = self;
    size_t n_inputs = (size_t)set->n_inputs;
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || set->rows == NULL || indices[i] >= set->n_rows) {
            return odeon_fail(set->host, ODEON_ERR_INTERNAL, "csv: sample %lld of %lld",
                              (long long)indices[i], (long long)set->n_rows);
        }
        const double *from = set->table.value + set->rows[indices[i]] * set->table.n_columns;
        double *input = fields[FIELD_INPUT];
        memcpy(input + (size_t)i * n_inputs, from, n_inputs * sizeof *from);
        copy_label(set, from + n_inputs, i, fields[FIELD_LABEL]);
        copy_weight(set, from, i, fields);
    }
    return ODEON_OK;
}

/* Names the file's line and column behind a value, for messages about bad data. */
static void locate(void *self, int64_t index, int32_t field, int64_t element, char *text,
                   uint64_t bytes)
{
    const csv *set = self;
    int32_t at = field == FIELD_MASK
                     ? set->at_weight
                     : (int32_t)element + (field == FIELD_LABEL ? set->n_inputs : 0);
    char name[128];
    csv_table_column(&set->wanted, at, name, sizeof name);
    (void)snprintf(text, bytes, "%s:%lld, column %s", set->open_path,
                   (long long)set->table.line[set->rows[index]], name);
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
                                      .standard = standard_of,
                                      .class_name = class_name};

ODEON_PLUGIN_OPTIONS(
    DATASET, "csv", &ops,
    "rows of a table in a text file: columns of numbers, and a class or numbers to learn",
    "RFC 4180", "table|tabular|dataframe|pandas|tsv", csv, options, init, fini);
