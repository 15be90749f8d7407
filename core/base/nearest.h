/* nearest.h: find the known name that a misspelled one is nearest to. */
#ifndef ODEON_CORE_BASE_NEAREST_H
#define ODEON_CORE_BASE_NEAREST_H
#include <stdbool.h>
#include <stddef.h>

/* Returns the nearest of n names by edit distance, at most a third of the length of name, or
 * NULL. */
const char *nearest_name(const char *name, size_t n, const char *const *names);

/* Does name equal word, of n bytes, ignoring case and underscores? */
bool nearest_same_word(const char *name, const char *word, size_t n);

/* Writes ": did you mean 'filters'?", or the list of all n names if none is near, or that there are
 * none. */
void nearest_suggest(char *text, size_t bytes, const char *name, size_t n,
                     const char *const *names);

#endif
