#include "data/data.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/fitted.h"
#include "data/order_file.h"
#include "data/sample_check.h"
#include "plugin/calling.h"

/* Constant once it is open, so that any number of threads may read from it. */
struct data_source {
    instance *set;
    int32_t split;
    uint32_t dtype; /* of the run */
    data_fields fields;
    int64_t stored; /* samples of the split */
    int64_t length; /* of them in use */
    int64_t *order; /* [length]: the samples in use; NULL: the first ones */
    bool fixed;     /* order is data.order's, which every epoch follows as it is */
    bool shuffled;
    int64_t drawn; /* samples of an epoch; 0, or more than there are: all in use */
    bool lent;     /* set is that of another source, which outlives this one */
};

/* The registry has checked the kind, so the table is that of a data set. */
static const odeon_dataset_ops *ops_of(const instance *set)
{
    return set->component->ops;
}

/* ---- a split ---- */

static odeon_status no_memory(int64_t n)
{
    return diag_fail(ODEON_ERR_NOMEM, "data: no memory for %lld samples", (long long)n);
}

/* Those of the samples in use that are for validation, or those that are not, in the order in which
 * they are stored. drawn is a permutation of all of them, of which the first n_apart are for
 * validation. */
static odeon_status list_share(data_source *source, int64_t n_apart, bool apart,
                               const int64_t *drawn)
{
    int64_t n = source->length, k = 0;
    bool *marked = mem_zalloc((size_t)n, sizeof *marked);
    int64_t *list = mem_zalloc((size_t)n, sizeof *list);
    for (int64_t i = 0; i < n_apart && marked != NULL; i++) {
        marked[drawn[i]] = true;
    }
    for (int64_t i = 0; i < n && marked != NULL && list != NULL; i++) {
        if (marked[i] == apart) {
            list[k++] = i;
        }
    }
    bool listed = marked != NULL && list != NULL;
    source->order = listed ? list : NULL;
    source->length = k;
    mem_free(marked);
    if (!listed) {
        mem_free(list);
    }
    return listed ? ODEON_OK : no_memory(n);
}

/* Of the first samples in use, source->length of them, share is drawn for validation: the same
 * ones whatever run.seed is, so that runs of several seeds are chosen by the same samples. */
static odeon_status keep_share(data_source *source, double share, bool apart)
{
    int64_t n = source->length, n_apart = (int64_t)(share * (double)n + 0.5);
    if (n_apart < 1 || n_apart >= n) {
        return diag_fail(ODEON_ERR_DATA,
                         "data.validation = %g: of %lld samples that is %lld, which leaves none to "
                         "%s: choose another share",
                         share, (long long)n, (long long)n_apart,
                         n_apart < 1 ? "validate on" : "train on");
    }
    int64_t *drawn = mem_zalloc((size_t)n, sizeof *drawn);
    if (drawn == NULL) {
        return no_memory(n);
    }
    rng_permutation(rng_key(0, "validation", 0, 0), n, drawn);
    odeon_status status = list_share(source, n_apart, apart, drawn);
    mem_free(drawn);
    return status;
}

/* What a data set without the slot serves was all that there was before there was the slot. */
static bool has_split(const instance *set, int32_t split)
{
    const odeon_dataset_ops *ops = ops_of(set);
    if (!ODEON_HAS(ops, odeon_dataset_ops, has_split)) {
        return split == ODEON_SPLIT_TRAIN || split == ODEON_SPLIT_TEST;
    }
    calling outer = calling_begin(set, "has_split");
    bool has = ops->has_split(set->self, split) != 0;
    calling_leave(outer);
    return has;
}

odeon_status data_has_split(const config *c, int32_t split, bool *has)
{
    instance *set;
    *has = false;
    ODEON_TRY(instance_create(c->dataset, "data", &set));
    *has = has_split(set, split);
    instance_destroy(set);
    return ODEON_OK;
}

/* The order file counts in samples of the split, which is known only once it is open; a limit
 * applies to what the order left. */
static odeon_status open_set(data_source *source, const config *c, int32_t split)
{
    instance *set;
    ODEON_TRY(instance_create(c->dataset, "data", &source->set));
    set = source->set;
    source->split = split;
    source->dtype = c->dtype;
    ODEON_TRY(data_fields_read(set, &source->fields));
    if (!has_split(set, split)) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "data: data set %s has no %s split",
                         set->component->id, data_split_name(split));
    }
    ODEON_TRY(fitted_restore(set, c));
    calling outer = calling_begin(set, "open");
    ODEON_TRY(calling_end(outer, ops_of(set)->open(set->self, split, &source->stored)));
    if (source->stored < 1) {
        return diag_fail(ODEON_ERR_DATA, "data: data set %s has no samples in its %s split",
                         set->component->id, data_split_name(split));
    }
    source->length = source->stored;
    if (split == ODEON_SPLIT_TRAIN && c->order != NULL) {
        ODEON_TRY(order_file_read(c->order, source->stored, &source->order, &source->length));
        source->fixed = true;
    }
    int64_t limit = split == ODEON_SPLIT_TRAIN ? c->limit : c->test_limit;
    /* 0 is no limit. */
    if (limit > 0 && limit < source->length) {
        source->length = limit;
    }
    source->shuffled = split == ODEON_SPLIT_TRAIN && c->shuffle;
    source->drawn = source->shuffled ? c->epoch_samples : 0;
    bool divided = split == ODEON_SPLIT_TRAIN && c->validation > 0.0;
    return divided ? keep_share(source, c->validation, false) : ODEON_OK;
}

/* data_close takes what there is of a source that could not be opened. */
odeon_status data_open(const config *c, int32_t split, data_source **out)
{
    *out = NULL;
    data_source *source = mem_zalloc(1, sizeof *source);
    if (source == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory to open the data set");
    }
    odeon_status status = open_set(source, c, split);
    if (status != ODEON_OK) {
        data_close(source);
        return status;
    }
    *out = source;
    return ODEON_OK;
}

/* The data set's own split; else, of what the training split was before its share was taken, the
 * first samples, as many as the limit leaves. */
odeon_status data_open_validation(const config *c, const data_source *train, data_source **out)
{
    *out = NULL;
    bool is_own = has_split(train->set, ODEON_SPLIT_VALIDATION);
    if (is_own && c->validation > 0.0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "data.validation = %g: data set %s has a validation split of its own, as "
                         "its options say: keep one of the two",
                         c->validation, train->set->component->id);
    }
    if (is_own) {
        return data_open(c, ODEON_SPLIT_VALIDATION, out);
    }
    if (!(c->validation > 0.0)) {
        return ODEON_OK;
    }
    data_source *source = mem_zalloc(1, sizeof *source);
    if (source == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory to open the data set");
    }
    *source = *train;
    source->lent = true;
    source->shuffled = false;
    source->drawn = 0;
    source->order = NULL;
    source->length = c->limit > 0 && c->limit < train->stored ? c->limit : train->stored;
    odeon_status status = keep_share(source, c->validation, true);
    if (status != ODEON_OK) {
        data_close(source);
        return status;
    }
    *out = source;
    return ODEON_OK;
}

void data_close(data_source *source)
{
    if (source != NULL) {
        if (!source->lent) {
            instance_destroy(source->set);
        }
        mem_free(source->order);
        mem_free(source);
    }
}

const char *data_fitted(const data_source *source)
{
    return fitted_text(source->set);
}

odeon_status data_units(const data_source *source, int32_t role, field_units *out)
{
    return field_units_of(source->set, &source->fields, role, out);
}

odeon_status data_class_names(const data_source *source, const char ***out)
{
    return class_names_of(source->set, source->fields.of[ODEON_ROLE_LABEL].classes, out);
}

const data_fields *data_source_fields(const data_source *source)
{
    return &source->fields;
}

int64_t data_length(const data_source *source)
{
    return source->length;
}

int64_t data_epoch_length(const data_source *source)
{
    return source->drawn > 0 && source->drawn < source->length ? source->drawn : source->length;
}

int64_t data_stored(const data_source *source)
{
    return source->stored;
}

/* Two passes: mark what the order names, however often, then number the marks. */
odeon_status data_used(const data_source *source, int64_t *n, int64_t **row)
{
    *n = source->length;
    *row = NULL;
    if (source->order == NULL) {
        return ODEON_OK;
    }
    *row = mem_zalloc((size_t)source->stored, sizeof **row);
    if (*row == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory for the rows of %lld samples",
                         (long long)source->stored);
    }
    for (int64_t i = 0; i < source->length; i++) {
        (*row)[source->order[i]] = 1;
    }
    *n = 0;
    for (int64_t i = 0; i < source->stored; i++) {
        (*row)[i] = (*row)[i] != 0 ? (*n)++ : -1;
    }
    return ODEON_OK;
}

/* Unlike data_order never shuffled: what the samples are does not depend on an epoch. */
void data_in_use(const data_source *source, int64_t *indices)
{
    if (source->order != NULL) {
        memcpy(indices, source->order, (size_t)source->length * sizeof *indices);
        return;
    }
    for (int64_t i = 0; i < source->length; i++) {
        indices[i] = i;
    }
}

/* The key follows from seed and epoch alone, so a run that goes on in the middle of an epoch visits
 * the same samples in the same order. */
odeon_status data_order(const data_source *source, uint64_t seed, int64_t epoch, int64_t *order)
{
    if (source->fixed || !source->shuffled) {
        data_in_use(source, order);
        return ODEON_OK;
    }
    rng_permutation(rng_key(seed, "order", (uint64_t)epoch, 0), source->length, order);
    for (int64_t i = 0; i < source->length && source->order != NULL; i++) {
        order[i] = source->order[order[i]];
    }
    return ODEON_OK;
}

/* ---- samples ---- */

/* Indices are checked here, once for all data sets, which may rely on it. The caller has the fields
 * by role, the data set by its own numbers, hence in_order. */
odeon_status data_batch(const data_source *source, int64_t n, const int64_t *indices,
                        void *const *fields)
{
    void *in_order[DATA_ROLES] = {NULL};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(&source->fields, role)) {
            in_order[source->fields.index[role]] = fields[role];
        }
    }
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || indices[i] >= source->stored) {
            return diag_fail(ODEON_ERR_INTERNAL, "data: sample %lld of %lld was asked for",
                             (long long)indices[i], (long long)source->stored);
        }
    }
    calling outer = calling_begin(source->set, "get_batch");
    ODEON_TRY(calling_end(outer,
                          ops_of(source->set)->get_batch(source->set->self, n, indices, in_order)));
    return sample_check(&(sample_origin){.set = source->set,
                                         .split = source->split,
                                         .dtype = source->dtype,
                                         .fields = &source->fields},
                        n, indices, fields);
}

void data_locate(const data_source *source, int32_t role, int64_t index, int64_t element,
                 char *text, size_t bytes)
{
    const odeon_dataset_ops *ops = ops_of(source->set);
    text[0] = '\0';
    if (ODEON_HAS(ops, odeon_dataset_ops, locate)) {
        calling outer = calling_begin(source->set, "locate");
        ops->locate(source->set->self, index, source->fields.index[role], element, text, bytes);
        calling_leave(outer);
        text[bytes - 1] = '\0';
    }
}

/* ---- samples as numbers ---- */

/* Without the slot a sample stands where its index says. */
int64_t data_row(const data_source *source, int64_t index)
{
    const odeon_dataset_ops *ops = ops_of(source->set);
    return ODEON_HAS(ops, odeon_dataset_ops, row) ? ops->row(source->set->self, index) : index;
}

/* Takes an array of which some are NULL. */
static void free_all(void *fields[DATA_ROLES])
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(fields[role]);
    }
}

/* Elements of n samples of a field. */
static int64_t count(const data_fields *fields, int32_t role, int64_t n)
{
    odeon_shape x = data_field_shape(fields, role, n, ODEON_DTYPE_F64);
    return odeon_count(&x);
}

/* Samples as stored; the caller frees what is in raw, on failure too. All are allocated before one
 * is missed, so that raw is set throughout. */
static odeon_status read_raw(const data_source *source, int64_t n, const int64_t *indices,
                             void *raw[DATA_ROLES])
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        raw[role] = NULL;
        if (data_has(&source->fields, role)) {
            raw[role] = mem_zalloc((size_t)n, (size_t)data_field_bytes(&source->fields, role));
        }
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(&source->fields, role) && raw[role] == NULL) {
            return no_memory(n);
        }
    }
    return data_batch(source, n, indices, raw);
}

/* All fields are read, since a data set fills all that it has; the labels alone are kept. */
odeon_status data_labels(const data_source *source, int64_t n, const int64_t *indices, double *out)
{
    void *raw[DATA_ROLES];
    odeon_status status = read_raw(source, n, indices, raw);
    if (status == ODEON_OK) {
        data_field_values(&source->fields.of[ODEON_ROLE_LABEL], n, raw[ODEON_ROLE_LABEL], out);
    }
    free_all(raw);
    return status;
}

odeon_status data_known_labels(const data_source *source, int64_t n, const int64_t *indices,
                               double *out)
{
    const data_fields *fields = &source->fields;
    const odeon_field_info *label = &fields->of[ODEON_ROLE_LABEL];
    void *raw[DATA_ROLES];
    odeon_status status = read_raw(source, n, indices, raw);
    if (status == ODEON_OK) {
        data_field_values(label, n, raw[ODEON_ROLE_LABEL], out);
    }
    for (int64_t i = 0;
         status == ODEON_OK && data_has(fields, ODEON_ROLE_MASK) && i < n * data_field_size(label);
         i++) {
        double weight = data_field_value(&fields->of[ODEON_ROLE_MASK], raw[ODEON_ROLE_MASK], i);
        out[i] = weight != 0.0 ? out[i] : (double)NAN;
    }
    free_all(raw);
    return status;
}

/* What a file has no labels for gets none. */
static odeon_status take_numbers(const data_source *source, bool labelled, void *raw[DATA_ROLES],
                                 double *field[DATA_ROLES])
{
    int64_t n = source->length;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (raw[role] == NULL || (role == ODEON_ROLE_LABEL && !labelled)) {
            continue;
        }
        field[role] = mem_zalloc((size_t)count(&source->fields, role, n), sizeof(double));
        if (field[role] == NULL) {
            return no_memory(n);
        }
        data_field_values(&source->fields.of[role], n, raw[role], field[role]);
    }
    return ODEON_OK;
}

/* All samples at once: such a file is what a model is asked about, not a training set. */
static odeon_status read_opened(const data_source *source, bool labelled, double *field[DATA_ROLES])
{
    int64_t n = source->length, *order = mem_zalloc((size_t)n, sizeof *order);
    void *raw[DATA_ROLES] = {NULL};
    for (int64_t i = 0; i < n && order != NULL; i++) {
        order[i] = i;
    }
    odeon_status status = order != NULL ? read_raw(source, n, order, raw) : no_memory(n);
    if (status == ODEON_OK) {
        status = take_numbers(source, labelled, raw, field);
    }
    free_all(raw);
    mem_free(order);
    return status;
}

/* A file of the data set's kind is a split of its own, with all of its samples in use. Neither
 * limit nor order applies to it. */
static odeon_status open_single_file(data_source *source, const config *c, const char *path,
                                     int32_t *labelled)
{
    ODEON_TRY(instance_create(c->dataset, "data", &source->set));
    const odeon_dataset_ops *ops = ops_of(source->set);
    const char *id = source->set->component->id;
    if (!ODEON_HAS(ops, odeon_dataset_ops, open_file)) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: data set %s reads no single files", path, id);
    }
    ODEON_TRY(data_fields_read(source->set, &source->fields));
    ODEON_TRY(fitted_restore(source->set, c));
    ODEON_TRY(ops->open_file(source->set->self, path, &source->stored, labelled));
    source->length = source->stored;
    return source->length > 0 ? ODEON_OK : diag_fail(ODEON_ERR_DATA, "%s: has no samples", path);
}

static odeon_status read_rows(const data_source *source, int64_t **row)
{
    *row = mem_zalloc((size_t)source->length, sizeof **row);
    for (int64_t i = 0; *row != NULL && i < source->length; i++) {
        (*row)[i] = data_row(source, i);
    }
    return *row != NULL ? ODEON_OK : no_memory(source->length);
}

/* source is on the stack and never leaves: it serves to read the one file. */
odeon_status data_read_file(const config *c, const char *path, int64_t *n, int64_t **row,
                            double *field[DATA_ROLES])
{
    data_source source = {.set = NULL};
    int32_t labelled = 0;
    *row = NULL;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        field[role] = NULL;
    }
    odeon_status status = open_single_file(&source, c, path, &labelled);
    if (status == ODEON_OK) {
        status = read_opened(&source, labelled != 0, field);
    }
    if (status == ODEON_OK) {
        status = read_rows(&source, row);
    }
    *n = source.length;
    instance_destroy(source.set);
    return status;
}
