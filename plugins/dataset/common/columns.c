#include "columns.h"

#include <stdbool.h>
#include <string.h>

static const char blanks[] = " \t";

/* The number that the first n bytes of text spell, or -1 if they are no number or it is too
 * large. */
static int32_t index_of(const char *text, size_t n)
{
    int32_t value = n > 0 ? 0 : -1;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9' || value >= COLUMNS_MAX) {
            return -1;
        }
        value = 10 * value + (text[i] - '0');
    }
    return value < COLUMNS_MAX ? value : -1;
}

/* Is the word a range of indices? Only if both ends are numbers, since a name may contain two
 * dots. */
static bool is_range(const char *word, size_t n, int32_t *first, int32_t *last)
{
    size_t at = 0;
    while (at < n && word[at] != '.') {
        at++;
    }
    if (n < at + 2 || word[at + 1] != '.') {
        return false;
    }
    int32_t from = index_of(word, at), to = index_of(word + at + 2, n - at - 2);
    if (from < 0 || to < 0) {
        return false;
    }
    *first = from;
    *last = to;
    return true;
}

/* Appends the columns of a word to list, or only counts them while list has no memory. */
static odeon_status append(const odeon_host *host, const char *option, const char *word, size_t n,
                           columns *list)
{
    int32_t first = 0, last = 0;
    bool range = is_range(word, n, &first, &last);
    if (last < first || last - first >= COLUMNS_MAX - list->n) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "%s: '%.*s': a range goes up, and a list has at most %d columns", option,
                          n > 40 ? 40 : (int)n, word, COLUMNS_MAX);
    }
    for (int32_t i = first; i <= last; i++) {
        if (list->item != NULL) {
            list->item[list->n] =
                range
                    ? (column){.index = i}
                    : (column){.name = word, .name_bytes = (int32_t)n, .index = index_of(word, n)};
        }
        list->n++;
    }
    return ODEON_OK;
}

/* Parses all words; run twice, first to count and then to store. */
static odeon_status parse(const odeon_host *host, const char *option, const char *text,
                          columns *list)
{
    list->n = 0;
    for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks)) {
        size_t n = strcspn(text, blanks);
        ODEON_TRY(append(host, option, text, n, list));
        text += n;
    }
    return list->n > 0 ? ODEON_OK
                       : odeon_fail(host, ODEON_ERR_CONFIG, "%s: names no column", option);
}

odeon_status columns_parse(const odeon_host *host, const char *option, const char *text,
                           columns *out)
{
    columns list = {0};
    *out = list;
    ODEON_TRY(parse(host, option, text, &list));
    list.item = host->alloc(host, (uint64_t)list.n * sizeof *list.item);
    if (list.item == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for its columns", option);
    }
    /* cannot fail, as the first pass succeeded */
    odeon_status status = parse(host, option, text, &list);
    *out = list;
    return status;
}

odeon_status columns_join(const odeon_host *host, columns *a, columns *b, columns *out)
{
    uint64_t a_bytes = (uint64_t)a->n * sizeof *a->item, b_bytes = (uint64_t)b->n * sizeof *b->item;
    *out = (columns){.item = host->alloc(host, a_bytes + b_bytes)};
    if (out->item != NULL) {
        memcpy(out->item, a->item, a_bytes);
        memcpy(out->item + a->n, b->item, b_bytes);
        out->n = a->n + b->n;
    }
    columns_free(host, a);
    columns_free(host, b);
    return out->item != NULL
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_NOMEM, "no memory for %llu columns",
                            (unsigned long long)((a_bytes + b_bytes) / sizeof *a->item));
}

/* Without a heading a name cannot be resolved, so it is refused before the file is read. */
odeon_status columns_need_numbers(const odeon_host *host, const columns *list)
{
    for (int32_t i = 0; i < list->n; i++) {
        const column *c = &list->item[i];
        if (c->index < 0) {
            return odeon_fail(host, ODEON_ERR_CONFIG,
                              "'%.*s': columns have no names where header = no: give indices, from "
                              "0",
                              c->name_bytes > 40 ? 40 : c->name_bytes, c->name);
        }
    }
    return ODEON_OK;
}

void columns_free(const odeon_host *host, columns *list)
{
    host->free(host, list->item);
    *list = (columns){0};
}
