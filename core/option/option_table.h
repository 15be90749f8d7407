/* option_table.h: is an option well described? */
#ifndef ODEON_CORE_OPTION_OPTION_TABLE_H
#define ODEON_CORE_OPTION_OPTION_TABLE_H
#include "odeon/option.h"

/* NULL if it is, else what is wrong. Whether the default is a value of the type is not looked at.
 */
const char *option_fault(const odeon_option *option);
/* The same of what it says about another of its table, which ends with NULL. */
const char *option_replaces_fault(const odeon_option *const *table, const odeon_option *option);

#endif
