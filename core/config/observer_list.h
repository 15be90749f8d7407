/* observer_list.h: run.observers. */
#ifndef ODEON_CORE_CONFIG_OBSERVER_LIST_H
#define ODEON_CORE_CONFIG_OBSERVER_LIST_H
#include "config/section.h"

/* Reads the list into l->c and puts its normal form in the place of what was typed. Not given, it
 * stays so: which observers a run has then is not the configuration's to say. */
odeon_status observer_list_read(loading *l, host_section *h);

#endif
