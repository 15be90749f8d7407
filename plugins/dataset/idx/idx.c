/* idx: images with class labels in four files of the IDX format, such as MNIST. */
#include <string.h>

#include "files.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"
#include "reader.h"

enum { FIELD_IMAGE = 0, FIELD_LABEL = 1, N_FIELDS = 2, MAX_IMAGE_DIMS = 5 };

/* Images and labels of one split, as bytes; the host converts to the run's dtype. */
typedef struct idx {
    const odeon_host *host;
    const odeon_config *config;
    int32_t ndim; /* dimensions of an image */
    int64_t dim[MAX_IMAGE_DIMS];
    int64_t classes;
    idx_items images, labels; /* data NULL before open */
} idx;

static const odeon_option path = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_PATH,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "path",
    .aliases = "root|dir|folder|datadir|file",
    .help = "folder of train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..., each perhaps "
            "with .gz",
};
static const odeon_option shape = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .name = "shape",
    .default_text = "1 28 28",
    .min_text = "1",
    .help = "channels, height and width of an image; the files must agree, leading ones aside",
};
static const odeon_option classes = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "classes",
    .aliases = "nclasses|numclasses",
    .default_text = "10",
    .min_text = "1",
    .max_text = "256",
    .help = "labels are 0 to classes - 1",
};
static const odeon_option train_images = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_PATH,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "train_images",
    .help = "file of the training images, if it has another name",
};
static const odeon_option train_labels = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_PATH,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "train_labels",
    .help = "file of the training labels, if it has another name",
};
static const odeon_option test_images = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_PATH,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "test_images",
    .help = "file of the test images, if it has another name",
};
static const odeon_option test_labels = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_PATH,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "test_labels",
    .help = "file of the test labels, if it has another name",
};
static const odeon_option *const options[] = {
    &path, &shape, &classes, &train_images, &train_labels, &test_images, &test_labels, NULL};

/* Name prefixes of a split's files, and the options that override them. */
static const struct {
    const char *images, *labels, *images_option, *labels_option;
} splits[] = {
    [ODEON_SPLIT_TRAIN] = {"train-images", "train-labels", "train_images", "train_labels"},
    [ODEON_SPLIT_TEST] = {"t10k-images", "t10k-labels", "test_images", "test_labels"},
};

/* Bounds the product of dimensions, so that no size computed from it can overflow. */
static odeon_status read_shape(const odeon_host *host, const odeon_config *config, idx *out)
{
    int32_t n;
    const int64_t *dim = host->option_list_i64(config, "shape", &n);
    if (n < 1 || n > MAX_IMAGE_DIMS) {
        return odeon_fail(host, ODEON_ERR_CONFIG, "idx: shape has %d numbers, expected 1 to %d",
                          (int)n, MAX_IMAGE_DIMS);
    }
    uint64_t bytes = 1;
    for (int32_t i = 0; i < n; i++) {
        if (dim[i] < 1 || bytes > IDX_MAX_BYTES / (uint64_t)dim[i]) {
            return odeon_fail(host, ODEON_ERR_CONFIG,
                              "idx: shape: an image has at least 1 and at most %llu bytes",
                              (unsigned long long)IDX_MAX_BYTES);
        }
        bytes *= (uint64_t)dim[i];
        out->dim[i] = dim[i];
    }
    out->ndim = n;
    return ODEON_OK;
}

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    idx made = {.host = host, .config = config, .classes = host->option_i64(config, "classes")};
    ODEON_TRY(read_shape(host, config, &made));
    idx *set = host->alloc(host, sizeof *set);
    if (set == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "idx: no memory for %zu bytes", sizeof *set);
    }
    *set = made;
    *out = set;
    return ODEON_OK;
}

/* Frees the data, so that a failed open leaves the set as before. */
static void unload(idx *set)
{
    set->host->free(set->host, set->images.data);
    set->host->free(set->host, set->labels.data);
    set->images = set->labels = (idx_items){0};
}

static void destroy(void *self)
{
    idx *set = self;
    if (set != NULL) {
        unload(set);
        set->host->free(set->host, set);
    }
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
                                  .ndim = set->ndim,
                                  .scale = 1.0 / 255.0,
                                  .name = "image"};
        memcpy(out->dim, set->dim, sizeof set->dim);
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

/* Opens and reads one file; file->path remains for messages. */
static odeon_status load(const idx *set, const char *prefix, const char *option, int32_t ndim,
                         idx_file *file, idx_items *out)
{
    const odeon_host *host = set->host;
    const char *folder = host->option_text(set->config, "path");
    const char *explicit_path =
        host->option_given(set->config, option) ? host->option_text(set->config, option) : NULL;
    ODEON_TRY(idx_file_open(host, folder, prefix, ndim == 0 ? 1 : 3, explicit_path, file));
    odeon_status status = idx_read(host, &file->source, ndim, set->dim, out);
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
    ODEON_TRY(load(set, splits[split].images, splits[split].images_option, set->ndim, images,
                   &set->images));
    ODEON_TRY(
        load(set, splits[split].labels, splits[split].labels_option, 0, labels, &set->labels));
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

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_DATASET,
    .kind_version = ODEON_LAYOUT_DATASET,
    .id = "idx",
    .aliases = "mnist|fashion|fashionmnist|kmnist|emnist|ubyte",
    .summary = "images with class labels in files of the IDX format, plain or gzip",
    .version = "1.0",
    .license = "MIT",
    .source = "LeCun, Cortes, Burges, The MNIST database of handwritten digits",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("dataset/idx");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "idx",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
