/* manifest_compare.h: what two runs were made of, held against each other by their manifests. */
#ifndef ODEON_CORE_RUN_MANIFEST_COMPARE_H
#define ODEON_CORE_RUN_MANIFEST_COMPARE_H
#include "base/text.h"

enum {
    MANIFEST_PLUGINS, /* version of Odeon, then build-ids */
    MANIFEST_MACHINE, /* device, dtype, workers, processor; not the name of the host */
    MANIFEST_DATA     /* number of samples, order of the first epoch */
};

/* Adds to out the first difference in that part of two manifests as manifest_print makes them, as
 * "processor \"A\" | \"B\""; nothing if there is none. */
void manifest_difference(int part, const char *a, const char *b, text_buffer *out);

#endif
