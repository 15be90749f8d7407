/* device_auto.h: run.device = auto, the best device that this machine can use. */
#ifndef ODEON_CORE_DEVICE_DEVICE_AUTO_H
#define ODEON_CORE_DEVICE_DEVICE_AUTO_H
#include "plugin/registry.h"

#define DEVICE_AUTO "auto" /* stands in the place of a device's id */

typedef struct device_answer {
    char *id;
    int32_t rank;        /* odeon_device_ops.rank; INT32_MAX of a plugin that cannot be loaded */
    odeon_status status; /* 0: usable, as it stands with default options */
    char *text;          /* what runs its operators, or why it is not usable; NULL: not asked */
} device_answer;

typedef struct device_answers {
    size_t n;
    device_answer *list; /* by falling rank, equal ones by id */
} device_answers;

/* Asks the devices under the search path, and those of plugins that are loaded already, whether
 * they are usable: until one is, or, if all, every one. Of negative rank are those that want to be
 * named; they are left out. Whatever a device answers is no failure, but for ODEON_ERR_NOMEM.
 * ODEON_ERR_IO. Fini it even then. [main] */
odeon_status device_auto_ask(registry *r, bool all, device_answers *out);
void device_answers_fini(device_answers *answers);

/* The id of the first one that is usable; the caller frees it. Says on stderr why better ones are
 * not. ODEON_ERR_DEVICE if none is, and as above. [main] */
odeon_status device_auto_choose(registry *r, char **out);

#endif
