/* data.h: a data set's split as a source of batches on the host. */
#ifndef ODEON_CORE_DATA_DATA_H
#define ODEON_CORE_DATA_DATA_H
#include "config/config.h"
#include "data/fields.h"
#include "data/fitted.h"

typedef struct data_source data_source;

/* Opens a split (ODEON_SPLIT_*): limit and, for training, data.order apply, and the samples of
 * data.validation are left out. The order file has indices into the whole split, separated by
 * blanks or line ends, each as often as it likes; its entries are the samples in use, of which
 * limit keeps the first. ODEON_ERR_DATA (with file and line), ODEON_ERR_IO, ODEON_ERR_NOMEM. [main]
 */
odeon_status data_open(const config *c, int32_t split, data_source **out);
/* The data set's own validation split; else the share data.validation of the training split that
 * train leaves out, in the order in which it is stored; *out is NULL where there is neither. It
 * reads from train's data set, so that train is closed after it. ODEON_ERR_CONFIG where there are
 * both, ODEON_ERR_DATA, ODEON_ERR_NOMEM. [main] */
odeon_status data_open_validation(const config *c, const data_source *train, data_source **out);
/* Does the configured data set serve that split? */
odeon_status data_has_split(const config *c, int32_t split, bool *has);
void data_close(data_source *source); /* NULL is allowed */
/* What the data set fitted on its training split (fitted.h), and the units of a field. */
const char *data_fitted(const data_source *source);
odeon_status data_units(const data_source *source, int32_t role, field_units *out);
odeon_status data_class_names(const data_source *source, const char ***out); /* class_names_of */
const data_fields *data_source_fields(const data_source *source);
int64_t data_length(const data_source *source); /* samples in use */
/* How many of them an epoch has, the first in its order: data.epoch_samples, or all. */
int64_t data_epoch_length(const data_source *source);
int64_t data_stored(const data_source *source); /* samples of the split */

/* Which of the split's samples are in use: *n of them, and (*row)[i] is how many stand before
 * sample i in the split, -1 where it is not in use itself; the caller frees *row, which is NULL
 * where they are the first n. ODEON_ERR_NOMEM. */
odeon_status data_used(const data_source *source, int64_t *n, int64_t **row);

/* The samples in use, data_length of them, as the data set or data.order has them. */
void data_in_use(const data_source *source, int64_t *indices);

/* The order in which an epoch visits the samples: data.order's if given, else shuffled by (seed,
 * epoch) for training if data.shuffle, else as stored. order has room for data_length. */
odeon_status data_order(const data_source *source, uint64_t seed, int64_t epoch, int64_t *order);

/* The row of the data set's file that a sample of the split stands in (dataset.h). */
int64_t data_row(const data_source *source, int64_t index);

/* Where element (row by row) of a field of a sample of the split stands in the data set's files, as
 * "d.csv:17, column 'x2'"; "" where the data set does not say. text has room for bytes. */
void data_locate(const data_source *source, int32_t role, int64_t index, int64_t element,
                 char *text, size_t bytes);

/* The labels of samples indices[0 .. n-1] as numbers: out is [n, ...]. ODEON_ERR_NOMEM, and what
 * the data set says. */
odeon_status data_labels(const data_source *source, int64_t n, const int64_t *indices, double *out);
/* The same of labels that are numbers, with NaN for those that the mask counts out: they are not
 * known. */
odeon_status data_known_labels(const data_source *source, int64_t n, const int64_t *indices,
                               double *out);

/* All *n samples of a file of the kind that the configured data set reads, as the numbers that they
 * stand for: field[role] is [*n, ...], or NULL where the data set has no such field or the file no
 * labels, and *row [*n] their rows as of data_row; the caller frees them, on failure too.
 * ODEON_ERR_UNSUPPORTED where the data set reads no single files; ODEON_ERR_NOMEM, and what the
 * data set says of the file. */
odeon_status data_read_file(const config *c, const char *path, int64_t *n, int64_t **row,
                            double *field[DATA_ROLES]);

/* Copies samples indices[0 .. n-1]: fields[role] = memory for n times data_field_bytes.
 * ODEON_ERR_DATA, with the sample and where it stands, for a number that is not finite or not
 * within the run's dtype, and for a label that is none of the classes. [any] */
odeon_status data_batch(const data_source *source, int64_t n, const int64_t *indices,
                        void *const *fields);

#endif
