/* interrupt.h: Ctrl-C, SIGTERM and a lost terminal (SIGHUP) as a wish that a loop grants at a good
 * moment; where no such moment comes, the process ends without it. */
#ifndef ODEON_CORE_RUN_INTERRUPT_H
#define ODEON_CORE_RUN_INTERRUPT_H
#include "odeon/status.h"

/* How long after a signal the loop may take to come to its good moment. */
enum { INTERRUPT_SECONDS = 5 };

/* From now on SIGHUP, SIGINT and SIGTERM are only noted; SIGHUP stays ignored where it was before,
 * as by nohup. Whatever the threads of the process are doing, it ends with exit code 128 plus the
 * signal's number and one line on stderr (interrupt_set_advice)
 *   - on a signal later than 0.1 s after the first; an earlier one is the same wish sent twice, and
 *     so is a SIGHUP within a second, which a lost connection sends from several sides;
 *   - INTERRUPT_SECONDS after the first, or later where interrupt_allow says so, unless
 *     interrupt_release comes before.
 * A thread of its own watches over this and takes the signals in place of the caller's. Called
 * again it forgets the signal that was noted. ODEON_ERR_NOMEM without a thread or a pipe. [main] */
odeon_status interrupt_catch(void);

/* Something is under way that is to be finished, such as a file that is being written: from now on
 * so many seconds may pass, at least. [main] */
void interrupt_allow(double seconds);

/* What the line says behind the reason: what is kept, and how to go on. Text beyond 1023 bytes is
 * cut. [main] */
void interrupt_set_advice(const char *text);

/* Gives the signals back the actions that they had before, and forgets the one noted. Without
 * interrupt_catch before it does nothing. [main] */
void interrupt_release(void);

/* The first signal noted since interrupt_catch, or 0. [any] */
int interrupt_signal(void);
/* "SIGHUP" and so on; "a signal" for any other than the three. */
const char *interrupt_name(int signal_number);

#endif
