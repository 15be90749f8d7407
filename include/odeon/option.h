/* option.h: the options of a component, as data.
 *
 * From one table come parsing, error messages, `odeon inspect`, the effective INI and the
 * reference file. A plugin never sees option text: it reads typed values (host.h). Defaults and
 * bounds are text, read by the parser that reads the INI, so that help shows what may be typed.
 * Option names are lower case with underscores, never change, and ranges never shrink. Draft. */
#ifndef ODEON_OPTION_H
#define ODEON_OPTION_H
#include "odeon/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Type                   as typed                      read with */
enum {
    ODEON_OPTION_I64 = 1,    /* -3, 128                      option_i64 */
    ODEON_OPTION_F64 = 2,    /* 1e-3                         option_f64 */
    ODEON_OPTION_FLAG = 3,   /* yes, no, true, false, on, off, 1, 0   option_i64: 0 or 1 */
    ODEON_OPTION_STRING = 4, /* any text                     option_text */
    ODEON_OPTION_CHOICE = 5, /* one of choices "a|b|c"       option_i64: its index, option_text */
    /* a choice "name(path)" is typed name(path=FILE); option_text is then FILE, absolute */
    ODEON_OPTION_PATH = 6,     /* made absolute by the host    option_text */
    ODEON_OPTION_I64_LIST = 7, /* 1 28 28                      option_list_i64 */
    /* 0 0.5 1, or linspace(0 1 3) for equal distances; choices (or NULL) names words that may stand
     * in place of a list: option_text is then the word, else NULL */
    ODEON_OPTION_F64_LIST = 8,  /*                              option_list_f64, option_text */
    ODEON_OPTION_SIZE = 9,      /* >= 1, or state, or classes   option_i64 */
    ODEON_OPTION_COMPONENT = 10 /* id(key=value), kind in choices   option_component */
};

enum {
    ODEON_OPTION_REQUIRED = 1 << 0, /* has no default and must be given */
    ODEON_OPTION_OPTIONAL = 1 << 1, /* has no default and may be left out; see option_given */
    ODEON_OPTION_OPEN_MIN = 1 << 2, /* min itself is not allowed */
    ODEON_OPTION_OPEN_MAX = 1 << 3  /* max itself is not allowed */
};

/* One option. Static data of the plugin. Bounds apply to every element of a list. */
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
} odeon_option;

#ifdef __cplusplus
}
#endif
#endif
