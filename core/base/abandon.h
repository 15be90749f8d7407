/* abandon.h: the end of a program whose threads cannot be joined any more. */
#ifndef ODEON_CORE_BASE_ABANDON_H
#define ODEON_CORE_BASE_ABANDON_H

/* Says message as the error that it is and ends the process with the exit code of ODEON_ERR_PLUGIN,
 * at once, from any thread. context is not looked at. */
void abandon_program(void *context, const char *message);

#endif
