/* schema.h: option tables to typed values. */
#ifndef ODEON_CORE_OPTION_SCHEMA_H
#define ODEON_CORE_OPTION_SCHEMA_H
#include <stdbool.h>
#include <stdio.h>

#include "base/hints.h"
#include "base/text.h"
#include "odeon/option.h"
#include "odeon/plugin.h"
#include "plugin/registry.h"

/* Where a piece of configuration stands: "odenet.ini:12", or "override train.lr=1". */
typedef struct config_where {
    const char *file; /* lives as long as the configuration; NULL: a default */
    int line;         /* 0: none */
} config_where;

enum { SIZE_NUMBER = 0, SIZE_STATE = 1, SIZE_CLASSES = 2 };

typedef struct option_value {
    int64_t i;  /* I64, FLAG, CHOICE (index), SIZE once bound */
    double f;   /* F64 */
    char *text; /* normal form; PATH: absolute; CHOICE: the choice; COMPONENT: NULL */
    int64_t *list_i;
    double *list_f;
    int32_t n;           /* of a list */
    int32_t size_symbol; /* SIZE_*: what stands in place of a number */
    odeon_config *component;
    char *argument; /* CHOICE: the absolute path of a choice that takes one; else NULL */
    bool given;     /* by the INI or an override, not by default */
    bool set;       /* has a value (not OPTIONAL and left out) */
    config_where where;
} option_value;

/* One component as chosen and set. */
struct odeon_config {
    const odeon_component *component;
    int32_t kind;
    size_t n;             /* options */
    option_value *values; /* [n], in the order of the component's table */
    config_where where;
    const char *file; /* the plugin's, which lives as long as the registry; NULL: none is known */
    /* Sizes that state and classes stand for; 0 until schema_bind_sizes. */
    int64_t state, classes;
};

/* Which of a pair and of the parentheses of the expression it belongs to holds when both set an
 * option: neither (an error), the pair, the parentheses. */
enum { PAIR_EQUAL = 0, PAIR_OVER = 1, PAIR_UNDER = 2 };

/* key = value, both as typed. */
typedef struct schema_pair {
    const char *key, *value;
    const char *folder; /* what a relative path counts from; NULL: the working directory */
    config_where where;
    int precedence; /* PAIR_* */
    bool used;      /* set by schema_component for every pair whose key is one of its options */
} schema_pair;

/* Parses "id" or "id(key=value, ...)" for a component of kind, loads its plugin, and sets its
 * options from the parentheses and from the n pairs (keys of the section that it owns). A key in
 * both, unknown in the parentheses (nearest name is said), out of range, with trailing junk or
 * missing: ODEON_ERR_CONFIG with file, line, section and what is allowed. A pair that is not used
 * is left to the caller, who knows what else may stand in the section. folder: what relative paths
 * in the expression count from; NULL: the working directory. */
odeon_status schema_component(registry *r, int32_t kind, const char *expression, config_where where,
                              const char *section, const char *folder, size_t n, schema_pair *pairs,
                              odeon_config **out);
void schema_destroy(odeon_config *config); /* NULL is allowed */
/* A copy of its own, values and nested components included; NULL without memory. */
odeon_config *schema_copy(const odeon_config *config);

/* Gives state and classes their numbers, here and in nested components. A component that uses
 * state or classes where there is none (0) is ODEON_ERR_CONFIG. */
odeon_status schema_bind_sizes(odeon_config *config, int64_t state, int64_t classes);

/* Finds an option by name; NULL if the component has none of that name. */
const option_value *schema_value(const odeon_config *config, const char *name);
const odeon_option *schema_option(const odeon_config *config, const char *name);

/* Records "odenet.ini:12: [section] ..." and returns ODEON_ERR_CONFIG; section NULL: without. */
odeon_status schema_fail(config_where where, const char *section, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts the place before the message of a failure that somebody else has recorded; returns status.
 */
odeon_status schema_place(odeon_status status, config_where where, const char *section);

/* Writes ": did you mean 'filters'?", or the list of all n names if none is near, or that there is
 * none. */
void schema_suggest(char *text, size_t bytes, const char *name, size_t n, const char *const *names);

/* The most options of a component, which descriptor.c sees to. */
enum { SCHEMA_MAX_OPTIONS = 256 };
/* Appends the names of options, which end with NULL or are NULL, to n that are there. */
size_t schema_names(const odeon_option *const *options, size_t n, hint_name *names, size_t room);

/* Writes what an option may be: "0 < momentum <= 1", "yes, no", "float32, float64". */
void schema_allowed(char *text, size_t bytes, const odeon_option *option);

/* Parses one value of an option's type from text; the same parser for INI, defaults and bounds. */
odeon_status schema_parse(registry *r, const odeon_option *option, const char *text,
                          config_where where, const char *section, const char *folder,
                          option_value *out);
void schema_value_clear(option_value *value);

/* Splits at commas outside parentheses ("conv2d(filters=6), relu"); items are trimmed copies. */
odeon_status schema_split(const char *text, config_where where, size_t *n, char ***items);
void schema_split_free(size_t n, char **items);

/* "id(key=value, ...)" with every option that has a value, defaults included. ODEON_ERR_CONFIG for
 * a value that would not be read back as it is (a path with a comma, say). out->failed says
 * whether memory ran out. */
odeon_status schema_print(text_buffer *out, const odeon_config *config);
/* Lines "key = value" for the same. */
odeon_status schema_print_keys(text_buffer *out, const odeon_config *config);
/* ODEON_ERR_CONFIG if text, as the value of key, would be misread; nested: in parentheses. */
odeon_status schema_check_text(const char *key, const char *text, bool nested, config_where where);

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
