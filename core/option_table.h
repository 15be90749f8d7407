/* option_table.h: is an option well described? */
#ifndef ODEON_CORE_OPTION_TABLE_H
#define ODEON_CORE_OPTION_TABLE_H
#include "odeon/option.h"

/* NULL if it is, else what is wrong; text itself (that a default or a bound parses) is not read. */
const char *option_fault(const odeon_option *option);

#endif
