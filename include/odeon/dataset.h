/* dataset.h: samples by index.
 *
 * One instance serves one split of one run and all workers. The host shuffles, slices, converts and
 * transfers; a data set only says what it has and copies samples into buffers. The host refuses
 * numbers that are not finite, or not in the run's dtype, and labels that are none of the classes;
 * of a label that the mask counts out, anything goes.
 *
 * Frozen at 1.0; grown at 1.1. Roles and bits that have no name here are refused by hosts that do
 * not know them.
 */
#ifndef ODEON_DATASET_H
#define ODEON_DATASET_H
#include "odeon/abi.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a field is for. A mask has the label's shape, and its numbers are the weights by which the
 * elements of the label count in loss and metrics: 0 leaves one out. */
enum {
    ODEON_ROLE_INPUT = 0,
    ODEON_ROLE_LABEL = 1,
    ODEON_ROLE_TIME = 2,
    ODEON_ROLE_MASK = 3,
    ODEON_ROLE_CONTROL = 4,
    /* Since 1.1: a whole number a sample (ndim 0). As many of its rows, the first, are its own;
     * what follows is padding, which the mask counts out. */
    ODEON_ROLE_LENGTH = 5
};

/* Properties of a field. */
enum {
    /* Of times: those of a sample count from its own start, so that one number is another moment in
     * another sample (windows of a series). Layers that read t then see the time since that start;
     * the host says so where a model does. */
    ODEON_FIELD_RELATIVE = 1 << 0
};

/* A field of every sample: value = scale * stored + shift. Growing. */
typedef struct odeon_field_info {
    uint32_t struct_size;
    int32_t role;
    uint32_t dtype;  /* as stored: U8, I64, F32, F64 */
    int32_t ndim;    /* of one sample, without the batch; at most 5 */
    int64_t dim[5];  /* images [C,H,W]; a class label has ndim 0 */
    int64_t classes; /* labels: values are 0 .. classes - 1; else 0 */
    double scale, shift;
    const char *name; /* lives as long as the instance */
    uint32_t flags;   /* ODEON_FIELD_*; bits 16 and up must be understood (abi.h) */
    uint32_t reserved0;
} odeon_field_info;

/* Validation, since 1.1: samples to choose weights by. Asked for only where has_split says so. */
enum { ODEON_SPLIT_TRAIN = 0, ODEON_SPLIT_TEST = 1, ODEON_SPLIT_VALIDATION = 2 };

/* Growing. */
typedef struct odeon_dataset_ops {
    uint32_t struct_size, reserved0;
    int32_t (*field_count)(void *self); /* [any; build] */
    /* Describes field index from the options alone, before open and without any file, so that a
     * configuration can be checked where the data is not. out is 0 but for struct_size, which is
     * the caller's: no more than that is written. [any; build] */
    odeon_status (*field)(void *self, int32_t index, odeon_field_info *out);
    /* Reads what is needed to serve split and verifies it against the fields. Once per instance.
     * ODEON_ERR_DATA or ODEON_ERR_IO, naming the file and what was expected. [main; build] */
    odeon_status (*open)(void *self, int32_t split, int64_t *length);
    /* Copies samples indices[0 .. n-1] (any order, repeats allowed, each < length) into
     * fields[f] = host memory for [n, dim...] of field f: those of a batch, or thousands on their
     * way to a device. Never changes the instance; several threads may call at once. [any; batch]
     */
    odeon_status (*get_batch)(void *self, int64_t n, const int64_t *indices, void *const *fields);

    /* ---- optional ---- */

    /* As open, of path in place of the files that the options name: samples that a model
     * is to be asked about, all of them in the order of the file. Labels need not be there:
     * *labelled is then 0, and get_batch gives zeros for them. Once per instance, in place of open.
     * [main; build] */
    odeon_status (*open_file)(void *self, const char *path, int64_t *length, int32_t *labelled);
    /* Where the sample index of what is open stands in the data set's file: its row, or
     * the first of its rows, from 0, headings not counted. Without this slot it is index itself.
     * [any; batch] */
    int64_t (*row)(void *self, int64_t index);
    /* For messages: writes where element (row by row) of field of sample index stands, as
     * "d.csv:17, column 'x2'", into text, which holds bytes; ends it with NUL. [any; batch] */
    void (*locate)(void *self, int64_t index, int32_t field, int64_t element, char *text,
                   uint64_t bytes);

    /* ---- optional, since 1.1 ---- */

    /* Not 0: open serves split. From the options alone, before open. Without this slot it serves
     * training and test. [any; build] */
    int32_t (*has_split)(void *self, int32_t split);
    /* What was fitted on the training split, whichever split is open: names of classes, means and
     * deviations. Printable text of the data set's own, which the host keeps with the weights; it
     * lives as long as the instance. NULL: nothing is fitted. After open. [main; build] */
    const char *(*fitted)(void *self);
    /* Takes what fitted gave in place of fitting anew. Before open and open_file, or without them.
     * ODEON_ERR_DATA where the text does not belong to these options. [main; build] */
    odeon_status (*restore)(void *self, const char *text);
    /* Element i of a sample of field is (number - mean[i]) / deviation[i] of the number in the
     * data; both arrays have one number an element, in the order of the elements. *is_standard 0:
     * the field is as in the data, and nothing is written. After open or restore. [any; build] */
    odeon_status (*standard)(void *self, int32_t field, double *mean, double *deviation,
                             int32_t *is_standard);
    /* The name of a class in the data; NULL: the number is the name. After open or restore; lives
     * as long as the instance. [any; build] */
    const char *(*class_name)(void *self, int64_t index);
} odeon_dataset_ops;

#ifdef __cplusplus
}
#endif
#endif
