/* interrupt.h: Ctrl-C and SIGTERM as a wish that a loop grants at a good moment. */
#ifndef ODEON_CORE_INTERRUPT_H
#define ODEON_CORE_INTERRUPT_H

/* From now on SIGINT and SIGTERM are only noted. One that comes later than 0.1 s after the first
 * ends the process at once with exit code 130 or 143; an earlier one is the same wish sent twice.
 * [main] */
void interrupt_catch(void);
/* Gives both signals back their default action. */
void interrupt_release(void);
/* The first signal noted since interrupt_catch, or 0. [any] */
int interrupt_signal(void);

#endif
