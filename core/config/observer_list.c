#include "config/observer_list.h"

#include <string.h>

#include "config/component_list.h"

odeon_status observer_list_read(loading *l, host_section *h)
{
    static const component_key key = {
        .kind = ODEON_KIND_OBSERVER, .section = "run", .name = "observers", .advice = ""};
    const option_value *value = host_value(h, key.name);
    l->c->has_observers = value->set;
    return value->set && strcmp(value->text, "none") != 0
               ? component_list_read(l, h, &key, &l->c->n_observers, &l->c->observers)
               : ODEON_OK;
}
