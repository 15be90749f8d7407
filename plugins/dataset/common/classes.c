#include "classes.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 256 };

const char *classes_list(const words *names, char *text, uint64_t bytes)
{
    uint64_t at = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < names->n && at + 8 < bytes; i++) {
        int n = snprintf(text + at, bytes - at, "%s%s", i > 0 ? ", " : "", names->text[i]);
        at += n > 0 ? (uint64_t)n : 0;
    }
    if (at >= bytes) {
        memcpy(text + bytes - 4, "...", 4);
    }
    return text;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static odeon_status add(const odeon_host *host, const char *word, words *names, fitted_text *fitted)
{
    int64_t number;
    ODEON_TRY(words_add(host, names, word, &number));
    return fitted_add_word(host, fitted, "class", word);
}

odeon_status classes_sort(const odeon_host *host, const words *found, words *names,
                          fitted_text *fitted)
{
    char **sorted = host->alloc(host, ((uint64_t)found->n + 1) * sizeof *sorted);
    odeon_status status =
        sorted != NULL ? ODEON_OK : odeon_fail(host, ODEON_ERR_NOMEM, "no memory for classes");
    if (sorted != NULL && found->n > 0) {
        memcpy(sorted, found->text, (size_t)found->n * sizeof *sorted);
        qsort(sorted, (size_t)found->n, sizeof *sorted, by_text);
    }
    for (int64_t i = 0; i < found->n && status == ODEON_OK; i++) {
        status = add(host, sorted[i], names, fitted);
    }
    host->free(host, sorted);
    return status;
}

odeon_status classes_take(const odeon_host *host, const char **text, words *names,
                          fitted_text *fitted)
{
    char word[WORD_BYTES];
    while (fitted_take_word(text, "class", word, sizeof word)) {
        ODEON_TRY(add(host, word, names, fitted));
    }
    return ODEON_OK;
}
