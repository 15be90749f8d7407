/* share.h: divide the rows of a table among the splits. */
#ifndef ODEON_DATASET_CSV_SHARE_H
#define ODEON_DATASET_CSV_SHARE_H
#include "../common/csv_table.h"
#include "../common/split.h"

/* Writes the split of each row. group and class are the columns of words that plan goes by, -1:
 * none; plan's own are set for the call. ODEON_ERR_NOMEM. */
odeon_status csv_share(const odeon_host *host, const csv_table *t, int32_t group, int32_t class,
                       split_plan *plan, uint8_t *split);

#endif
