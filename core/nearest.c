#include <string.h>

#include "registry.h"

enum { MAX_BYTES = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that lead from a to b; both are at
 * most MAX_BYTES long. */
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
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[n];
}

const char *nearest_name(const char *name, size_t n, const char *const *names)
{
    size_t length = strlen(name), best = length / 3 + 1;
    const char *nearest = NULL;
    if (length > MAX_BYTES) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) <= MAX_BYTES) {
            size_t distance = edit_distance(name, names[i]);
            if (distance < best) {
                best = distance;
                nearest = names[i];
            }
        }
    }
    return nearest;
}
