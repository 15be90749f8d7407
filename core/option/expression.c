#include "option/expression.h"

#include <string.h>

#include "base/diag.h"
#include "base/label.h"
#include "base/location.h"
#include "base/mem.h"
#include "base/text.h"

static const char blanks[] = " \t";

/* What is wrong with the brackets of text; NULL: nothing. Once this has found nothing, all other
 * functions here may rely on every bracket having its partner. The depth is bounded, since
 * components in components are read by recursion. */
static const char *bracket_fault(const char *text)
{
    int depth = 0;
    for (; *text != '\0'; text++) {
        depth += (*text == '(') - (*text == ')');
        if (depth < 0) {
            return "')' without a '(' before it";
        }
        if (depth > EXPRESSION_MAX_DEPTH) {
            return "more than 16 brackets in one another";
        }
    }
    return depth > 0 ? "'(' is not closed" : NULL;
}

/* Ends the item that starts at text with NUL and returns the start of the next; NULL: the last. */
static char *cut_item(char *text)
{
    int depth = 0;
    for (; *text != '\0'; text++) {
        depth += (*text == '(') - (*text == ')');
        if (*text == ',' && depth == 0) {
            *text = '\0';
            return text + 1;
        }
    }
    return NULL;
}

/* Reads without changing the text, for callers that only ask what comes next. */
const char *expression_next(const char *text)
{
    int depth = 0;
    for (; *text != '\0'; text++) {
        depth += (*text == '(') - (*text == ')');
        if (*text == ',' && depth == 0) {
            return text + 1 + strspn(text + 1, blanks);
        }
    }
    return NULL;
}

/* Commas within brackets belong to the item, so they are not counted. */
static size_t count_items(const char *text)
{
    size_t n = 1;
    int depth = 0;
    for (; *text != '\0'; text++) {
        depth += (*text == '(') - (*text == ')');
        n += *text == ',' && depth == 0;
    }
    return n;
}

/* Cuts a copy, so that the text stays as it was for messages. Every item is a copy of its own,
 * which schema_split_free frees one by one. */
odeon_status schema_split(const char *text, location where, size_t *n, char ***items)
{
    *n = 0;
    *items = NULL;
    const char *fault = bracket_fault(text);
    if (fault != NULL) {
        return location_fail(where, NULL, "'%.120s': %s", text, fault);
    }
    char *copy = mem_strdup(text);
    char **list = mem_zalloc(count_items(text), sizeof *list);
    if (copy == NULL || list == NULL) {
        goto no_memory;
    }
    size_t count = 0;
    for (char *item = copy, *next; item != NULL; item = next) {
        next = cut_item(item);
        item = text_trim(item);
        if (*item == '\0') {
            schema_split_free(count, list);
            mem_free(copy);
            return location_fail(where, NULL,
                                 "'%.120s': nothing is before or after a comma: take it out", text);
        }
        list[count] = mem_strdup(item);
        if (list[count++] == NULL) {
            schema_split_free(count, list);
            list = NULL;
            goto no_memory;
        }
    }
    mem_free(copy);
    *n = count;
    *items = list;
    return ODEON_OK;
no_memory:
    mem_free(copy);
    mem_free(list);
    return diag_fail(ODEON_ERR_NOMEM, "out of memory for a list of %zu items", count_items(text));
}

/* NULL among the items is allowed: a list may have been given up halfway. */
void schema_split_free(size_t n, char **items)
{
    for (size_t i = 0; i < n; i++) {
        mem_free(items[i]);
    }
    mem_free(items);
}

/* item is "key=value"; fills pair with what it points at. Answers what is wrong, or NULL. A key is
 * checked here, so that "1 2" is refused as no option rather than as an unknown one. */
static const char *cut_pair(char *item, schema_pair *pair)
{
    char *equals = strchr(item, '=');
    if (equals == NULL) {
        return "options are written key=value, separated by commas; numbers of a list, by blanks";
    }
    *equals = '\0';
    pair->key = text_trim(item);
    pair->value = text_trim(equals + 1);
    if (!label_is_name(pair->key)) {
        return "options are written key=value, separated by commas";
    }
    return *pair->value == '\0' ? "an option has no value" : NULL;
}

/* The text between the brackets; x->pairs has room for as many as it has commas, and one. Keys are
 * compared with all before them, of which there are at most a few dozen. */
static const char *cut_pairs(char *inner, expression *x)
{
    if (*text_trim(inner) == '\0') {
        return NULL;
    }
    for (char *item = inner, *next; item != NULL; item = next) {
        next = cut_item(item);
        schema_pair *pair = &x->pairs[x->n++];
        const char *fault = cut_pair(item, pair);
        if (fault != NULL) {
            return fault;
        }
        for (schema_pair *other = x->pairs; other < pair; other++) {
            if (strcmp(other->key, pair->key) == 0) {
                return "an option is given twice";
            }
        }
    }
    return NULL;
}

/* The bracket that closes the one at open. There is one: bracket_fault has counted them. */
static char *closing(char *open)
{
    int depth = 0;
    for (;; open++) {
        depth += (*open == '(') - (*open == ')');
        if (depth == 0) {
            return open;
        }
    }
}

/* x->id holds the whole text, without blanks at its ends. It is cut where it stands: a NUL ends the
 * name at its bracket, and each key and value in between. */
static const char *take_apart(expression *x)
{
    const char *fault = bracket_fault(x->id);
    char *open = strchr(x->id, '(');
    if (fault == NULL && open != NULL) {
        char *close = closing(open);
        if (close[1] != '\0') {
            return "after the ')' nothing may follow";
        }
        *open = *close = '\0';
        fault = cut_pairs(open + 1, x);
    }
    if (fault == NULL && !label_is_name(text_trim(x->id))) {
        fault = strchr(x->id, '@') != NULL
                    ? "leave out what begins with @: a layer's kernel for a device takes its place "
                      "there by itself"
                    : "expected a name, or name(key=value, ...)";
    }
    return fault;
}

/* Commas are counted as a bound for the pairs, those within brackets too: a few entries too many
 * cost less than to count exactly. */
odeon_status expression_parse(const char *name, const char *text, location where,
                              const char *section, expression *out)
{
    size_t commas = 0;
    for (const char *c = text; *c != '\0'; c++) {
        commas += *c == ',';
    }
    *out = (expression){.id = mem_strdup(text + strspn(text, blanks)),
                        .pairs = mem_zalloc(commas + 1, sizeof *out->pairs)};
    if (out->id == NULL || out->pairs == NULL) {
        expression_fini(out);
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for '%.80s'", text);
    }
    (void)text_trim(out->id); /* only its end is left to trim */
    const char *fault = take_apart(out);
    if (fault != NULL) {
        expression_fini(out);
        return location_fail(where, section, "%s = %.120s: %s", name, text, fault);
    }
    for (size_t i = 0; i < out->n; i++) {
        out->pairs[i].where = where;
    }
    return ODEON_OK;
}

/* One block of text holds the name and all pairs. */
void expression_fini(expression *x)
{
    mem_free(x->id);
    mem_free(x->pairs);
    *x = (expression){0};
}
