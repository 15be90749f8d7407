/* hints.h: suggest what the user may have meant by an unknown name. */
#ifndef ODEON_CORE_BASE_HINTS_H
#define ODEON_CORE_BASE_HINTS_H
#include <stdbool.h>
#include <stddef.h>

/* A name and the aliases that other systems use for it, as "tol|tolerance" or NULL. */
typedef struct hint_name {
    const char *name, *aliases;
} hint_name;

/* Is name the known name or one of its aliases, ignoring case and underscores? */
bool hint_is(const char *name, hint_name known);

/* Writes ": did you mean 'rtol' or 'atol'?" for all names that hint_is accepts, else for the
 * nearest name by spelling. Returns false and writes "" if there is none. */
bool hint_write(char *text, size_t bytes, const char *name, size_t n, const hint_name *names);
/* The same without the search by spelling. */
bool hint_write_known(char *text, size_t bytes, const char *name, size_t n, const hint_name *names);
/* Writes ": allowed: rtol, atol, ...", or ": nothing is allowed here". */
void hint_list(char *text, size_t bytes, size_t n, const hint_name *names);

#endif
