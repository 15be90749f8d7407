/* cifar10: CIFAR-10 in its binary version: data_batch_1.bin to data_batch_5.bin, test_batch.bin. */
#include <stdio.h>
#include <string.h>

#include "../common/regular_file.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"
#include "records.h"

enum { FIELD_IMAGE = 0, FIELD_LABEL = 1, N_FIELDS = 2, MAX_FILES = 5 };

/* The records of one split as they are in the files. */
typedef struct cifar10 {
    ODEON_INSTANCE;
    const char *path; /* of the folder */

    int64_t count;
    uint8_t *records; /* [count, CIFAR10_RECORD_BYTES]; NULL before open */
} cifar10;

static const odeon_option *const options[] = {
    ODEON_OPTION(cifar10, path, PATH, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "root|dir|folder|datadir|file",
                 .help =
                     "folder of data_batch_1.bin (to _5, as many as there are) and test_batch.bin"),
    NULL};

static void fini(void *self)
{
    cifar10 *set = self;
    set->host->free(set->host, set->records);
}

static int32_t field_count(void *self)
{
    (void)self;
    return N_FIELDS;
}

/* Image U8 [3,32,32], scaled to [0,1]; label U8, a class. */
static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const cifar10 *set = self;
    uint32_t struct_size = out->struct_size;
    if (index == FIELD_IMAGE) {
        *out = (odeon_field_info){.role = ODEON_ROLE_INPUT,
                                  .dtype = ODEON_DTYPE_U8,
                                  .ndim = 3,
                                  .dim = {CIFAR10_CHANNELS, CIFAR10_EDGE, CIFAR10_EDGE},
                                  .scale = 1.0 / 255.0,
                                  .name = "image"};
    } else if (index == FIELD_LABEL) {
        *out = (odeon_field_info){.role = ODEON_ROLE_LABEL,
                                  .dtype = ODEON_DTYPE_U8,
                                  .classes = CIFAR10_CLASSES,
                                  .scale = 1.0,
                                  .name = "label"};
    } else {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "cifar10: there is no field %d",
                          (int)index);
    }
    out->struct_size = struct_size;
    return ODEON_OK;
}

/* ---- a split's files ---- */

/* The open files of a split while they are read. */
typedef struct file_list {
    int n;
    regular_file file[MAX_FILES];
    int64_t count[MAX_FILES]; /* records in each */
    char path[MAX_FILES][REGULAR_FILE_PATH_BYTES];
} file_list;

static odeon_status open_file(const cifar10 *set, const char *name, file_list *list, bool *found)
{
    char *full = list->path[list->n];
    regular_file *file = &list->file[list->n];
    int length = snprintf(full, REGULAR_FILE_PATH_BYTES, "%s/%s", set->path, name);
    if (length < 0 || length >= REGULAR_FILE_PATH_BYTES) {
        return odeon_fail(set->host, ODEON_ERR_IO, "%.100s...: the path is too long", set->path);
    }
    ODEON_TRY(regular_file_open(set->host, full, file, found));
    if (!*found) {
        return ODEON_OK;
    }
    list->n++; /* from here on the caller closes it with the others */
    return cifar10_count(set->host, full, file->bytes, &list->count[list->n - 1]);
}

static odeon_status refuse_missing(const cifar10 *set, const char *name)
{
    return odeon_fail(set->host, ODEON_ERR_DATA,
                      "%s: has no %s: expected the binary version of CIFAR-10, data_batch_1.bin to "
                      "data_batch_5.bin and test_batch.bin; conf/get_data.sh gets it",
                      set->path, name);
}

/* As many of the five files as there are, so that tests and trials can use a part. */
static odeon_status open_training_files(const cifar10 *set, file_list *list)
{
    char name[32], missing[32] = "";
    for (int i = 1; i <= MAX_FILES; i++) {
        bool found;
        (void)snprintf(name, sizeof name, "data_batch_%d.bin", i);
        ODEON_TRY(open_file(set, name, list, &found));
        /* a gap in the numbering is a mistake, not a smaller set */
        if (found && missing[0] != '\0') {
            return refuse_missing(set, missing);
        }
        if (!found && missing[0] == '\0') {
            memcpy(missing, name, sizeof missing);
        }
    }
    return list->n > 0 ? ODEON_OK : refuse_missing(set, missing);
}

static odeon_status open_files(const cifar10 *set, int32_t split, file_list *list)
{
    if (split == ODEON_SPLIT_TRAIN) {
        return open_training_files(set, list);
    }
    bool found;
    ODEON_TRY(open_file(set, "test_batch.bin", list, &found));
    return found ? ODEON_OK : refuse_missing(set, "test_batch.bin");
}

/* All sizes are known before anything is allocated, so memory is exact. */
static odeon_status read_files(cifar10 *set, file_list *list)
{
    const odeon_host *host = set->host;
    uint64_t bytes = 0;
    for (int i = 0; i < list->n; i++) {
        if (list->file[i].bytes > REGULAR_FILE_MAX_BYTES - bytes) {
            return odeon_fail(host, ODEON_ERR_DATA, "%s: too large: the limit is %llu bytes",
                              list->path[i], (unsigned long long)REGULAR_FILE_MAX_BYTES);
        }
        bytes += list->file[i].bytes;
    }
    set->records = host->alloc(host, bytes);
    if (set->records == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for its %llu bytes", set->path,
                          (unsigned long long)bytes);
    }
    set->count = 0;
    for (int i = 0; i < list->n; i++) {
        uint8_t *records = set->records + set->count * CIFAR10_RECORD_BYTES;
        ODEON_TRY(regular_file_read_all(host, &list->file[i], records, list->file[i].bytes));
        ODEON_TRY(cifar10_check(host, list->path[i], records, list->count[i]));
        set->count += list->count[i];
    }
    return ODEON_OK;
}

/* The list is allocated because its paths are too large for the stack; files are closed in every
 * case. */
static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    cifar10 *set = self;
    const odeon_host *host = set->host;
    if ((split != ODEON_SPLIT_TRAIN && split != ODEON_SPLIT_TEST) || set->records != NULL) {
        return odeon_fail(host, ODEON_ERR_INTERNAL, "cifar10: opened twice, or a split %d",
                          (int)split);
    }
    file_list *list = host->alloc(host, sizeof *list);
    if (list == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "cifar10: no memory for %zu bytes", sizeof *list);
    }
    list->n = 0;
    odeon_status status = open_files(set, split, list);
    if (status == ODEON_OK) {
        status = read_files(set, list);
    }
    while (list->n > 0) {
        regular_file_close(&list->file[--list->n]);
    }
    host->free(host, list);
    if (status != ODEON_OK) {
        host->free(host, set->records);
        set->records = NULL;
        return status;
    }
    *length = set->count;
    return ODEON_OK;
}

/* records [count, 3073] -> images [n,3,32,32], labels [n]. */
static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const cifar10 *set = self;
    uint8_t *images = fields[FIELD_IMAGE], *labels = fields[FIELD_LABEL];
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || set->records == NULL || indices[i] >= set->count) {
            return odeon_fail(set->host, ODEON_ERR_INTERNAL, "cifar10: sample %lld of %lld",
                              (long long)indices[i], (long long)set->count);
        }
        const uint8_t *record = set->records + indices[i] * CIFAR10_RECORD_BYTES;
        labels[i] = record[0];
        memcpy(images + i * CIFAR10_IMAGE_BYTES, record + 1, CIFAR10_IMAGE_BYTES);
    }
    return ODEON_OK;
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch};

ODEON_PLUGIN_OPTIONS(
    DATASET, "cifar10", &ops,
    "CIFAR-10 in its binary version: colour images of 32 x 32 pixels in ten classes",
    "Krizhevsky, Learning multiple layers of features from tiny images, 2009", "cifar", cifar10,
    options, NULL, fini);
