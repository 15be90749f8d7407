/* audit_table.h: an audit as tables. */
#ifndef ODEON_CORE_RUN_AUDIT_TABLE_H
#define ODEON_CORE_RUN_AUDIT_TABLE_H
#include "run/audit.h"
#include "run/table.h"

/* A row for each combination, with the error over all parameters and what it cost; and one for each
 * group of each. */
void audit_table(const audit *x, table *out);
void audit_group_table(const audit *x, table *out);
/* Both in one, for programs: a row for each group of each combination, "all" first. */
void audit_whole_table(const audit *x, table *out);

#endif
