#include <string.h>

#include "schema.h"

/* ---- what an option may be ---- */

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

/* As they are typed: a choice that is declared as name(path) is name(path=FILE). */
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
        print_range(text, bytes, option, "numbers with blanks between them");
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

void schema_print_option(FILE *out, const odeon_option *option)
{
    char allowed[512];
    schema_allowed(allowed, sizeof allowed, option);
    const char *standard = option->default_text;
    if (standard == NULL) {
        standard = (option->flags & ODEON_OPTION_REQUIRED) != 0 ? "(required)" : "(none)";
    }
    (void)fprintf(out, "  %-14s %-14s %s%s%s%s\n", option->name, standard, option->help,
                  option->unit != NULL ? " [" : "", option->unit != NULL ? option->unit : "",
                  option->unit != NULL ? "]" : "");
    (void)fprintf(out, "  %-29s allowed: %s\n", "", allowed);
}

/* ---- the normal form ---- */

odeon_status schema_check_text(const char *key, const char *text, bool nested, config_where where)
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
        depth += (*c == '(') - (*c == ')');
        if (nested && (depth < 0 || (*c == ',' && depth == 0))) {
            why = "a comma or bracket would end it here";
        }
    }
    if (nested && why == NULL && depth > 0) {
        why = "its bracket would not be closed here";
    }
    size_t n = strlen(text);
    if (n > 0 && (strchr(" \t", text[0]) != NULL || strchr(" \t", text[n - 1]) != NULL)) {
        why = "it begins or ends with a blank";
    }
    return why == NULL
               ? ODEON_OK
               : schema_fail(where, NULL, "%s = %.200s: %s: choose another name", key, text, why);
}

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

odeon_status schema_print(text_buffer *out, const odeon_config *config)
{
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
