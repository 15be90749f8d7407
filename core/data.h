/* data.h: a data set's split as a source of batches on the host. */
#ifndef ODEON_CORE_DATA_H
#define ODEON_CORE_DATA_H
#include "config.h"
#include "instance.h"
#include "odeon/dataset.h"

typedef struct data_fields {       /* what a sample is, known without opening any file */
    odeon_field_info input, label; /* name is NULL: the plugin's text is not kept */
    int32_t n_fields, input_index, label_index;
} data_fields;

typedef struct data_source data_source;

/* What the configured data set says that its samples are: one input and one label, in either order.
 * No file is touched. ODEON_ERR_UNSUPPORTED for other roles, ODEON_ERR_PLUGIN for a field that
 * cannot be. */
odeon_status data_describe(const config *c, data_fields *out);

/* Opens a split (ODEON_SPLIT_*): limit and, for training, data.order apply. The order file has
 * indices into the whole split, separated by blanks or line ends, each as often as it likes; its
 * entries are the samples in use, of which limit keeps the first. ODEON_ERR_DATA (with file and
 * line), ODEON_ERR_IO, ODEON_ERR_NOMEM. [main] */
odeon_status data_open(const config *c, int32_t split, data_source **out);
void data_close(data_source *source); /* NULL is allowed */
const data_fields *data_source_fields(const data_source *source);
int64_t data_length(const data_source *source); /* samples in use */

/* The order in which an epoch visits the samples: data.order's if given, else shuffled by (seed,
 * epoch) for training if data.shuffle, else as stored. order has room for data_length. */
odeon_status data_order(const data_source *source, uint64_t seed, int64_t epoch, int64_t *order);

/* Copies samples indices[0 .. n-1] into buffers for the input and the label field (each of n times
 * data_*_bytes). [any] */
odeon_status data_batch(const data_source *source, int64_t n, const int64_t *indices, void *input,
                        void *label);
uint64_t data_input_bytes(const data_fields *fields); /* of one sample */
uint64_t data_label_bytes(const data_fields *fields);

#endif
