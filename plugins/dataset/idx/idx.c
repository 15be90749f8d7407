/* idx: images with class labels in four files of the IDX format, such as MNIST. */
#include <stdbool.h>
#include <string.h>

#include "files.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"
#include "reader.h"

enum { FIELD_IMAGE = 0, FIELD_LABEL = 1, N_FIELDS = 2, MAX_IMAGE_DIMS = 5 };

/* Images and labels of one split, as bytes; the host converts to the run's dtype. */
typedef struct idx {
    ODEON_INSTANCE;
    const char *path; /* of the folder */
    odeon_i64_list shape;
    int64_t classes;
    const char *train_images, *train_labels, *test_images, *test_labels; /* NULL: by their names */

    idx_items images, labels; /* data NULL before open */
} idx;

static const odeon_option *const options[] = {
    ODEON_OPTION(
        idx, path, PATH, .flags = ODEON_OPTION_REQUIRED, .aliases = "root|dir|folder|datadir|file",
        .help =
            "folder of train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..., each perhaps "
            "with .gz"),
    ODEON_OPTION(
        idx, shape, I64_LIST, .default_text = "1 28 28", .min_text = "1",
        .help = "channels, height and width of an image; the files must agree, leading ones aside"),
    ODEON_OPTION(idx, classes, I64, .aliases = "nclasses|numclasses", .default_text = "10",
                 .min_text = "1", .max_text = "256", .help = "labels are 0 to classes - 1"),
    ODEON_OPTION(idx, train_images, PATH, .flags = ODEON_OPTION_OPTIONAL,
                 .help = "file of the training images, if it has another name"),
    ODEON_OPTION(idx, train_labels, PATH, .flags = ODEON_OPTION_OPTIONAL,
                 .help = "file of the training labels, if it has another name"),
    ODEON_OPTION(idx, test_images, PATH, .flags = ODEON_OPTION_OPTIONAL,
                 .help = "file of the test images, if it has another name"),
    ODEON_OPTION(idx, test_labels, PATH, .flags = ODEON_OPTION_OPTIONAL,
                 .help = "file of the test labels, if it has another name"),
    NULL};

/* Bounds the product of dimensions, so that no size computed from it can overflow. */
static odeon_status init(void *self)
{
    const idx *set = self;
    const odeon_i64_list *shape = &set->shape;
    if (shape->n < 1 || shape->n > MAX_IMAGE_DIMS) {
        return odeon_fail(set->host, ODEON_ERR_CONFIG,
                          "idx: shape has %d numbers, expected 1 to %d", (int)shape->n,
                          MAX_IMAGE_DIMS);
    }
    uint64_t bytes = 1;
    for (int64_t i = 0; i < shape->n; i++) {
        if (shape->at[i] < 1 || bytes > IDX_MAX_BYTES / (uint64_t)shape->at[i]) {
            return odeon_fail(set->host, ODEON_ERR_CONFIG,
                              "idx: shape: an image has at least 1 and at most %llu bytes",
                              (unsigned long long)IDX_MAX_BYTES);
        }
        bytes *= (uint64_t)shape->at[i];
    }
    return ODEON_OK;
}

/* Frees the data, so that a failed open leaves the set as before. */
static void unload(idx *set)
{
    set->host->free(set->host, set->images.data);
    set->host->free(set->host, set->labels.data);
    set->images = set->labels = (idx_items){0};
}

static void fini(void *self)
{
    unload(self);
}

static int32_t field_count(void *self)
{
    (void)self;
    return N_FIELDS;
}

/* Image U8 [shape], scaled to [0,1]; label U8, a class. */
static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const idx *set = self;
    uint32_t struct_size = out->struct_size;
    if (index == FIELD_IMAGE) {
        *out = (odeon_field_info){.role = ODEON_ROLE_INPUT,
                                  .dtype = ODEON_DTYPE_U8,
                                  .ndim = (int32_t)set->shape.n,
                                  .scale = 1.0 / 255.0,
                                  .name = "image"};
        memcpy(out->dim, set->shape.at, (size_t)set->shape.n * sizeof *out->dim);
    } else if (index == FIELD_LABEL) {
        *out = (odeon_field_info){.role = ODEON_ROLE_LABEL,
                                  .dtype = ODEON_DTYPE_U8,
                                  .classes = set->classes,
                                  .scale = 1.0,
                                  .name = "label"};
    } else {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "idx: there is no field %d", (int)index);
    }
    out->struct_size = struct_size;
    return ODEON_OK;
}

/* Opens and reads one file, explicit_path or the folder's of the prefix; file->path remains for
 * messages. ndim 0: labels. */
static odeon_status load(const idx *set, const char *prefix, const char *explicit_path,
                         int32_t ndim, idx_file *file, idx_items *out)
{
    ODEON_TRY(idx_file_open(set->host, set->path, prefix, ndim == 0 ? 1 : 3, explicit_path, file));
    odeon_status status = idx_read(set->host, &file->source, ndim, set->shape.at, out);
    idx_file_close(file);
    return status;
}

/* Checked once at open, so that a batch need not be. */
static odeon_status check_labels(const idx *set, const char *images_path, const char *labels_path)
{
    const odeon_host *host = set->host;
    if (set->images.count != set->labels.count) {
        return odeon_fail(host, ODEON_ERR_DATA,
                          "%s has %lld images, %s has %lld labels: they do not belong together",
                          images_path, (long long)set->images.count, labels_path,
                          (long long)set->labels.count);
    }
    for (int64_t i = 0; i < set->labels.count; i++) {
        if (set->labels.data[i] >= set->classes) {
            return odeon_fail(host, ODEON_ERR_DATA,
                              "%s: label %lld is %d, but classes = %lld allows 0 to %lld",
                              labels_path, (long long)i, set->labels.data[i],
                              (long long)set->classes, (long long)set->classes - 1);
        }
    }
    return ODEON_OK;
}

static odeon_status load_split(idx *set, int32_t split, idx_file *images, idx_file *labels)
{
    bool train = split == ODEON_SPLIT_TRAIN;
    ODEON_TRY(load(set, train ? "train-images" : "t10k-images",
                   train ? set->train_images : set->test_images, (int32_t)set->shape.n, images,
                   &set->images));
    ODEON_TRY(load(set, train ? "train-labels" : "t10k-labels",
                   train ? set->train_labels : set->test_labels, 0, labels, &set->labels));
    return check_labels(set, images->path, labels->path);
}

/* The two file records are allocated because their paths are too large for the stack. */
static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    idx *set = self;
    const odeon_host *host = set->host;
    if ((split != ODEON_SPLIT_TRAIN && split != ODEON_SPLIT_TEST) || set->images.data != NULL) {
        return odeon_fail(host, ODEON_ERR_INTERNAL, "idx: opened twice, or a split %d", (int)split);
    }
    idx_file *files = host->alloc(host, 2 * sizeof *files);
    if (files == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "idx: no memory for %zu bytes", 2 * sizeof *files);
    }
    odeon_status status = load_split(set, split, &files[0], &files[1]);
    host->free(host, files);
    if (status != ODEON_OK) {
        unload(set);
        return status;
    }
    *length = set->images.count;
    return ODEON_OK;
}

/* images [count, item_bytes], labels [count] -> images [n, item_bytes], labels [n]. */
static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const idx *set = self;
    uint8_t *images = fields[FIELD_IMAGE], *labels = fields[FIELD_LABEL];
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || indices[i] >= set->images.count) {
            return odeon_fail(set->host, ODEON_ERR_INTERNAL, "idx: sample %lld of %lld",
                              (long long)indices[i], (long long)set->images.count);
        }
        memcpy(images + i * set->images.item_bytes,
               set->images.data + indices[i] * set->images.item_bytes,
               (size_t)set->images.item_bytes);
        labels[i] = set->labels.data[indices[i]];
    }
    return ODEON_OK;
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch};

ODEON_PLUGIN_OPTIONS(DATASET, "idx", &ops,
                     "images with class labels in files of the IDX format, plain or gzip",
                     "LeCun, Cortes, Burges, The MNIST database of handwritten digits",
                     "mnist|fashion|fashionmnist|kmnist|emnist|ubyte", idx, options, init, fini);
