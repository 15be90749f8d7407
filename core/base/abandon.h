/* abandon.h: end a process whose threads can no longer be joined. */
#ifndef ODEON_CORE_BASE_ABANDON_H
#define ODEON_CORE_BASE_ABANDON_H

/* Prints message as the program's error and ends the process at once with the exit code of
 * ODEON_ERR_PLUGIN. May be called from any thread. context is unused; it is there so that the
 * function fits collective_stuck. */
void abandon_program(void *context, const char *message);

#endif
