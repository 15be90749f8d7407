#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"

/* MAX_BYTES bounds the rows of the distance table, which stand on the stack; longer names are near
 * to nothing. SHORT: see is_other_word. */
enum { MAX_BYTES = 64, SHORT = 3 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Folds case and drops underscores: "CrossEntropy" equals cross_entropy. No tolower, which depends
 * on the locale. */
static size_t fold(const char *name, size_t n, char out[MAX_BYTES + 1])
{
    size_t length = 0;
    for (size_t i = 0; i < n && length < MAX_BYTES; i++) {
        bool capital = name[i] >= 'A' && name[i] <= 'Z';
        if (name[i] != '_') {
            out[length++] = (char)(capital ? name[i] - 'A' + 'a' : name[i]);
        }
    }
    out[length] = '\0';
    return length;
}

/* The edit distance with insertions, deletions, substitutions and swaps of neighbours
 * (Damerau-Levenshtein, optimal string alignment) of two strings of at most MAX_BYTES. Only the
 * last three rows of the table are kept. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][MAX_BYTES + 1], n = strlen(b);
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++) {
        last[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            row[j] =
                smaller(smaller(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = smaller(row[j], before[j - 2] + 1);
            }
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[n];
}

/* In a word of up to three letters another first letter makes another word: gpu is not a typo of
 * cpu. */
static bool is_other_word(const char *a, size_t a_length, const char *b, size_t b_length)
{
    return a_length == b_length && a_length <= SHORT && a[0] != b[0];
}

/* The first of equally near names wins, so the result depends on the order of the list alone. */
const char *nearest_name(const char *name, size_t n, const char *const *names)
{
    char wanted[MAX_BYTES + 1], other[MAX_BYTES + 1];
    const char *nearest = NULL;
    if (strlen(name) > MAX_BYTES) {
        return NULL;
    }
    size_t length = fold(name, strlen(name), wanted), best = length / 3 + 1;
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) <= MAX_BYTES) {
            size_t other_length = fold(names[i], strlen(names[i]), other);
            size_t distance = edit_distance(wanted, other);
            if (distance < best && !is_other_word(wanted, length, other, other_length)) {
                best = distance;
                nearest = names[i];
            }
        }
    }
    return nearest;
}

/* Words of underscores alone fold to nothing and equal no word. */
bool nearest_same_word(const char *name, const char *word, size_t n)
{
    char a[MAX_BYTES + 1], b[MAX_BYTES + 1];
    return strlen(name) <= MAX_BYTES && n <= MAX_BYTES && fold(name, strlen(name), a) > 0 &&
           fold(word, n, b) > 0 && strcmp(a, b) == 0;
}

/* A guess where there is one, else the whole list, so that a message always says what may be
 * typed. */
void nearest_suggest(char *text, size_t bytes, const char *name, size_t n, const char *const *names)
{
    const char *nearest = nearest_name(name, n, names);
    if (nearest != NULL) {
        (void)snprintf(text, bytes, ": did you mean '%s'?", nearest);
        return;
    }
    (void)snprintf(text, bytes, n > 0 ? ": allowed: " : ": there is none here");
    for (size_t i = 0, used = strlen(text); i < n && used < bytes; i++) {
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", i > 0 ? ", " : "", names[i]);
        if (used >= bytes) {
            diag_mark_cut(text, bytes);
        }
    }
}
