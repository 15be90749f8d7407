#include <string.h>

#include "base/location.h"
#include "option/schema_print.h"

/* ---- what an option may be ---- */

/* what stands for an option without bounds. The name of the option stands in the range, which reads
 * as the condition that a value must meet. */
static void print_range(char *text, size_t bytes, const odeon_option *o, const char *what)
{
    const char *less = (o->flags & ODEON_OPTION_OPEN_MAX) != 0 ? "<" : "<=";
    if (o->min_text != NULL && o->max_text != NULL) {
        (void)snprintf(text, bytes, "%s %s %s %s %s", o->min_text,
                       (o->flags & ODEON_OPTION_OPEN_MIN) != 0 ? "<" : "<=", o->name, less,
                       o->max_text);
    } else if (o->min_text != NULL) {
        (void)snprintf(text, bytes, "%s %s %s", o->name,
                       (o->flags & ODEON_OPTION_OPEN_MIN) != 0 ? ">" : ">=", o->min_text);
    } else if (o->max_text != NULL) {
        (void)snprintf(text, bytes, "%s %s %s", o->name, less, o->max_text);
    } else {
        (void)snprintf(text, bytes, "%s", what);
    }
}

/* As they are typed: a choice that is declared as name(path) is name(path=FILE). One snprintf a
 * piece, each cut where the room ends: used may then pass bytes, which ends the loop. */
static void print_choices(char *text, size_t bytes, const char *choices)
{
    static const char takes_path[] = "(path)";
    size_t used = 0, step = 1;
    for (const char *c = choices; *c != '\0' && used < bytes; c += step) {
        bool path = strncmp(c, takes_path, sizeof takes_path - 1) == 0;
        step = path ? sizeof takes_path - 1 : 1;
        int n = path        ? snprintf(text + used, bytes - used, "(path=FILE)")
                : *c == '|' ? snprintf(text + used, bytes - used, ", ")
                            : snprintf(text + used, bytes - used, "%c", *c);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* ", or batch, ...": the words that may stand in place of a list. Left out where there is no room
 * for the first letters. */
static void add_words(char *text, size_t bytes, const odeon_option *o)
{
    size_t used = strlen(text);
    if (o->choices != NULL && used + 5 < bytes) {
        (void)snprintf(text + used, bytes - used, ", or ");
        print_choices(text + used + 5, bytes - used - 5, o->choices);
    }
}

/* What a message says after "allowed:". The wording is that of help (schema_describe), but as a
 * condition rather than as a type. text is cut where it has no room. */
void schema_allowed(char *text, size_t bytes, const odeon_option *option)
{
    switch (option->type) {
    case ODEON_OPTION_I64:
        print_range(text, bytes, option, "a whole number");
        break;
    case ODEON_OPTION_F64:
        print_range(text, bytes, option, "a number");
        break;
    case ODEON_OPTION_I64_LIST:
        print_range(text, bytes, option, "whole numbers with blanks between them");
        break;
    case ODEON_OPTION_F64_LIST:
        print_range(text, bytes, option,
                    "numbers with blanks between them, linspace(first last n)");
        add_words(text, bytes, option);
        break;
    case ODEON_OPTION_FLAG:
        (void)snprintf(text, bytes, "yes, no (or true, false, on, off, 1, 0)");
        break;
    case ODEON_OPTION_CHOICE:
        print_choices(text, bytes, option->choices);
        break;
    case ODEON_OPTION_SIZE:
        (void)snprintf(text, bytes, "a whole number >= 1, state, classes");
        break;
    case ODEON_OPTION_COMPONENT:
        (void)snprintf(text, bytes, "%s, as name or name(key=value, ...)", option->choices);
        break;
    default:
        (void)snprintf(text, bytes, "%s", option->type == ODEON_OPTION_PATH ? "a path" : "text");
        break;
    }
}

/* ---- options as help ---- */

/* ", 1 to 5", or ", 0 < momentum < 1", or nothing. Closed bounds of both sides are the common case
 * and read best as "1 to 5". */
static void add_range(char *text, size_t bytes, const odeon_option *o)
{
    size_t used = strlen(text);
    bool open = (o->flags & (ODEON_OPTION_OPEN_MIN | ODEON_OPTION_OPEN_MAX)) != 0;
    if (o->min_text != NULL && o->max_text != NULL && !open) {
        (void)snprintf(text + used, bytes - used, ", %s to %s", o->min_text, o->max_text);
    } else if (o->min_text != NULL || o->max_text != NULL) {
        (void)snprintf(text + used, bytes - used, ", ");
        print_range(text + used + 2, bytes - used - 2, o, "");
    }
}

/* text has room for all (SCHEMA_DESCRIBE_BYTES), as the additions do not look for the end of it. */
void schema_describe(char *text, size_t bytes, const odeon_option *option)
{
    static const char *const names[] = {
        [ODEON_OPTION_I64] = "whole number",
        [ODEON_OPTION_F64] = "number",
        [ODEON_OPTION_FLAG] = "yes or no",
        [ODEON_OPTION_STRING] = "text",
        [ODEON_OPTION_CHOICE] = "choice of ",
        [ODEON_OPTION_PATH] = "path",
        [ODEON_OPTION_I64_LIST] = "whole numbers",
        [ODEON_OPTION_F64_LIST] = "numbers or linspace(first last n)",
        [ODEON_OPTION_SIZE] = "whole number >= 1, state or classes",
    };
    if (option->type == ODEON_OPTION_COMPONENT) {
        (void)snprintf(text, bytes, "%s, as NAME or NAME(key=value, ...)", option->choices);
        return;
    }
    (void)snprintf(text, bytes, "%s", names[option->type]);
    if (option->type == ODEON_OPTION_CHOICE) {
        size_t used = strlen(text);
        print_choices(text + used, bytes - used, option->choices);
    } else if (option->type != ODEON_OPTION_SIZE) {
        add_range(text, bytes, option);
    }
    if (option->type == ODEON_OPTION_F64_LIST) {
        add_words(text, bytes, option);
    }
}

/* The | is a matter of the table, not of help. */
void schema_print_aliases(FILE *out, const char *aliases)
{
    for (const char *c = aliases; *c != '\0'; c++) {
        (void)fprintf(out, *c == '|' ? ", " : "%c", *c);
    }
    (void)fprintf(out, "\n");
}

/* Two lines with the columns of help: name, default and text, then type and range below the
 * text. */
void schema_print_option(FILE *out, const odeon_option *option)
{
    char described[SCHEMA_DESCRIBE_BYTES];
    schema_describe(described, sizeof described, option);
    const char *standard = option->default_text;
    if (standard == NULL) {
        standard = (option->flags & ODEON_OPTION_REQUIRED) != 0 ? "(required)" : "(none)";
    }
    (void)fprintf(out, "  %-14s %-14s %s%s%s%s\n", option->name, standard, option->help,
                  option->unit != NULL ? " [" : "", option->unit != NULL ? option->unit : "",
                  option->unit != NULL ? "]" : "");
    (void)fprintf(out, "  %-29s %s%s%s\n", "", described,
                  option->replaces != NULL ? "; in place of " : "",
                  option->replaces != NULL ? option->replaces : "");
    if (option->aliases != NULL) {
        (void)fprintf(out, "  %-29s aliases: ", "");
        schema_print_aliases(out, option->aliases);
    }
}

/* A member behind others, hence the comma; null where there is no text. */
static void json_member(text_buffer *out, const char *name, const char *text)
{
    text_printf(out, ", \"%s\": ", name);
    if (text != NULL) {
        text_json_string(out, text);
    } else {
        text_add(out, "null");
    }
}

/* Defaults and bounds are text as in an INI, since an int64 or an infinite bound is no number of
 * JSON. Members are never left out, so that a reader need not ask whether they are there. */
void schema_json_option(text_buffer *out, const odeon_option *option)
{
    static const char *const types[] = {
        [ODEON_OPTION_I64] = "integer",       [ODEON_OPTION_F64] = "number",
        [ODEON_OPTION_FLAG] = "flag",         [ODEON_OPTION_STRING] = "text",
        [ODEON_OPTION_CHOICE] = "choice",     [ODEON_OPTION_PATH] = "path",
        [ODEON_OPTION_I64_LIST] = "integers", [ODEON_OPTION_F64_LIST] = "numbers",
        [ODEON_OPTION_SIZE] = "size",         [ODEON_OPTION_COMPONENT] = "component",
    };
    char described[SCHEMA_DESCRIBE_BYTES];
    schema_describe(described, sizeof described, option);
    text_add(out, "{\"name\": ");
    text_json_string(out, option->name);
    json_member(out, "type", types[option->type]);
    text_printf(out, ", \"required\": %s",
                (option->flags & ODEON_OPTION_REQUIRED) != 0 ? "true" : "false");
    json_member(out, "default", option->default_text);
    json_member(out, "min", option->min_text);
    json_member(out, "max", option->max_text);
    text_printf(out, ", \"min_open\": %s, \"max_open\": %s",
                (option->flags & ODEON_OPTION_OPEN_MIN) != 0 ? "true" : "false",
                (option->flags & ODEON_OPTION_OPEN_MAX) != 0 ? "true" : "false");
    json_member(out, "choices", option->choices);
    json_member(out, "unit", option->unit);
    json_member(out, "replaces", option->replaces);
    json_member(out, "allowed", described);
    json_member(out, "help", option->help);
    json_member(out, "aliases", option->aliases);
    text_add(out, "}");
}

/* One option a line. */
void schema_json_options(text_buffer *out, const odeon_option *const *options)
{
    text_add(out, "\"options\": [");
    for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
        text_add(out, i > 0 ? ",\n    " : "\n    ");
        schema_json_option(out, options[i]);
    }
    text_add(out, "]");
}

/* ---- the normal form ---- */

/* Looks for everything that an INI or an expression would read otherwise than as plain text:
 * comments, replacements, commas and brackets. Quotes are not known to either, so that such a text
 * cannot be written at all. */
odeon_status schema_check_text(const char *key, const char *text, bool nested, location where)
{
    const char *why = NULL;
    int depth = 0;
    for (const char *c = text; *c != '\0' && why == NULL; c++) {
        bool after_blank = c == text || c[-1] == ' ' || c[-1] == '\t';
        if ((*c == ';' || *c == '#') && after_blank) {
            why = "';' or '#' after a blank would start a comment";
        } else if (c[0] == '$' && c[1] == '{') {
            why = "'${' would be replaced from [let]";
        } else if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f) {
            why = "it has control characters";
        }
        /* Commas and brackets mean something in parentheses alone. */
        depth += (*c == '(') - (*c == ')');
        if (nested && (depth < 0 || (*c == ',' && depth == 0))) {
            why = "a comma or bracket would end it here";
        }
    }
    if (nested && why == NULL && depth > 0) {
        why = "its bracket would not be closed here";
    }
    size_t n = strlen(text);
    /* Blanks at the ends are trimmed wherever a value is read. */
    if (n > 0 && (strchr(" \t", text[0]) != NULL || strchr(" \t", text[n - 1]) != NULL)) {
        why = "it begins or ends with a blank";
    }
    return why == NULL
               ? ODEON_OK
               : location_fail(where, NULL, "%s = %.200s: %s: choose another name", key, text, why);
}

/* A component checks its own values. */
static odeon_status print_value(text_buffer *out, const odeon_option *option,
                                const option_value *value, bool nested)
{
    if (value->component != NULL) {
        return schema_print(out, value->component);
    }
    ODEON_TRY(schema_check_text(option->name, value->text, nested, value->where));
    text_add(out, value->text);
    return ODEON_OK;
}

/* Options without a value are left out, and so are the brackets where none has one: reading the
 * result gives the same component. */
odeon_status schema_print(text_buffer *out, const odeon_config *config)
{
    /* The first value that there is opens the bracket. */
    const char *before = "(";
    text_add(out, config->component->id);
    for (size_t i = 0; i < config->n; i++) {
        const odeon_option *option = config->component->options[i];
        if (config->values[i].set) {
            text_printf(out, "%s%s=", before, option->name);
            ODEON_TRY(print_value(out, option, &config->values[i], true));
            before = ", ";
        }
    }
    if (strcmp(before, ", ") == 0) {
        text_add(out, ")");
    }
    return ODEON_OK;
}

/* As keys of a section, where commas and brackets do no harm. */
odeon_status schema_print_keys(text_buffer *out, const odeon_config *config)
{
    for (size_t i = 0; i < config->n; i++) {
        const odeon_option *option = config->component->options[i];
        if (config->values[i].set) {
            text_printf(out, "%s = ", option->name);
            ODEON_TRY(print_value(out, option, &config->values[i], false));
            text_add(out, "\n");
        }
    }
    return ODEON_OK;
}
