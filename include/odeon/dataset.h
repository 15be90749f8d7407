/* dataset.h: samples by index.
 *
 * One instance serves one split of one run and all workers. The host shuffles, slices, converts and
 * transfers; a data set only says what it has and copies samples into buffers. The host refuses
 * numbers that are not finite, or not in the run's dtype, and labels that are none of the classes;
 * of a label that the mask counts out, anything goes.
 *
 * Frozen at 1.0. Roles and bits that have no name here are refused by hosts that do not know them.
 */
#ifndef ODEON_DATASET_H
#define ODEON_DATASET_H
#include "odeon/abi.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a field is for. */
enum {
    ODEON_ROLE_INPUT = 0,
    ODEON_ROLE_LABEL = 1,
    ODEON_ROLE_TIME = 2,
    ODEON_ROLE_MASK = 3,
    ODEON_ROLE_CONTROL = 4
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

enum { ODEON_SPLIT_TRAIN = 0, ODEON_SPLIT_TEST = 1 };

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
} odeon_dataset_ops;

#ifdef __cplusplus
}
#endif
#endif
