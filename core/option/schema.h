/* schema.h: option tables to typed values. */
#ifndef ODEON_CORE_OPTION_SCHEMA_H
#define ODEON_CORE_OPTION_SCHEMA_H
#include <stdbool.h>
#include <stdio.h>

#include "base/hints.h"
#include "base/location.h"
#include "base/text.h"
#include "odeon/option.h"
#include "odeon/plugin.h"

enum { SIZE_NUMBER = 0, SIZE_STATE = 1, SIZE_CLASSES = 2 };

/* The value of one option. The type of the option says which members mean something; pointers that
 * mean nothing are NULL. Where set is false there is no value. */
typedef struct option_value {
    int64_t i;  /* I64, FLAG, CHOICE (index), SIZE once bound; F64_LIST: index of a word, or -1 */
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
    location where;
} option_value;

/* A further table of services that the host offers by id (container.h); a list ends with id NULL.
 */
typedef struct host_service {
    const char *id;
    const void *table;
} host_service;

/* One component as chosen and set. */
struct odeon_config {
    const odeon_component *component;
    int32_t kind;
    size_t n;             /* options */
    option_value *values; /* [n], in the order of the component's table */
    location where;
    const char *file;   /* the plugin's, which lives as long as the registry; NULL: none is known */
    uint32_t abi_minor; /* that the plugin was built with; of none: 0 */
    const host_service *services; /* what its instances may ask the host for; NULL: nothing */
    struct registry *registry;    /* that it was read by; NULL: none */
    struct figures *figures;      /* of its instances and others; NULL: they have none */
};

/* Which of a pair and of the parentheses of the expression it belongs to holds when both set an
 * option: neither (an error), the pair, the parentheses. */
enum { PAIR_EQUAL = 0, PAIR_OVER = 1, PAIR_UNDER = 2 };

/* key = value, both as typed. */
typedef struct schema_pair {
    const char *key, *value;
    const char *folder; /* what a relative path counts from; NULL: the working directory */
    location where;
    int precedence; /* PAIR_* */
    bool used;      /* set by component_read for every pair whose key is one of its options */
} schema_pair;

/* All options without a value; NULL without memory. */
odeon_config *schema_create(const odeon_component *component, location where);
void schema_destroy(odeon_config *config); /* NULL is allowed */
/* A copy of its own, values and nested components included; NULL without memory. */
odeon_config *schema_copy(const odeon_config *config);

/* Does it, or a component in it, name state or classes in the place of a number? */
bool schema_has_sizes(const odeon_config *config);
/* Gives state and classes their numbers, here and in nested components. A component that uses
 * state or classes where there is none (0) is ODEON_ERR_CONFIG. */
odeon_status schema_bind_sizes(odeon_config *config, int64_t state, int64_t classes);

/* Finds an option by name; NULL if the component has none of that name. */
const option_value *schema_value(const odeon_config *config, const char *name);
size_t schema_option_index(const odeon_config *config, const char *name); /* n: none */
const odeon_option *schema_option(const odeon_config *config, const char *name);

/* The most options of a component, which descriptor.c sees to. */
enum { SCHEMA_MAX_OPTIONS = 256 };
/* Appends the names of options, which end with NULL or are NULL, to n that are there. */
size_t schema_names(const odeon_option *const *options, size_t n, hint_name *names, size_t room);

void schema_value_clear(option_value *value);

#endif
