#include "device/caller.h"

#include <stdio.h>

/* who and slot are read from another thread's board, where one may be there without the other for a
 * moment; such a caller counts as the host. */
bool caller_is_host(const calling *c)
{
    return c->who == NULL || c->slot == NULL || c->who->component == NULL ||
           c->who->component->kind == ODEON_KIND_DEVICE;
}

/* Paths are bounded nowhere, so the text is cut to the room. */
const char *caller_text(const calling *c, char *text, size_t bytes)
{
    if (caller_is_host(c)) {
        return "the host";
    }
    (void)snprintf(text, bytes, "%s of %s (%s)", c->slot, c->who->path, c->who->component->id);
    return text;
}

/* Workers that run the host's code alone can only part by a fault of the host. */
odeon_status caller_fault(const calling *a, const calling *b)
{
    return caller_is_host(a) && caller_is_host(b) ? ODEON_ERR_INTERNAL : ODEON_ERR_PLUGIN;
}
