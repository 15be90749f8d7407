/* nearest.h: which of several names somebody may have meant. */
#ifndef ODEON_CORE_BASE_NEAREST_H
#define ODEON_CORE_BASE_NEAREST_H
#include <stdbool.h>
#include <stddef.h>

/* The nearest of n names to name (edit distance, at most a third of its length), or NULL. */
const char *nearest_name(const char *name, size_t n, const char *const *names);

/* Is name, capitals and underscores aside, the word of n bytes? */
bool nearest_same_word(const char *name, const char *word, size_t n);

/* Writes ": did you mean 'filters'?", or the list of all n names if none is near, or that there is
 * none. */
void nearest_suggest(char *text, size_t bytes, const char *name, size_t n,
                     const char *const *names);

#endif
