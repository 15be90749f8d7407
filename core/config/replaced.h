/* replaced.h: where a later source gives a section another component: the keys that only the
 * earlier one had. */
#ifndef ODEON_CORE_CONFIG_REPLACED_H
#define ODEON_CORE_CONFIG_REPLACED_H
#include "config/loading.h"

/* Is the key one that a component had which a later source has replaced by own's value, and which
 * the present one has not? Then it is dropped: c->dropped lists it. */
odeon_status replaced_drop_key(loading *l, const document_section *section, const document_key *own,
                               int32_t kind, const document_key *key, bool *dropped);
/* The same of a section nested below a layer that holds none. */
odeon_status replaced_drop_section(loading *l, const document_section *section,
                                   const document_section *parent, bool *dropped);

#endif
