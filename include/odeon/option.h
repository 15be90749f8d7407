/* option.h: the options of a component, as data.
 *
 * From one table come parsing, error messages, `odeon inspect`, the effective INI and the
 * reference file. A plugin never sees option text: the host writes typed values into fields of the
 * instance. Defaults and bounds are text, read by the parser that reads the INI, so that help shows
 * what may be typed. Option names are lower case with underscores, never change, and ranges never
 * shrink.
 *
 * Frozen at 1.0. */
#ifndef ODEON_OPTION_H
#define ODEON_OPTION_H
#include "odeon/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One component as the INI chose and set it; the host's, and opaque. */
typedef struct odeon_config odeon_config;

/* odeon_option.type                as typed */
enum {
    ODEON_OPTION_I64 = 1,    /* -3, 128 */
    ODEON_OPTION_F64 = 2,    /* 1e-3 */
    ODEON_OPTION_FLAG = 3,   /* yes, no, true, false, on, off, 1, 0 */
    ODEON_OPTION_STRING = 4, /* any text */
    /* One of choices "a|b|c". A choice "name(path)" is typed name(path=FILE). New choices are added
     * at the end, since what a plugin gets is an index. */
    ODEON_OPTION_CHOICE = 5,
    ODEON_OPTION_PATH = 6,     /* made absolute by the host */
    ODEON_OPTION_I64_LIST = 7, /* 1 28 28 */
    /* 0 0.5 1, or linspace(0 1 3) for equal distances; choices (or NULL) names words "a|b" that may
     * stand in place of a list. */
    ODEON_OPTION_F64_LIST = 8,
    ODEON_OPTION_SIZE = 9,      /* >= 1, or state, or classes */
    ODEON_OPTION_COMPONENT = 10 /* id(key=value); choices is the kind's name */
};
/* The same type as CHOICE, for a field that takes the path of a choice, too. */
#define ODEON_OPTION_CHOICE_PATH ODEON_OPTION_CHOICE

/* Bits of odeon_option.flags. */
enum {
    ODEON_OPTION_REQUIRED = 1 << 0, /* has no default and must be given */
    ODEON_OPTION_OPTIONAL = 1 << 1, /* has no default and may be left out; see host.option_given */
    ODEON_OPTION_OPEN_MIN = 1 << 2, /* min itself is not allowed */
    ODEON_OPTION_OPEN_MAX = 1 << 3  /* max itself is not allowed */
};

/* One option. Growing; static data of the plugin. Bounds apply to every element of a list. */
typedef struct odeon_option {
    uint32_t struct_size;
    int32_t type;
    uint32_t flags;
    uint32_t reserved0;
    const char *name;
    const char *default_text; /* NULL with REQUIRED or OPTIONAL, else not NULL */
    const char *min_text;     /* NULL: unbounded */
    const char *max_text;     /* NULL: unbounded */
    const char *choices;      /* CHOICE: "a|b|c"; F64_LIST: the same or NULL; COMPONENT: the kind's
                                 name; else NULL */
    const char *unit;         /* "steps"; NULL: none */
    const char *help;         /* one line, no full stop */
    /* What others call it, "tol|tolerance"; NULL: nothing. Hints know them, an INI does not: an
     * option has one name. */
    const char *aliases;
    /* An option of the same table in whose place this one is given: the host refuses both at once,
     * and where this one is given the other has no value, not even its default. NULL: none. */
    const char *replaces;
    /* Where the host writes the value before init: a field of the instance (plugin.h) of the C type
     * ODEON_OPTION_C_... of this type. bytes 0: nowhere, as for one of which only
     * option_given (host.h) is used. */
    uint32_t offset, bytes;
} odeon_option;

/* Final. Lists as they are written into an instance; at lives as long as the instance. */
typedef struct odeon_i64_list {
    const int64_t *at;
    int64_t n;
} odeon_i64_list;
/* Where a word stands in place of the list at is NULL and n is -1 for the first word of choices, -2
 * for the second, and so on. */
typedef struct odeon_f64_list {
    const double *at;
    int64_t n;
} odeon_f64_list;
/* Final. A choice and its path, which is absolute, or NULL of a choice without one. */
typedef struct odeon_choice {
    int64_t index;
    const char *path;
} odeon_choice;

/* The field of an instance that an option of each type is written into. Of an OPTIONAL one that is
 * left out it stays 0, NULL or an empty list. A FLAG is 0 or 1, a CHOICE its index from 0, a SIZE
 * the number that stands for state or classes where one of them is given. A choice that may have a
 * path needs a field that takes it (CHOICE_PATH). Texts live as long as the instance. */
#define ODEON_OPTION_C_I64         int64_t
#define ODEON_OPTION_C_F64         double
#define ODEON_OPTION_C_FLAG        int64_t
#define ODEON_OPTION_C_STRING      const char *
#define ODEON_OPTION_C_CHOICE      int64_t
#define ODEON_OPTION_C_CHOICE_PATH odeon_choice
#define ODEON_OPTION_C_PATH        const char *
#define ODEON_OPTION_C_I64_LIST    odeon_i64_list
#define ODEON_OPTION_C_F64_LIST    odeon_f64_list
#define ODEON_OPTION_C_SIZE        int64_t
#define ODEON_OPTION_C_COMPONENT   const odeon_config *

/* The size of a field, which the compiler refuses where it has another type than the option. */
#define ODEON_OPTION_BYTES(type, field, KIND)                                                      \
    ((uint32_t)sizeof(*(1 ? &((type *)0)->field : (ODEON_OPTION_C_##KIND *)0)))

/* In C, an entry of a component's list of options, at file scope:
 *   static const odeon_option *const options[] = {
 *       ODEON_OPTION(sgd, lr, F64, .flags = ODEON_OPTION_REQUIRED, .min_text = "0",
 *                    .help = "learning rate"),
 *       NULL}; */
#define ODEON_OPTION(instance_, field, KIND, ...)                                                  \
    ODEON_OPTION_AS(instance_, field, KIND, #field, __VA_ARGS__)

/* The same where the field has another name, as one of a structure within the instance has:
 *   ODEON_OPTION_AS(dense, init.weight, CHOICE, "init", .default_text = ...) */
#define ODEON_OPTION_AS(instance_, field, KIND, name_, ...)                                        \
    &(const odeon_option)                                                                          \
    {                                                                                              \
        .struct_size = (uint32_t)sizeof(odeon_option), .type = ODEON_OPTION_##KIND, .name = name_, \
        .offset = (uint32_t)offsetof(instance_, field),                                            \
        .bytes = ODEON_OPTION_BYTES(instance_, field, KIND), __VA_ARGS__                           \
    }

#ifdef __cplusplus
}
#endif
#endif
