/* tensors: samples out of files of float64 numbers, for tests that have them from elsewhere: x,
 * label and perhaps time in a folder, one sample after the other; time is one list for all samples.
 * Both splits are the same. */
#include <stdio.h>
#include <string.h>

#include "odeon/dataset.h"
#include "odeon/plugin.h"

enum { X, LABEL, TIME, N_FILES };

/* One file: numbers a sample, and all of them. */
typedef struct numbers {
    int64_t size, count;
    double *values;
} numbers;

typedef struct tensors {
    ODEON_INSTANCE;
    const char *path;
    odeon_i64_list shape, label_shape;
    int64_t classes, times;
    numbers files[N_FILES];
} tensors;

static const odeon_option *const options[] = {
    ODEON_OPTION(tensors, path, PATH, .default_text = ".", .help = "folder of the files"),
    ODEON_OPTION(tensors, shape, I64_LIST, .default_text = "2", .min_text = "1",
                 .help = "of a sample"),
    ODEON_OPTION(tensors, classes, I64, .default_text = "0", .min_text = "0",
                 .help = "of the labels; 0: numbers of label_shape"),
    ODEON_OPTION(tensors, label_shape, I64_LIST, .default_text = "1", .min_text = "1",
                 .help = "of a label where there are no classes"),
    ODEON_OPTION(tensors, times, I64, .default_text = "0", .min_text = "0",
                 .help = "numbers in the list of times; 0: there is none"),
    NULL};

static int64_t product(odeon_i64_list dim)
{
    int64_t size = 1;
    for (int64_t i = 0; i < dim.n; i++) {
        size *= dim.at[i];
    }
    return size;
}

static odeon_status init(void *self)
{
    tensors *set = self;
    set->files[X].size = product(set->shape);
    set->files[LABEL].size = set->classes > 0 ? 1 : product(set->label_shape);
    set->files[TIME].size = set->times;
    return ODEON_OK;
}

static void fini(void *self)
{
    tensors *set = self;
    for (int32_t i = 0; i < N_FILES; i++) {
        set->host->free(set->host, set->files[i].values);
    }
}

static int32_t field_count(void *self)
{
    const tensors *set = self;
    return set->times > 0 ? N_FILES : N_FILES - 1;
}

static void set_shape(odeon_field_info *out, odeon_i64_list dim)
{
    out->dtype = ODEON_DTYPE_F64;
    out->ndim = (int32_t)dim.n;
    for (int64_t i = 0; i < dim.n && i < 5; i++) {
        out->dim[i] = dim.at[i];
    }
}

static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    static const char *const names[] = {"x", "label", "time"};
    static const int32_t roles[] = {ODEON_ROLE_INPUT, ODEON_ROLE_LABEL, ODEON_ROLE_TIME};
    const tensors *set = self;
    out->name = names[index];
    out->role = roles[index];
    out->scale = 1.0;
    if (index == X) {
        set_shape(out, set->shape);
    } else if (index == TIME) {
        set_shape(out, (odeon_i64_list){&set->times, 1});
    } else if (set->classes == 0) {
        set_shape(out, set->label_shape);
    } else {
        out->dtype = ODEON_DTYPE_I64;
        out->classes = set->classes;
    }
    return ODEON_OK;
}

static odeon_status read_all(tensors *set, FILE *file, numbers *out)
{
    long bytes = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (bytes <= 0 || fseek(file, 0, SEEK_SET) != 0) {
        return odeon_fail(set->host, ODEON_ERR_IO, "tensors: %s: a file is empty", set->path);
    }
    out->values = set->host->alloc(set->host, (size_t)bytes);
    if (out->values == NULL) {
        return odeon_fail(set->host, ODEON_ERR_NOMEM, "tensors: no memory");
    }
    out->count = bytes / (long)sizeof(double);
    return fread(out->values, 1, (size_t)bytes, file) == (size_t)bytes
               ? ODEON_OK
               : odeon_fail(set->host, ODEON_ERR_IO, "tensors: %s: a file ends early", set->path);
}

static odeon_status read_numbers(tensors *set, const char *name, numbers *out)
{
    char whole[4096];
    (void)snprintf(whole, sizeof whole, "%s/%s", set->path, name);
    FILE *file = fopen(whole, "rb");
    if (file == NULL) {
        return odeon_fail(set->host, ODEON_ERR_IO, "tensors: %s cannot be opened", whole);
    }
    odeon_status status = read_all(set, file, out);
    (void)fclose(file);
    return status;
}

static odeon_status open_split(void *self, int32_t split, int64_t *n)
{
    tensors *set = self;
    (void)split;
    ODEON_TRY(read_numbers(set, "x", &set->files[X]));
    ODEON_TRY(read_numbers(set, "label", &set->files[LABEL]));
    if (set->times > 0) {
        ODEON_TRY(read_numbers(set, "time", &set->files[TIME]));
    }
    *n = set->files[X].count / set->files[X].size;
    return *n * set->files[LABEL].size == set->files[LABEL].count &&
                   set->files[TIME].count == set->times
               ? ODEON_OK
               : odeon_fail(set->host, ODEON_ERR_DATA, "tensors: %s: x and label differ in length",
                            set->path);
}

static void copy(const numbers *from, int64_t index, double *out)
{
    memcpy(out, from->values + index * from->size, (size_t)from->size * sizeof *out);
}

static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const tensors *set = self;
    const numbers *label = &set->files[LABEL];
    for (int64_t i = 0; i < n; i++) {
        copy(&set->files[X], indices[i], (double *)fields[X] + i * set->files[X].size);
        if (set->classes > 0) {
            ((int64_t *)fields[LABEL])[i] = (int64_t)label->values[indices[i]];
        } else {
            copy(label, indices[i], (double *)fields[LABEL] + i * label->size);
        }
        if (set->times > 0) {
            copy(&set->files[TIME], 0, (double *)fields[TIME] + i * set->times);
        }
    }
    return ODEON_OK;
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch};

ODEON_PLUGIN_OPTIONS(DATASET, "tensors", &ops, "samples out of files of float64 numbers", NULL,
                     NULL, tensors, options, init, fini);
