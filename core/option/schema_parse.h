/* schema_parse.h: text to the value of an option. */
#ifndef ODEON_CORE_OPTION_SCHEMA_PARSE_H
#define ODEON_CORE_OPTION_SCHEMA_PARSE_H
#include "option/schema.h"

/* Reads the value of an option that is a component; whoever knows plugins gives it. */
typedef struct component_reader {
    odeon_status (*read)(void *context, int32_t kind, const char *expression, location where,
                         const char *section, const char *folder, odeon_config **out);
    void *context;
} component_reader;

/* Parses one value of an option's type from text; the same parser for INI, defaults and bounds.
 * components: NULL where the option is of another type. */
odeon_status schema_parse(const component_reader *components, const odeon_option *option,
                          const char *text, location where, const char *section, const char *folder,
                          option_value *out);

/* May an option of type F64, or an element of an F64_LIST, be value? NaN lies within no bound. */
bool schema_within(const odeon_option *option, double value);

#endif
