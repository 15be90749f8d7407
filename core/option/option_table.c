#include "option/option_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/label.h"
#include "base/number.h"
#include "option/kinds.h"

enum {
    KNOWN_FLAGS = ODEON_OPTION_REQUIRED | ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN |
                  ODEON_OPTION_OPEN_MAX
};

/* Does the n-byte word stand among the choices before it? Of two that are equal the second could
 * never be chosen. */
static bool repeats(const char *choices, const char *word, size_t n)
{
    for (const char *c = choices; c < word; c += strcspn(c, "|") + 1) {
        if (strcspn(c, "|") == n && memcmp(c, word, n) == 0) {
            return true;
        }
    }
    return false;
}

/* "a|b|c": words of text that can be typed, none empty, none twice. A choice ends at |, and an
 * expression at brackets, commas, = and ;, so none of them may stand in a word; name(path) is the
 * one exception, for a choice that takes a file. */
static bool are_choices(const char *choices)
{
    const char *word = choices;
    for (;;) {
        size_t n = strcspn(word, "|");
        size_t letters = strcspn(word, "|(),=; ");
        bool plain = letters == n || (letters + 6 == n && memcmp(word + letters, "(path)", 6) == 0);
        if (letters == 0 || !plain || repeats(choices, word, n)) {
            return false;
        }
        if (word[n] == '\0') {
            return true;
        }
        word += n + 1;
    }
}

/* Bounds of a list hold for each of its elements. */
static bool has_bounds(int32_t type)
{
    return type == ODEON_OPTION_I64 || type == ODEON_OPTION_F64 || type == ODEON_OPTION_I64_LIST ||
           type == ODEON_OPTION_F64_LIST || type == ODEON_OPTION_SIZE;
}

/* NULL, or what the parser of values takes as a bound of that type. The value of a bound is read
 * again whenever it is compared with, so it must be sound here, once, when the plugin is loaded. */
static bool is_bound(int32_t type, const char *text)
{
    int64_t whole;
    double real;
    if (text == NULL) {
        return true;
    }
    if (type != ODEON_OPTION_F64 && type != ODEON_OPTION_F64_LIST) {
        return number_parse_i64(text, &whole) == NUMBER_OK;
    }
    return number_parse_f64(text, &real) == NUMBER_OK || strcmp(text, "inf") == 0 ||
           strcmp(text, "-inf") == 0;
}

/* Texts of plugins are printed in help and messages, so none may move the cursor or break the
 * line. */
static bool is_line_or_null(const char *text)
{
    return text == NULL || label_is_line(text);
}

/* What choices means depends on the type: words to choose from, words in place of a list, or the
 * name of a kind. */
static const char *choices_fault(const odeon_option *o)
{
    if (o->type == ODEON_OPTION_CHOICE) {
        return o->choices != NULL && are_choices(o->choices)
                   ? NULL
                   : "is a choice without words \"a|b|c\" to choose from";
    }
    if (o->type == ODEON_OPTION_F64_LIST && o->choices != NULL) {
        return are_choices(o->choices) && strchr(o->choices, '(') == NULL
                   ? NULL
                   : "has choices that are no words \"a|b|c\" to stand in place of a list";
    }
    if (o->type == ODEON_OPTION_COMPONENT) {
        return o->choices != NULL && kind_by_name(o->choices) != 0
                   ? NULL
                   : "is a component without its kind's name in choices";
    }
    return o->choices == NULL ? NULL : "has choices, which its type does not have";
}

/* Looked at once, when a plugin is loaded, so that everything that reads options later may rely on
 * it. The order is that in which a later check needs an earlier one: the type before its bounds,
 * the texts before they are parsed. */
const char *option_fault(const odeon_option *o)
{
    if (o->reserved0 != 0) {
        return "has a reserved field that is not 0: reserved0";
    }
    if (o->type < ODEON_OPTION_I64 || o->type > ODEON_OPTION_COMPONENT) {
        return "has a type that this host does not know";
    }
    if (ODEON_MUST_UNDERSTAND(o->flags, KNOWN_FLAGS) != 0) {
        return "has flag bits that this host does not know, but must understand, in flags";
    }
    bool required = (o->flags & ODEON_OPTION_REQUIRED) != 0;
    bool optional = (o->flags & ODEON_OPTION_OPTIONAL) != 0;
    if (required && optional) {
        return "is both required and optional";
    }
    if ((required || optional) == (o->default_text != NULL)) {
        return o->default_text != NULL ? "has a default although it is required or optional"
                                       : "has no default and is neither required nor optional";
    }
    if (!label_is_line(o->help) || !is_line_or_null(o->unit) || !is_line_or_null(o->default_text) ||
        !is_line_or_null(o->min_text) || !is_line_or_null(o->max_text) ||
        !is_line_or_null(o->choices) || !is_line_or_null(o->replaces)) {
        return "has a text that is no line of UTF-8, or no help";
    }
    if (!label_is_aliases(o->aliases)) {
        return "has aliases that are no words \"a|b\" of letters, digits and underscores";
    }
    if (!has_bounds(o->type) && (o->min_text != NULL || o->max_text != NULL)) {
        return "has bounds, which its type does not have";
    }
    if (!is_bound(o->type, o->min_text) || !is_bound(o->type, o->max_text)) {
        return "has a bound that is no number of its type";
    }
    if (((o->flags & ODEON_OPTION_OPEN_MIN) != 0 && o->min_text == NULL) ||
        ((o->flags & ODEON_OPTION_OPEN_MAX) != 0 && o->max_text == NULL)) {
        return "has an open bound that it does not name";
    }
    if (o->replaces != NULL && !optional) {
        return "replaces another, but is not optional: it would be there at all times";
    }
    return choices_fault(o);
}

/* What is replaced must be able to have no value, so it cannot be required; and it replaces nothing
 * itself, so that there are no chains. */
const char *option_replaces_fault(const odeon_option *const *table, const odeon_option *o)
{
    if (o->replaces == NULL) {
        return NULL;
    }
    for (; *table != NULL; table++) {
        const odeon_option *other = *table;
        if (strcmp(other->name, o->replaces) == 0) {
            bool free = other->replaces == NULL && (other->flags & ODEON_OPTION_REQUIRED) == 0;
            return other != o && free ? NULL : "replaces one that is required, or replaces itself";
        }
    }
    return "replaces one that the component does not have";
}
