#include "net/net.h"

#include <inttypes.h>

/* The batch is left out since it is not the layer's to choose. snprintf answers what it would have
 * written, so the position may pass the end of the buffer and nothing more is written then. */
const char *net_shape_text(const odeon_shape *x, char *text, size_t bytes)
{
    size_t at = (size_t)snprintf(text, bytes, "[");
    for (int32_t i = 1; i < x->ndim && at < bytes; i++) {
        at += (size_t)snprintf(text + at, bytes - at, "%s%" PRId64, i > 1 ? ", " : "", x->dim[i]);
    }
    if (at < bytes) {
        (void)snprintf(text + at, bytes - at, "]");
    }
    return text;
}
