/* prediction_columns.h: find the input columns in a file for prediction. */
#ifndef ODEON_DATASET_CSV_PREDICTION_COLUMNS_H
#define ODEON_DATASET_CSV_PREDICTION_COLUMNS_H
#include "../common/columns.h"
#include "../common/csv_table.h"

/* Decides from the first line of text which columns to read. format->header is set for this file,
 * which may differ from the configured one: the line is a heading if none of its cells is a number,
 * or if it contains all names among the inputs. wanted holds n_inputs inputs, then the labels. out
 * lists the columns to read and is freed with columns_free:
 * - with a heading, the inputs are found by name, in any order and among any other columns
 * - without one and with exactly n_inputs columns, these are the inputs in order
 * - without one and with more columns, inputs given by index are at their configured positions
 * The labels follow if they are found in the same way; else out->n is n_inputs. ODEON_ERR_DATA,
 * ODEON_ERR_NOMEM. */
odeon_status prediction_columns(const odeon_host *host, const char *name, const char *text,
                                uint64_t bytes, csv_format *format, const columns *wanted,
                                int32_t n_inputs, columns *out);

#endif
