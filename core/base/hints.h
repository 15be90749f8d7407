/* hints.h: what somebody may have meant by a name that is not known. */
#ifndef ODEON_CORE_BASE_HINTS_H
#define ODEON_CORE_BASE_HINTS_H
#include <stdbool.h>
#include <stddef.h>

/* A name and what others call it: "tol|tolerance", or NULL. */
typedef struct hint_name {
    const char *name, *aliases;
} hint_name;

/* Is name, capitals and underscores aside, the name or one of its aliases? */
bool hint_is(const char *name, hint_name known);

/* Writes ": did you mean 'rtol' or 'atol'?", those that it is, as above; else the name nearest to
 * it; else nothing. False where nothing is written. */
bool hint_write(char *text, size_t bytes, const char *name, size_t n, const hint_name *names);
/* The same of those that it is alone. */
bool hint_write_known(char *text, size_t bytes, const char *name, size_t n, const hint_name *names);
/* ": allowed: rtol, atol, ...", or ": nothing is allowed here". */
void hint_list(char *text, size_t bytes, size_t n, const hint_name *names);

#endif
