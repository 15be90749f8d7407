/* crash.h: a program that dies of a signal of its own making (a bad address, an abort) says in one
 * line which slot of which component was being called, and then dies of that signal all the same,
 * with a core file where the system keeps them. Handlers that somebody else has installed before,
 * a sanitizer or a test, stay. */
#ifndef ODEON_CORE_PLUGIN_CRASH_H
#define ODEON_CORE_PLUGIN_CRASH_H

void crash_watch(void);   /* [main] */
void crash_unwatch(void); /* the default actions again, where crash_watch had changed them */

/* At the beginning and the end of every other thread: it takes these signals, and has a stack for
 * the handler, without which an overflow of its own would go unsaid. */
void crash_thread_begin(void);
void crash_thread_end(void);

/* The code that address lies in is that of file, which stays as it is for good. [main] */
void crash_know(const void *address, const char *file);

#endif
