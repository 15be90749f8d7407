/* schema_print.h: options and their values as text: normal form, help, JSON. */
#ifndef ODEON_CORE_OPTION_SCHEMA_PRINT_H
#define ODEON_CORE_OPTION_SCHEMA_PRINT_H
#include <stdio.h>

#include "base/text.h"
#include "option/schema.h"

/* Writes what an option may be: "0 < momentum <= 1", "yes, no", "float32, float64". */
void schema_allowed(char *text, size_t bytes, const odeon_option *option);

/* "id(key=value, ...)" with every option that has a value, defaults included. ODEON_ERR_CONFIG for
 * a value that would not be read back as it is (a path with a comma, say). out->failed says
 * whether memory ran out. */
odeon_status schema_print(text_buffer *out, const odeon_config *config);
/* Lines "key = value" for the same. */
odeon_status schema_print_keys(text_buffer *out, const odeon_config *config);
/* ODEON_ERR_CONFIG if text, as the value of key, would be misread; nested: in parentheses. */
odeon_status schema_check_text(const char *key, const char *text, bool nested, location where);

/* Enough for what an option can be, whose texts are lines of label.h. */
enum { SCHEMA_DESCRIBE_BYTES = 2304 };
/* Writes type and range: "number, rtol > 0", "whole number, 1 to 5", "yes or no". */
void schema_describe(char *text, size_t bytes, const odeon_option *option);
/* "tol, reltol" and a line break, of what option.h and plugin.h write as "tol|reltol". */
void schema_print_aliases(FILE *out, const char *aliases);
/* One option as help: name, type, range, default, unit, help. Used by inspect. */
void schema_print_option(FILE *out, const odeon_option *option);
/* The same as a JSON object; default, min, max are text, as typed in an INI. */
void schema_json_option(text_buffer *out, const odeon_option *option);
/* "options": [...], a member of an object; options may be NULL. */
void schema_json_options(text_buffer *out, const odeon_option *const *options);

#endif
