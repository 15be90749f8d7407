#include "config/losses.h"

#include "config/component_list.h"

/* loss is a text and no component for the host, since it may be a list. The same loss twice is one
 * with the sum of both weights. */
odeon_status losses_read(loading *l, host_section *h)
{
    static const component_key key = {.kind = ODEON_KIND_LOSS,
                                      .section = "train",
                                      .name = "loss",
                                      .advice = ": give it once, with both weights together"};
    return component_list_read(l, h, &key, &l->c->n_losses, &l->c->losses);
}
