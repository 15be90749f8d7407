/* failing_program.h: the program, called in this process while allocations fail. */
#ifndef ODEON_TESTS_FAILING_PROGRAM_H
#define ODEON_TESTS_FAILING_PROGRAM_H
#include "folder.h"
#include "support.h"

/* Runs argv, which ends with NULL, as the program would, and gives its exit code; what it prints
 * goes to the files out and err of f. */
int failing_program_run(const folder *f, char **argv);

/* What a command leaves behind in f, of which file must always have the same bytes; NULL where it
 * prints times, which are never the same. */
typedef struct program_made {
    const char *name, *file;
} program_made;

/* Fails every allocation of `odeon arguments...`, at most 8 (those of another chain of calls each,
 * unless ODEON_ALLOCATIONS=all), alone and with all that follow: exit
 * code 7 and one line on stderr, or what it makes without failures; and nothing left behind. Fails
 * the test where that does not hold. */
void failing_program_check(const folder *f, const char *const *arguments, program_made left);

#endif
