#include "state_names.h"

#include <string.h>

/* Part of a text that is not the name's own. */
typedef struct word {
    const char *text;
    size_t bytes;
} word;

static const char blanks[] = " \t";

static bool is_index(word w)
{
    return strspn(w.text, "0123456789.") >= w.bytes;
}

/* The k-th of exactly n words of a list of columns; empty where there are others than n, or where
 * one is an index, whose name stands in the file. */
static word column_name(const char *list, size_t k, size_t n)
{
    word found = {"", 0};
    size_t count = 0;
    for (list += strspn(list, blanks); *list != '\0'; list += strspn(list, blanks)) {
        word w = {list, strcspn(list, blanks)};
        if (is_index(w)) {
            return (word){"", 0};
        }
        found = count == k ? w : found;
        count++;
        list += w.bytes;
    }
    return count == n ? found : (word){"", 0};
}

/* Of equations "h' = ... | l' = ...", as many as n, the name before the k-th mark. Those that are
 * no derivatives of plain names, as of a vector's elements, name nothing. */
static word variable_name(const char *equations, size_t k, size_t n)
{
    word found = {"", 0};
    size_t count = 0;
    for (const char *at = equations; at != NULL; count++) {
        at += strspn(at, " \t|");
        size_t bytes = strcspn(at, "'=[ \t|");
        if (bytes == 0 || at[bytes] != '\'') {
            return (word){"", 0};
        }
        found = count == k ? (word){at, bytes} : found;
        at = strchr(at, '|');
    }
    return count == n ? found : (word){"", 0};
}

/* Those of the formula that stands first in the body of the block. */
static const char *equations_of(const asking *a)
{
    static const char last[] = ".equations";
    const odeon_view_run *run = a->drawing->request->run[0];
    const char *body = view_print(&a->drawing->memory, "model.%s.", a->block);
    for (int64_t i = 0; i < run->n_config && body != NULL; i++) {
        const char *key = run->config[i].key;
        size_t n = strlen(key), begin = strlen(body);
        if (n >= begin + sizeof last && strncmp(key, body, begin) == 0 &&
            strcmp(key + n - (sizeof last - 1), last) == 0) {
            return run->config[i].value;
        }
    }
    return NULL;
}

/* A state that begins with the first of the observed ones is what the data set's values are. */
static const char *columns_of(const asking *a)
{
    const odeon_view_run *run = a->drawing->request->run[0];
    const char *id = view_config(run, "data.dataset");
    bool observed = id != NULL && strcmp(id, "trajectories") == 0 && asking_starts_first(a);
    return observed ? view_config(run, "data.values") : NULL;
}

/* Cut between two characters. */
static const char *shorten(view_memory *m, word w)
{
    enum { MOST = 24 };
    char *name = view_print(m, "%.*s", (int)(w.bytes < 400 ? w.bytes : 400), w.text);
    const char *at = name;
    for (int i = 0; at != NULL && i < MOST; i++) {
        if (chart_character(&at) == 0) {
            return name;
        }
    }
    return at == NULL || *at == '\0' ? name : view_print(m, "%.*s…", (int)(at - name), name);
}

static const char *plain_name(view_memory *m, size_t k)
{
    static const char *const below[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
    return k < 10 ? view_print(m, "y%s", below[k]) : view_print(m, "y%zu", k);
}

const char *state_name(const asking *a, size_t k, size_t size)
{
    view_memory *m = &a->drawing->memory;
    const char *columns = columns_of(a), *equations = equations_of(a);
    word name = columns != NULL ? column_name(columns, k, size) : (word){"", 0};
    if (name.bytes == 0 && equations != NULL) {
        name = variable_name(equations, k, size);
    }
    const char *text = name.bytes > 0 ? shorten(m, name) : plain_name(m, k);
    return text != NULL ? text : "";
}
