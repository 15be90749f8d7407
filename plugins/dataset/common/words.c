#include "words.h"

#include <string.h>

/* FNV-1a. */
static uint64_t hash(const char *text)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        sum = (sum ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return sum;
}

/* The slot of text, or the empty one where it belongs: the table is at most half full. */
static int64_t slot_of(const words *list, const char *text)
{
    uint64_t size = 2 * (uint64_t)list->room, at = hash(text) % size;
    while (list->table[at] >= 0 && strcmp(list->text[list->table[at]], text) != 0) {
        at = (at + 1) % size;
    }
    return (int64_t)at;
}

static odeon_status grow(const odeon_host *host, words *list)
{
    words more = {.n = list->n, .room = list->room > 0 ? 2 * list->room : 16};
    more.text = host->alloc(host, (uint64_t)more.room * sizeof *more.text);
    more.table = host->alloc(host, 2 * (uint64_t)more.room * sizeof *more.table);
    if (more.text == NULL || more.table == NULL) {
        host->free(host, more.text);
        host->free(host, more.table);
        return odeon_fail(host, ODEON_ERR_NOMEM, "no memory for %lld words", (long long)more.room);
    }
    for (int64_t i = 0; i < 2 * more.room; i++) {
        more.table[i] = -1;
    }
    for (int64_t i = 0; i < list->n; i++) {
        more.text[i] = list->text[i];
        more.table[slot_of(&more, list->text[i])] = i;
    }
    host->free(host, list->text);
    host->free(host, list->table);
    *list = more;
    return ODEON_OK;
}

int64_t words_find(const words *list, const char *text)
{
    return list->n > 0 ? list->table[slot_of(list, text)] : -1;
}

odeon_status words_add(const odeon_host *host, words *list, const char *text, int64_t *number)
{
    *number = words_find(list, text);
    if (*number >= 0) {
        return ODEON_OK;
    }
    if (list->n == list->room) {
        ODEON_TRY(grow(host, list));
    }
    size_t bytes = strlen(text) + 1;
    char *copy = host->alloc(host, bytes);
    if (copy == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "no memory for a word");
    }
    memcpy(copy, text, bytes);
    *number = list->n;
    list->table[slot_of(list, text)] = list->n;
    list->text[list->n++] = copy;
    return ODEON_OK;
}

void words_free(const odeon_host *host, words *list)
{
    for (int64_t i = 0; i < list->n; i++) {
        host->free(host, list->text[i]);
    }
    host->free(host, list->text);
    host->free(host, list->table);
    *list = (words){0};
}
