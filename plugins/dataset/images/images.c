/* images: PNG and JPEG files in folders, one folder a class: path/cat/1.png.
 *
 * Files are read when their samples are wanted, so that a set may be larger than memory; what is
 * known from the start is the list of files, in the order of their names. Classes are the folders'
 * names in the order of the alphabet. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/fitted_text.h"
#include "../common/regular_file.h"
#include "../common/split.h"
#include "../common/words.h"
#include "decode.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"

enum { FIELD_INPUT = 0, FIELD_LABEL = 1, N_FIELDS = 2, NAME_BYTES = 256 };

typedef struct images {
    ODEON_INSTANCE;
    const char *path, *test_path, *validation_path, *fold;
    odeon_i64_list shape;
    int64_t classes, split, split_seed;
    double test_fraction, validation_fraction;

    image_size size;
    split_plan plan;
    words names; /* of the classes; those that came with the weights, or of path */
    bool is_fitted;
    fitted_text text;
    words files;   /* paths of all images, class by class */
    double *label; /* [files.n] */
    int64_t room;
    int64_t *rows; /* [n_rows] of the split; NULL before open */
    int64_t n_rows;
} images;

static const odeon_option *const options[] = {
    ODEON_OPTION(images, path, PATH, .flags = ODEON_OPTION_REQUIRED, .aliases = "folder|dir|root",
                 .help = "folder of folders, one a class, of .png, .jpg and .jpeg files"),
    ODEON_OPTION(images, shape, I64_LIST, .flags = ODEON_OPTION_REQUIRED, .min_text = "1",
                 .max_text = "65536", .aliases = "size|imageshape",
                 .help = "of an image: channels (1 or 3), height, width: 3 32 32; all have this "
                         "size"),
    ODEON_OPTION(images, classes, I64, .flags = ODEON_OPTION_REQUIRED, .min_text = "1",
                 .max_text = "1000000", .aliases = "nclasses|numclasses",
                 .help = "how many folders there are"),
    ODEON_OPTION(images, test_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
                 .aliases = "testsize|testsplit|testratio", .default_text = "0.2", .min_text = "0",
                 .max_text = "1",
                 .help = "share of the images to test on; 0: train and test on all of them"),
    ODEON_OPTION(images, validation_fraction, F64, .flags = ODEON_OPTION_OPEN_MAX,
                 .aliases = "valfraction|valsize|valsplit|validation", .default_text = "0",
                 .min_text = "0", .max_text = "1",
                 .help = "share of the images to choose weights by; 0: there is no such split"),
    ODEON_OPTION(images, test_path, PATH, .flags = ODEON_OPTION_OPTIONAL, .aliases = "testfolder",
                 .help = "folder to test on, of the same classes, in place of a share of path"),
    ODEON_OPTION(images, validation_path, PATH, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "validationfolder|valpath",
                 .help = "folder to choose weights by, in place of a share of path"),
    ODEON_OPTION(images, split, CHOICE, .aliases = "splitby", .default_text = "stratified",
                 .choices = "random|stratified|last",
                 .help = "which images are shared out: any, as many of each class, or the last"),
    ODEON_OPTION(images, fold, STRING, .flags = ODEON_OPTION_OPTIONAL, .aliases = "kfold|folds|cv",
                 .help = "2/5: test on the second of five equal parts, in place of test_fraction"),
    ODEON_OPTION(images, split_seed, I64, .default_text = "0", .min_text = "0",
                 .help = "another seed draws other images"),
    NULL};

/* ---- options and fields ---- */

static odeon_status init(void *self)
{
    images *set = self;
    const odeon_host *host = set->host;
    if (set->shape.n != 3 || (set->shape.at[0] != 1 && set->shape.at[0] != 3)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "shape: an image has 1 or 3 channels, a height and a width, as 3 32 32");
    }
    if (set->test_fraction + set->validation_fraction >= 1.0) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "test_fraction and validation_fraction leave nothing to train on");
    }
    set->size = (image_size){set->shape.at[0], set->shape.at[1], set->shape.at[2]};
    set->plan =
        (split_plan){.name = set->path,
                     .how = set->split,
                     .test = set->test_path != NULL ? 0.0 : set->test_fraction,
                     .validation = set->validation_path != NULL ? 0.0 : set->validation_fraction,
                     .seed = (uint64_t)set->split_seed};
    return split_parse_fold(host, set->fold, set->test_path, &set->plan.fold, &set->plan.folds);
}

static void unload(images *set)
{
    const odeon_host *host = set->host;
    words_free(host, &set->files);
    host->free(host, set->label);
    host->free(host, set->rows);
    set->label = NULL;
    set->rows = NULL;
    set->room = 0;
}

static void fini(void *self)
{
    images *set = self;
    unload(set);
    words_free(set->host, &set->names);
    fitted_text_free(set->host, &set->text);
}

static int32_t field_count(void *self)
{
    (void)self;
    return N_FIELDS;
}

/* Input U8 [C,H,W], which stands for 0 to 1; label I64 [], a class. */
static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const images *set = self;
    if (index != FIELD_INPUT && index != FIELD_LABEL) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "images: there is no field %d",
                          (int)index);
    }
    bool input = index == FIELD_INPUT;
    *out = (odeon_field_info){.struct_size = out->struct_size,
                              .role = input ? ODEON_ROLE_INPUT : ODEON_ROLE_LABEL,
                              .dtype = input ? ODEON_DTYPE_U8 : ODEON_DTYPE_I64,
                              .ndim = input ? 3 : 0,
                              .classes = input ? 0 : set->classes,
                              .scale = input ? 1.0 / 255.0 : 1.0,
                              .name = input ? "image" : "class"};
    for (int32_t i = 0; input && i < 3; i++) {
        out->dim[i] = set->shape.at[i];
    }
    return ODEON_OK;
}

/* ---- the folders ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_folder(DIR *in, const char *name)
{
    struct stat info;
    return fstatat(dirfd(in), name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

/* Names in a folder that are wanted, folders or images, none of them hidden. */
static odeon_status list(const images *set, const char *path, bool folders, words *out)
{
    DIR *folder = opendir(path);
    odeon_status status = ODEON_OK;
    if (folder == NULL) {
        return odeon_fail(set->host, ODEON_ERR_DATA, "%s: cannot open the folder: %s", path,
                          strerror(errno));
    }
    for (const struct dirent *e = readdir(folder); e != NULL && status == ODEON_OK;
         e = readdir(folder)) {
        int64_t number;
        bool wanted = folders ? is_folder(folder, e->d_name) : image_has_name(e->d_name);
        if (e->d_name[0] != '.' && wanted && strcspn(e->d_name, "\r\n") == strlen(e->d_name)) {
            status = words_add(set->host, out, e->d_name, &number);
        }
    }
    (void)closedir(folder);
    return status;
}

/* The same words in the order of the alphabet. */
static odeon_status sort(const images *set, words *names)
{
    const odeon_host *host = set->host;
    words sorted = {0};
    odeon_status status = ODEON_OK;
    if (names->n > 0) { /* qsort takes no NULL */
        qsort(names->text, (size_t)names->n, sizeof *names->text, by_text);
    }
    for (int64_t i = 0, number; i < names->n && status == ODEON_OK; i++) {
        status = words_add(host, &sorted, names->text[i], &number);
    }
    words_free(host, names);
    *names = sorted;
    return status;
}

static odeon_status add_file(images *set, const char *path, double class)
{
    const odeon_host *host = set->host;
    int64_t number;
    if (set->files.n == set->room) {
        int64_t room = set->room > 0 ? 2 * set->room : 64;
        double *more = host->alloc(host, (uint64_t)room * sizeof *more);
        if (more == NULL) {
            return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory", path);
        }
        if (set->room > 0) {
            memcpy(more, set->label, (size_t)set->files.n * sizeof *more);
        }
        host->free(host, set->label);
        set->label = more;
        set->room = room;
    }
    set->label[set->files.n] = class;
    return words_add(host, &set->files, path, &number);
}

/* All images of a class. */
static odeon_status add_class(images *set, const char *path, const char *name, double class)
{
    char folder[REGULAR_FILE_PATH_BYTES], file[REGULAR_FILE_PATH_BYTES + NAME_BYTES];
    words files = {0};
    (void)snprintf(folder, sizeof folder, "%s/%s", path, name);
    odeon_status status = list(set, folder, false, &files);
    if (status == ODEON_OK) {
        status = sort(set, &files);
    }
    for (int64_t i = 0; i < files.n && status == ODEON_OK; i++) {
        (void)snprintf(file, sizeof file, "%s/%s", folder, files.text[i]);
        status = add_file(set, file, class);
    }
    if (status == ODEON_OK && files.n == 0) {
        status = odeon_fail(set->host, ODEON_ERR_DATA,
                            "%s: no image in this folder: files have to end in .png, .jpg or .jpeg",
                            folder);
    }
    words_free(set->host, &files);
    return status;
}

/* The classes are those that were fitted, or these. */
static odeon_status know_names(images *set, const char *path, const words *found)
{
    const odeon_host *host = set->host;
    if (set->is_fitted) {
        return ODEON_OK;
    }
    if (found->n != set->classes) {
        return odeon_fail(host, ODEON_ERR_DATA, "%s: has %lld folders, but classes = %lld", path,
                          (long long)found->n, (long long)set->classes);
    }
    for (int64_t i = 0, number; i < found->n; i++) {
        if (!fitted_is_text(found->text[i])) {
            return odeon_fail(host, ODEON_ERR_DATA,
                              "%s/%s: the folder's name is no UTF-8, in which weights keep it: "
                              "rename it",
                              path, found->text[i]);
        }
        ODEON_TRY(words_add(host, &set->names, found->text[i], &number));
        ODEON_TRY(fitted_add_word(host, &set->text, "class", found->text[i]));
    }
    set->is_fitted = true;
    return ODEON_OK;
}

static odeon_status add_classes(images *set, const char *path, const words *found)
{
    if (found->n == 0) {
        return odeon_fail(set->host, ODEON_ERR_DATA, "%s: has no folders, which are the classes",
                          path);
    }
    for (int64_t i = 0; i < found->n; i++) {
        int64_t class = words_find(&set->names, found->text[i]);
        if (class < 0) {
            return odeon_fail(set->host, ODEON_ERR_DATA,
                              "%s/%s: is no class of those to train on: the folders of %s are",
                              path, found->text[i], set->path);
        }
        ODEON_TRY(add_class(set, path, found->text[i], (double)class));
    }
    return ODEON_OK;
}

static odeon_status read_folder(images *set, const char *path)
{
    words found = {0};
    odeon_status status = list(set, path, true, &found);
    if (status == ODEON_OK) {
        status = sort(set, &found);
    }
    if (status == ODEON_OK) {
        status = know_names(set, path, &found);
    }
    if (status == ODEON_OK) {
        status = add_classes(set, path, &found);
    }
    words_free(set->host, &found);
    return status;
}

/* ---- splits ---- */

static odeon_status load(images *set, int32_t which)
{
    const odeon_host *host = set->host;
    const char *own = which == ODEON_SPLIT_TEST         ? set->test_path
                      : which == ODEON_SPLIT_VALIDATION ? set->validation_path
                                                        : NULL;
    split_plan plan = own != NULL ? (split_plan){.name = own} : set->plan;
    if (own == NULL || !set->is_fitted) {
        ODEON_TRY(read_folder(set, set->path));
    }
    if (own != NULL) {
        unload(set);
        ODEON_TRY(read_folder(set, own));
        which = ODEON_SPLIT_TEST; /* of a plan without shares: all */
    }
    uint8_t *split = host->alloc(host, (uint64_t)set->files.n);
    plan.class = set->label;
    odeon_status status = split != NULL ? split_assign(host, &plan, set->files.n, split)
                                        : odeon_fail(host, ODEON_ERR_NOMEM, "no memory");
    if (status == ODEON_OK) {
        status = split_pick(host, &plan, set->files.n, split, which, &set->rows, &set->n_rows);
    }
    host->free(host, split);
    return status;
}

static int32_t has_split(void *self, int32_t split)
{
    const images *set = self;
    return split == ODEON_SPLIT_TRAIN || split == ODEON_SPLIT_TEST ||
           (split == ODEON_SPLIT_VALIDATION &&
            (set->validation_path != NULL || set->plan.validation > 0.0));
}

static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    images *set = self;
    if (has_split(set, split) == 0 || set->rows != NULL) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "images: opened twice, or a split %d",
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

static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const images *set = self;
    int64_t bytes = set->size.channels * set->size.height * set->size.width;
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || set->rows == NULL || indices[i] >= set->n_rows) {
            return odeon_fail(set->host, ODEON_ERR_INTERNAL, "images: sample %lld of %lld",
                              (long long)indices[i], (long long)set->n_rows);
        }
        int64_t file = set->rows[indices[i]];
        ODEON_TRY(image_read(set->host, set->files.text[file], &set->size,
                             (uint8_t *)fields[FIELD_INPUT] + i * bytes));
        ((int64_t *)fields[FIELD_LABEL])[i] = (int64_t)set->label[file];
    }
    return ODEON_OK;
}

static int64_t row(void *self, int64_t index)
{
    const images *set = self;
    return set->rows[index];
}

static void locate(void *self, int64_t index, int32_t field_index, int64_t element, char *text,
                   uint64_t bytes)
{
    const images *set = self;
    (void)field_index;
    (void)element;
    (void)snprintf(text, bytes, "%s", set->files.text[set->rows[index]]);
}

static const char *fitted(void *self)
{
    const images *set = self;
    return set->text.text;
}

static odeon_status restore(void *self, const char *text)
{
    images *set = self;
    char word[NAME_BYTES];
    for (int64_t number; fitted_take_word(&text, "class", word, sizeof word);) {
        ODEON_TRY(words_add(set->host, &set->names, word, &number));
        ODEON_TRY(fitted_add_word(set->host, &set->text, "class", word));
    }
    set->is_fitted = true;
    return *text == '\0' && set->names.n == set->classes
               ? ODEON_OK
               : odeon_fail(set->host, ODEON_ERR_DATA,
                            "the classes of these weights are not as many as classes says");
}

static const char *class_name(void *self, int64_t index)
{
    const images *set = self;
    return index >= 0 && index < set->names.n ? set->names.text[index] : NULL;
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
                                      .class_name = class_name};

ODEON_PLUGIN_OPTIONS(DATASET, "images", &ops, "PNG and JPEG files in folders, one folder a class",
                     "https://www.w3.org/TR/png/", "imagefolder|image|png|jpeg|pictures|photos",
                     images, options, init, fini);
