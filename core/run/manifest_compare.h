/* manifest_compare.h: what two runs were made of, held against each other by their manifests. */
#ifndef ODEON_CORE_RUN_MANIFEST_COMPARE_H
#define ODEON_CORE_RUN_MANIFEST_COMPARE_H
#include "base/text.h"
#include "format/json.h"

typedef enum manifest_part {
    MANIFEST_PLUGINS, /* version of Odeon, then build-ids */
    MANIFEST_MACHINE, /* device, dtype, workers, processor; not the name of the host */
    MANIFEST_DATA     /* number of samples, order of the first epoch */
} manifest_part;

/* Adds to out the first difference in that part of two manifests, as "processor \"A\" | \"B\"";
 * nothing if there is none. What a manifest lacks, or has in another shape, is "(none)". */
void manifest_difference(manifest_part part, const json_value *a, const json_value *b,
                         text_buffer *out);

#endif
