/* fit.h: what the training rows of a table say: names of classes, means and deviations. */
#ifndef ODEON_DATASET_CSV_FIT_H
#define ODEON_DATASET_CSV_FIT_H
#include <stdbool.h>

#include "../common/csv_table.h"
#include "../common/fitted_text.h"
#include "../common/standard.h"

/* Which columns of the table are fitted, and what came out. */
typedef struct csv_fit {
    int64_t classes;            /* 0: labels are numbers */
    int32_t label;              /* column of the class, a word */
    bool inputs, labels;        /* are standardized */
    int32_t n_inputs, n_labels; /* columns, the inputs first */

    bool is_done;
    words names;       /* of the classes, in the order of their numbers; empty: they are numbers */
    standard standard; /* of inputs, then labels; nothing: as in the file */
    fitted_text text;
} csv_fit;

/* Of the rows of split that are ODEON_SPLIT_TRAIN; t is as it was read. ODEON_ERR_DATA: more or
 * fewer names than classes, a constant column; ODEON_ERR_NOMEM. */
odeon_status csv_fit_rows(const odeon_host *host, const char *file, const columns *wanted,
                          const csv_table *t, const uint8_t *split, csv_fit *fit);
/* Words of the label become classes, numbers are standardized. A label that is NaN stays so.
 * ODEON_ERR_DATA with file and line for a label that is no class. */
odeon_status csv_fit_apply(const odeon_host *host, const char *file, const csv_fit *fit,
                           csv_table *t);
/* Are all labels of the table numbers, or missing? */
bool csv_fit_has_numbers(const csv_fit *fit, const csv_table *t);
/* Takes the text of another fit. ODEON_ERR_DATA where it does not belong to the options. */
odeon_status csv_fit_restore(const odeon_host *host, const char *text, csv_fit *fit);
void csv_fit_free(const odeon_host *host, csv_fit *fit);

#endif
