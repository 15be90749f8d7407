/* csv: rows of numbers from a table in a text file, with classes or numbers as labels. */
#include <math.h>
#include <string.h>

#include "../common/csv_table.h"
#include "../common/regular_file.h"
#include "../common/split.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"
#include "prediction_columns.h"

enum { FIELD_INPUT = 0, FIELD_LABEL = 1, N_FIELDS = 2 };

/* The whole table is in memory; rows selects those of the open split. */
typedef struct csv {
    ODEON_INSTANCE;
    const char *path, *inputs, *label;
    int64_t classes; /* 0: regression, the label is numbers */
    int64_t header, separator;
    double test_fraction;
    int64_t split_seed;

    columns wanted;             /* columns of the inputs, then of the label */
    int32_t n_inputs, n_labels; /* how many of each */
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
                 .help = "the label is a class, 0 to classes - 1; 0: it is numbers (regression)"),
    ODEON_OPTION(csv, header, FLAG, .aliases = "hasheader", .default_text = "yes",
                 .help = "the first line names the columns"),
    ODEON_OPTION(csv, separator, CHOICE, .aliases = "sep|delimiter|delim", .default_text = "comma",
                 .choices = "comma|semicolon|tab", .help = "the separator of cells"),
    ODEON_OPTION(
        csv, test_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
        .aliases = "testsize|testsplit|valfraction|testratio", .default_text = "0.2",
        .min_text = "0", .max_text = "1",
        .help = "share of the rows, drawn at random, to test on; 0: train and test on all of them"),
    ODEON_OPTION(csv, split_seed, I64, .default_text = "0", .min_text = "0",
                 .help = "another seed draws other rows; the seed of the run does not matter"),
    NULL};

/* ---- columns and options ---- */

/* Inputs and labels become one list, as the table is read in one pass. */
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
    return columns_join(host, &in, &out, &set->wanted);
}

static odeon_status check_columns(const csv *set)
{
    if (set->classes > 0 && set->n_labels > 1) {
        return odeon_fail(set->host, ODEON_ERR_CONFIG,
                          "label: names %d columns, but a class is one; classes = 0 learns numbers",
                          (int)set->n_labels);
    }
    return set->header != 0 ? ODEON_OK : columns_need_numbers(set->host, &set->wanted);
}

static odeon_status init(void *self)
{
    ODEON_TRY(read_columns(self));
    return check_columns(self);
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
    columns_free(set->host, &set->wanted);
}

static int32_t field_count(void *self)
{
    (void)self;
    return N_FIELDS;
}

/* Input F64 [n_inputs]; label I64, a class, or F64 [n_labels]. */
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
    if (index != FIELD_INPUT && index != FIELD_LABEL) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "csv: there is no field %d", (int)index);
    }
    if (index == FIELD_LABEL) {
        made.role = ODEON_ROLE_LABEL;
        made.dtype = set->classes > 0 ? ODEON_DTYPE_I64 : ODEON_DTYPE_F64;
        made.ndim = set->classes > 0 ? 0 : 1;
        made.dim[0] = set->classes > 0 ? 0 : set->n_labels;
        made.classes = set->classes;
        made.name = "label";
    }
    *out = made;
    return ODEON_OK;
}

/* ---- the rows ---- */

/* Refuses labels that are no class, with the line. */
static odeon_status check_classes(const csv *set, const char *file)
{
    const csv_table *t = &set->table;
    for (int64_t row = 0; set->classes > 0 && row < t->n_rows; row++) {
        double value = t->value[row * t->n_columns + set->n_inputs];
        bool whole = value >= 0.0 && value < (double)set->classes;
        if (!whole || value != (double)(int64_t)value) {
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s:%lld: the label is %g, but classes = %lld allows whole numbers "
                              "from 0 to %lld",
                              file, (long long)t->line[row], value, (long long)set->classes,
                              (long long)set->classes - 1);
        }
    }
    return ODEON_OK;
}

static csv_format format_of(const csv *set)
{
    static const char separators[] = {',', ';', '\t'}; /* in the order of the choices */
    return (csv_format){.separator = separators[set->separator], .header = set->header != 0};
}

static odeon_status read_file(csv *set, const char *file)
{
    const odeon_host *host = set->host;
    csv_format format = format_of(set);
    char *text;
    uint64_t bytes;
    ODEON_TRY(regular_file_load(host, file, &text, &bytes));
    odeon_status status =
        csv_table_read(host, file, text, bytes, &format, &set->wanted, &set->table);
    host->free(host, text);
    return status;
}

static odeon_status load(csv *set, int32_t split)
{
    ODEON_TRY(read_file(set, set->path));
    ODEON_TRY(check_classes(set, set->path));
    return split_rows(set->host, set->path, set->table.n_rows, set->test_fraction,
                      (uint64_t)set->split_seed, split, &set->rows, &set->n_rows);
}

static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    csv *set = self;
    if ((split != ODEON_SPLIT_TRAIN && split != ODEON_SPLIT_TEST) || set->rows != NULL) {
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
    columns list;
    ODEON_TRY(prediction_columns(set->host, file, text, bytes, &format, &set->wanted, set->n_inputs,
                                 &list));
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

/* All rows of the file are one split, in order. */
static odeon_status load_prediction_file(csv *set, const char *file)
{
    const odeon_host *host = set->host;
    char *text;
    uint64_t bytes;
    ODEON_TRY(regular_file_load(host, file, &text, &bytes));
    odeon_status status = read_prediction_text(set, file, text, bytes);
    host->free(host, text);
    ODEON_TRY(status);
    find_missing_labels(set);
    ODEON_TRY(set->unlabelled ? ODEON_OK : check_classes(set, file));
    return split_rows(host, file, set->table.n_rows, 0.0, 0, ODEON_SPLIT_TEST, &set->rows,
                      &set->n_rows);
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
    }
    return ODEON_OK;
}

/* Names the file's line and column behind a value, for messages about bad data. */
static void locate(void *self, int64_t index, int32_t field, int64_t element, char *text,
                   uint64_t bytes)
{
    const csv *set = self;
    int32_t at = (int32_t)element + (field == FIELD_LABEL ? set->n_inputs : 0);
    char name[128];
    csv_table_column(&set->wanted, at, name, sizeof name);
    (void)snprintf(text, bytes, "%s:%lld, column %s", set->path,
                   (long long)set->table.line[set->rows[index]], name);
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch,
                                      .open_file = open_file,
                                      .row = row,
                                      .locate = locate};

ODEON_PLUGIN_OPTIONS(
    DATASET, "csv", &ops,
    "rows of a table in a text file: columns of numbers, and a class or numbers to learn",
    "RFC 4180", "table|tabular|dataframe|pandas|tsv", csv, options, init, fini);
