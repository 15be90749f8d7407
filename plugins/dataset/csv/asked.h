/* asked.h: which columns of a file that a model is to be asked about are its inputs. */
#ifndef ODEON_DATASET_CSV_ASKED_H
#define ODEON_DATASET_CSV_ASKED_H
#include "../common/columns.h"
#include "../common/csv_table.h"

/* Looks at the first line of text. format->header is changed from what the configured file has to
 * what this one has: its first line is one of names if no cell of it is a number, or if it has all
 * the names among the inputs. wanted are the inputs, n_inputs of them, then the labels. out is what
 * to read, to be freed with columns_free:
 * - where there are names, the inputs by them; all other columns may stand as they like
 * - of a line without names as many columns as there are inputs are these, in their order
 * - of more columns, inputs given by index are where they are in the configured file
 * and the labels behind them, if they can be found in the same way; else out->n is n_inputs.
 * ODEON_ERR_DATA, ODEON_ERR_NOMEM. */
odeon_status asked_columns(const odeon_host *host, const char *name, const char *text,
                           uint64_t bytes, csv_format *format, const columns *wanted,
                           int32_t n_inputs, columns *out);

#endif
