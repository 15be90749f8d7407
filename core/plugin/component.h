/* component.h: expressions and sections to components as chosen and set; loads their plugins. */
#ifndef ODEON_CORE_PLUGIN_COMPONENT_H
#define ODEON_CORE_PLUGIN_COMPONENT_H
#include "option/schema_parse.h"
#include "plugin/registry.h"

/* Parses "id" or "id(key=value, ...)" for a component of kind, loads its plugin, and sets its
 * options from the parentheses and from the n pairs (keys of the section that it owns). A key in
 * both, unknown in the parentheses (nearest name is said), out of range, with trailing junk or
 * missing: ODEON_ERR_CONFIG with file, line, section and what is allowed. A pair that is not used
 * is left to the caller, who knows what else may stand in the section. folder: what relative paths
 * in the expression count from; NULL: the working directory. */
odeon_status component_read(registry *r, int32_t kind, const char *expression, location where,
                            const char *section, const char *folder, size_t n, schema_pair *pairs,
                            odeon_config **out);

/* schema_parse where components come from r. */
odeon_status component_parse(registry *r, const odeon_option *option, const char *text,
                             location where, const char *section, const char *folder,
                             option_value *out);
component_reader component_reader_of(registry *r);

#endif
