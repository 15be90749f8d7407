/* arrays: samples from arrays as numpy saves them: inputs [N,...] and labels [N] or [N,...].
 *
 * The file is kept as it is, and samples become numbers of dtype one by one. Standardization, where
 * it is wanted, has one mean and deviation for each channel of [C,H,W], else for each number of the
 * last dimension; it is fitted on the rows of `path` to train on, unless it came with the weights.
 */
#include "../common/arrays.h"

#include <math.h>
#include <string.h>

#include "../common/fitted_text.h"
#include "../common/split.h"
#include "../common/standard.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"

enum { FIELD_INPUT = 0, FIELD_LABEL = 1, N_FIELDS = 2, MOST_DIMS = 5 };
enum { DTYPE_F64 = 0, DTYPE_F32 = 1, DTYPE_U8 = 2 }; /* in the order of the choices */

typedef struct arrays {
    ODEON_INSTANCE;
    const char *path, *test_path, *validation_path, *inputs, *label, *fold;
    odeon_i64_list shape, label_shape;
    int64_t classes, dtype, standardize, split, split_seed;
    double test_fraction, validation_fraction;

    int64_t size, label_size, channels; /* numbers of a sample; means of one */
    split_plan plan;
    standard standard;
    bool is_fitted;
    fitted_text text;
    array_file file;
    const array *x, *y;
    int64_t *rows; /* [n_rows] of the split; NULL before open */
    int64_t n_rows;
} arrays;

static const odeon_option *const options[] = {
    ODEON_OPTION(arrays, path, PATH, .flags = ODEON_OPTION_REQUIRED, .aliases = "file|filename|npz",
                 .help = "an .npz as numpy.savez and savez_compressed write it"),
    ODEON_OPTION(arrays, shape, I64_LIST, .flags = ODEON_OPTION_REQUIRED, .min_text = "1",
                 .aliases = "inputshape", .help = "of one input, without the samples: 3 32 32"),
    ODEON_OPTION(arrays, inputs, STRING, .default_text = "x", .aliases = "input|features",
                 .help = "name of the array of inputs [N,...]"),
    ODEON_OPTION(arrays, label, STRING, .default_text = "y", .aliases = "labels|target|targets",
                 .help = "name of the array of labels: classes [N], or numbers [N,...]"),
    ODEON_OPTION(arrays, label_shape, I64_LIST, .flags = ODEON_OPTION_OPTIONAL, .min_text = "1",
                 .help = "of one label of numbers; 1 if not given"),
    ODEON_OPTION(arrays, classes, I64, .aliases = "nclasses|numclasses", .default_text = "0",
                 .min_text = "0", .max_text = "1000000000",
                 .help = "labels are classes, 0 to classes - 1; 0: they are numbers"),
    ODEON_OPTION(arrays, dtype, CHOICE, .aliases = "store|storage", .default_text = "float64",
                 .choices = "float64|float32|uint8",
                 .help = "how inputs are kept; uint8 are bytes of images, which stand for 0 to 1"),
    ODEON_OPTION(
        arrays, standardize, FLAG, .aliases = "standardise|normalize|zscore", .default_text = "no",
        .help = "inputs become (x - mean) / deviation, of the training samples, channel by "
                "channel of [C,H,W], else by the last dimension; kept with the weights"),
    ODEON_OPTION(arrays, test_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
                 .aliases = "testsize|testsplit|testratio", .default_text = "0.2", .min_text = "0",
                 .max_text = "1",
                 .help = "share of the samples to test on; 0: train and test on all of them"),
    ODEON_OPTION(arrays, validation_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
                 .aliases = "valfraction|valsize|valsplit|validation", .default_text = "0",
                 .min_text = "0", .max_text = "1",
                 .help = "share of the samples to choose weights by; 0: there is no such split"),
    ODEON_OPTION(arrays, test_path, PATH, .flags = ODEON_OPTION_OPTIONAL, .aliases = "testfile",
                 .help = "file to test on, in place of a share of path"),
    ODEON_OPTION(arrays, validation_path, PATH, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "validationfile|valpath|valfile",
                 .help = "file to choose weights by, in place of a share of path"),
    ODEON_OPTION(arrays, split, CHOICE, .aliases = "splitby", .default_text = "random",
                 .choices = "random|stratified|last",
                 .help = "which samples are shared out: any, as many of each class, or the last"),
    ODEON_OPTION(arrays, fold, STRING, .flags = ODEON_OPTION_OPTIONAL, .aliases = "kfold|folds|cv",
                 .help = "2/5: test on the second of five equal parts, in place of test_fraction"),
    ODEON_OPTION(arrays, split_seed, I64, .default_text = "0", .min_text = "0",
                 .help = "another seed draws other samples"),
    NULL};

/* ---- options and fields ---- */

static int64_t product(const odeon_i64_list *shape)
{
    int64_t n = 1;
    for (int32_t i = 0; i < shape->n; i++) {
        n = shape->at[i] > (INT64_C(1) << 40) / n ? INT64_C(1) << 40 : n * shape->at[i];
    }
    return n;
}

static odeon_status check_options(const arrays *set)
{
    const odeon_host *host = set->host;
    if (set->shape.n > MOST_DIMS || set->label_shape.n > MOST_DIMS || set->shape.n < 1) {
        return odeon_fail(host, ODEON_ERR_CONFIG, "shape: a sample has 1 to %d dimensions",
                          MOST_DIMS);
    }
    if (set->size >= INT64_C(1) << 40 || set->label_size >= INT64_C(1) << 40) {
        return odeon_fail(host, ODEON_ERR_CONFIG, "shape: too many numbers in a sample");
    }
    if (set->classes > 0 && set->label_shape.n > 0) {
        return odeon_fail(host, ODEON_ERR_CONFIG, "label_shape: a class is one number");
    }
    if (set->split == SPLIT_STRATIFIED && set->classes == 0) {
        return odeon_fail(host, ODEON_ERR_CONFIG, "split: stratified is by classes");
    }
    if (set->standardize != 0 && set->dtype == DTYPE_U8) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "standardize: bytes cannot hold what comes out: give dtype = float32");
    }
    return set->test_fraction + set->validation_fraction < 1.0
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_CONFIG,
                            "test_fraction and validation_fraction leave nothing to train on");
}

static odeon_status init(void *self)
{
    arrays *set = self;
    set->size = product(&set->shape);
    set->label_size = set->classes > 0 ? 1 : product(&set->label_shape);
    set->channels = set->shape.n == 3 ? set->shape.at[0] : set->shape.at[set->shape.n - 1];
    set->plan =
        (split_plan){.name = set->path,
                     .how = set->split,
                     .test = set->test_path != NULL ? 0.0 : set->test_fraction,
                     .validation = set->validation_path != NULL ? 0.0 : set->validation_fraction,
                     .seed = (uint64_t)set->split_seed};
    ODEON_TRY(check_options(set));
    return split_parse_fold(set->host, set->fold, set->test_path, &set->plan.fold,
                            &set->plan.folds);
}

static void unload(arrays *set)
{
    array_file_free(set->host, &set->file);
    set->host->free(set->host, set->rows);
    set->rows = NULL;
}

static void fini(void *self)
{
    arrays *set = self;
    unload(set);
    standard_free(set->host, &set->standard);
    fitted_text_free(set->host, &set->text);
}

static int32_t field_count(void *self)
{
    (void)self;
    return N_FIELDS;
}

static void give_shape(odeon_field_info *out, const odeon_i64_list *shape)
{
    out->ndim = shape->n > 0 ? (int32_t)shape->n : 1;
    out->dim[0] = 1;
    for (int32_t i = 0; i < shape->n; i++) {
        out->dim[i] = shape->at[i];
    }
}

/* Input [shape]; label I64 [], a class, or F64 [label_shape]. */
static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    static const uint32_t dtypes[] = {ODEON_DTYPE_F64, ODEON_DTYPE_F32, ODEON_DTYPE_U8};
    const arrays *set = self;
    odeon_field_info made = {.struct_size = out->struct_size, .scale = 1.0};
    if (index != FIELD_INPUT && index != FIELD_LABEL) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "arrays: there is no field %d",
                          (int)index);
    }
    made.role = index == FIELD_INPUT ? ODEON_ROLE_INPUT : ODEON_ROLE_LABEL;
    made.name = index == FIELD_INPUT ? "input" : "label";
    if (index == FIELD_INPUT) {
        made.dtype = dtypes[set->dtype];
        made.scale = set->dtype == DTYPE_U8 ? 1.0 / 255.0 : 1.0;
        give_shape(&made, &set->shape);
    } else if (set->classes > 0) {
        made.dtype = ODEON_DTYPE_I64;
        made.classes = set->classes;
    } else {
        made.dtype = ODEON_DTYPE_F64;
        give_shape(&made, &set->label_shape);
    }
    *out = made;
    return ODEON_OK;
}

/* ---- the file ---- */

static odeon_status refuse_shape(const arrays *set, const char *path, const char *name,
                                 const array *x, const odeon_i64_list *shape)
{
    char have[128] = "missing", want[128];
    size_t at = (size_t)snprintf(want, sizeof want, "[N");
    for (int32_t i = 0; i < shape->n; i++) {
        at += (size_t)snprintf(want + at, sizeof want - at, ",%lld", (long long)shape->at[i]);
    }
    if (x != NULL) {
        (void)array_shape(x, have, sizeof have);
    }
    bool several = x != NULL && x == set->y && shape->n == 0 && set->classes == 0 && x->ndim > 1;
    return odeon_fail(set->host, ODEON_ERR_DATA, "%s: the array '%s' is %s, expected %s]%s", path,
                      name, have, want,
                      several ? ": label_shape says what one label is, where it is more than one "
                                "number"
                              : "");
}

/* [N, shape...] with N as the other array has it; [N] also for one number. */
static bool fits(const array *x, const odeon_i64_list *shape, int64_t size, int64_t n)
{
    bool plain = x != NULL && x->ndim == 1 && size == 1 && x->dim[0] == n;
    bool same = x != NULL && x->ndim == 1 + shape->n && x->dim[0] == n;
    for (int32_t i = 0; same && i < shape->n; i++) {
        same = x->dim[1 + i] == shape->at[i];
    }
    return plain || same;
}

static odeon_status check_numbers(const arrays *set, const char *path)
{
    bool bytes = set->dtype == DTYPE_U8;
    for (int64_t i = 0; bytes && i < set->x->count; i++) {
        double x = array_number(set->x, i);
        if (!(x >= 0.0 && x <= 255.0 && x == floor(x))) {
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s: '%s' has %g in sample %lld, but dtype = uint8 are whole numbers "
                              "from 0 to 255",
                              path, set->inputs, x, (long long)(i / set->size));
        }
    }
    for (int64_t i = 0; set->classes > 0 && i < set->y->count; i++) {
        double y = array_number(set->y, i);
        if (!(y >= 0.0 && y < (double)set->classes && y == floor(y))) {
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s: '%s' of sample %lld is %g, but classes = %lld allows whole "
                              "numbers from 0 to %lld",
                              path, set->label, (long long)i, y, (long long)set->classes,
                              (long long)set->classes - 1);
        }
    }
    return ODEON_OK;
}

static odeon_status read_file(arrays *set, const char *path)
{
    array_file_free(set->host, &set->file);
    ODEON_TRY(array_file_load(set->host, path, &set->file));
    set->x = array_find(&set->file, set->inputs);
    set->y = array_find(&set->file, set->label);
    int64_t n = set->x != NULL && set->x->ndim > 0 ? set->x->dim[0] : 0;
    if (n == 0 || !fits(set->x, &set->shape, set->size, n)) {
        return refuse_shape(set, path, set->inputs, set->x, &set->shape);
    }
    if (!fits(set->y, &set->label_shape, set->label_size, n)) {
        return refuse_shape(set, path, set->label, set->y, &set->label_shape);
    }
    return check_numbers(set, path);
}

/* ---- what is fitted ---- */

/* Which mean element i of a sample has. */
static int32_t channel_of(const arrays *set, int64_t i)
{
    return (int32_t)(set->shape.n == 3 ? i / (set->size / set->channels) : i % set->channels);
}

/* Two passes over the training samples, the second around the means of the first. */
static void sum_channels(const arrays *set, const uint8_t *split, bool square, double *sum)
{
    for (int64_t i = 0; i < set->x->count; i++) {
        int32_t c = channel_of(set, i % set->size);
        double x = array_number(set->x, i) - (square ? set->standard.mean[c] : 0.0);
        sum[c] += split[i / set->size] != ODEON_SPLIT_TRAIN ? 0.0 : square ? x * x : x;
    }
}

static odeon_status write_text(arrays *set)
{
    for (int32_t c = 0; c < set->standard.n; c++) {
        ODEON_TRY(fitted_add_numbers(set->host, &set->text, "channel", set->standard.mean[c],
                                     set->standard.deviation[c]));
    }
    return ODEON_OK;
}

/* A mean of what is no number says nothing of the channel: the first such number is named. */
static odeon_status check_finite(const arrays *set, const uint8_t *split)
{
    for (int64_t i = 0; i < set->x->count; i++) {
        double x = array_number(set->x, i);
        if (!isfinite(x) && split[i / set->size] == ODEON_SPLIT_TRAIN) {
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s: '%s' has %g in sample %lld, element %lld: it cannot be "
                              "standardized",
                              set->path, set->inputs, x, (long long)(i / set->size),
                              (long long)(i % set->size));
        }
    }
    return ODEON_OK;
}

static odeon_status fit(arrays *set, const uint8_t *split)
{
    standard *s = &set->standard;
    int64_t n = 0, samples = set->x->dim[0];
    set->is_fitted = true;
    if (set->standardize == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(check_finite(set, split));
    ODEON_TRY(standard_make(set->host, (int32_t)set->channels, s));
    for (int64_t i = 0; i < samples; i++) {
        n += split[i] == ODEON_SPLIT_TRAIN;
    }
    double count = (double)n * (double)(set->size / set->channels);
    sum_channels(set, split, false, s->mean);
    for (int32_t c = 0; c < s->n; c++) {
        s->mean[c] /= count;
        s->deviation[c] = 0.0;
    }
    sum_channels(set, split, true, s->deviation);
    for (int32_t c = 0; c < s->n; c++) {
        s->deviation[c] = sqrt(s->deviation[c] / count);
        if (!(s->deviation[c] > 1e-14 * fabs(s->mean[c]))) {
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s: channel %d of '%s' is the same in all samples to train on: it "
                              "cannot be standardized",
                              set->path, (int)c, set->inputs);
        }
    }
    return write_text(set);
}

static const char *fitted(void *self)
{
    const arrays *set = self;
    return set->text.text;
}

static odeon_status restore(void *self, const char *text)
{
    arrays *set = self;
    bool sound = true;
    set->is_fitted = true;
    ODEON_TRY(set->standardize != 0
                  ? standard_make(set->host, (int32_t)set->channels, &set->standard)
                  : ODEON_OK);
    for (int32_t c = 0; c < set->standard.n && sound; c++) {
        sound = fitted_take_numbers(&text, "channel", &set->standard.mean[c],
                                    &set->standard.deviation[c]) &&
                isfinite(set->standard.mean[c]) && set->standard.deviation[c] > 0.0;
    }
    return sound && *text == '\0'
               ? write_text(set)
               : odeon_fail(set->host, ODEON_ERR_DATA,
                            "what was fitted with these weights does not belong to shape and "
                            "standardize of this INI");
}

static odeon_status standard_of(void *self, int32_t index, double *mean, double *deviation,
                                int32_t *is_standard)
{
    const arrays *set = self;
    *is_standard = index == FIELD_INPUT && set->standard.mean != NULL;
    for (int64_t i = 0; *is_standard != 0 && i < set->size; i++) {
        mean[i] = set->standard.mean[channel_of(set, i)];
        deviation[i] = set->standard.deviation[channel_of(set, i)];
    }
    return ODEON_OK;
}

/* ---- splits ---- */

static odeon_status share(const arrays *set, uint8_t *split)
{
    const odeon_host *host = set->host;
    int64_t n = set->x->dim[0];
    split_plan plan = set->plan;
    double *class = NULL;
    if (set->split == SPLIT_STRATIFIED) {
        class = host->alloc(host, (uint64_t)n * sizeof *class);
        if (class == NULL) {
            return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory", set->path);
        }
        for (int64_t i = 0; i < n; i++) {
            class[i] = array_number(set->y, i);
        }
    }
    plan.class = class;
    odeon_status status = split_assign(host, &plan, n, split);
    host->free(host, class);
    return status;
}

static odeon_status load_main(arrays *set, int32_t which)
{
    const odeon_host *host = set->host;
    ODEON_TRY(read_file(set, set->path));
    uint8_t *split = host->alloc(host, (uint64_t)set->x->dim[0]);
    odeon_status status = split != NULL
                              ? share(set, split)
                              : odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory", set->path);
    if (status == ODEON_OK && !set->is_fitted) {
        status = fit(set, split);
    }
    if (status == ODEON_OK) {
        status =
            split_pick(host, &set->plan, set->x->dim[0], split, which, &set->rows, &set->n_rows);
    }
    host->free(host, split);
    return status;
}

/* A file of its own is all of its split. */
static odeon_status load(arrays *set, int32_t which)
{
    const char *own = which == ODEON_SPLIT_TEST         ? set->test_path
                      : which == ODEON_SPLIT_VALIDATION ? set->validation_path
                                                        : NULL;
    if (own == NULL) {
        return load_main(set, which);
    }
    if (!set->is_fitted) {
        ODEON_TRY(load_main(set, ODEON_SPLIT_TRAIN));
        unload(set);
    }
    ODEON_TRY(read_file(set, own));
    set->n_rows = set->x->dim[0];
    set->rows = set->host->alloc(set->host, (uint64_t)set->n_rows * sizeof *set->rows);
    for (int64_t i = 0; set->rows != NULL && i < set->n_rows; i++) {
        set->rows[i] = i;
    }
    return set->rows != NULL
               ? ODEON_OK
               : odeon_fail(set->host, ODEON_ERR_NOMEM, "%s: no memory for its samples", own);
}

static int32_t has_split(void *self, int32_t split)
{
    const arrays *set = self;
    return split == ODEON_SPLIT_TRAIN || split == ODEON_SPLIT_TEST ||
           (split == ODEON_SPLIT_VALIDATION &&
            (set->validation_path != NULL || set->plan.validation > 0.0));
}

static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    arrays *set = self;
    if (has_split(set, split) == 0 || set->rows != NULL) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "arrays: opened twice, or a split %d",
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

/* ---- samples ---- */

/* Element i of the file's input, of a sample's element k, as number j of out. */
static void copy_number(const arrays *set, int64_t i, int64_t k, void *out, int64_t j)
{
    double x = standard_apply(&set->standard, channel_of(set, k), array_number(set->x, i));
    switch (set->dtype) {
    case DTYPE_U8:
        ((uint8_t *)out)[j] = (uint8_t)x;
        break;
    case DTYPE_F32:
        ((float *)out)[j] = (float)x;
        break;
    default:
        ((double *)out)[j] = x;
    }
}

static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const arrays *set = self;
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || set->rows == NULL || indices[i] >= set->n_rows) {
            return odeon_fail(set->host, ODEON_ERR_INTERNAL, "arrays: sample %lld of %lld",
                              (long long)indices[i], (long long)set->n_rows);
        }
        int64_t from = set->rows[indices[i]], m = set->label_size;
        for (int64_t k = 0; k < set->size; k++) {
            copy_number(set, from * set->size + k, k, fields[FIELD_INPUT], i * set->size + k);
        }
        for (int64_t k = 0; k < m; k++) {
            double y = array_number(set->y, from * m + k);
            if (set->classes > 0) {
                ((int64_t *)fields[FIELD_LABEL])[i] = (int64_t)y;
            } else {
                ((double *)fields[FIELD_LABEL])[i * m + k] = y;
            }
        }
    }
    return ODEON_OK;
}

static int64_t row(void *self, int64_t index)
{
    const arrays *set = self;
    return set->rows[index];
}

static void locate(void *self, int64_t index, int32_t field_index, int64_t element, char *text,
                   uint64_t bytes)
{
    const arrays *set = self;
    (void)snprintf(text, bytes, "array '%s', sample %lld, element %lld",
                   field_index == FIELD_INPUT ? set->inputs : set->label,
                   (long long)set->rows[index], (long long)element);
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch,
                                      .row = row,
                                      .locate = locate,
                                      .has_split = has_split,
                                      .fitted = fitted,
                                      .restore = restore,
                                      .standard = standard_of};

ODEON_PLUGIN_OPTIONS(DATASET, "arrays", &ops,
                     "samples from arrays in an .npz: inputs, and classes or numbers to learn",
                     "https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html",
                     "npz|npy|numpy|tensors", arrays, options, init, fini);
