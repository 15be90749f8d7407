/* process_state.h: what the start-up code of a plugin may change for the whole program, and that
 * nobody would look for there: how floating point works, the locale (and so how numbers are read),
 * the working directory, what signals do. */
#ifndef ODEON_CORE_PLUGIN_PROCESS_STATE_H
#define ODEON_CORE_PLUGIN_PROCESS_STATE_H
#include <fenv.h>
#include <signal.h>
#include <stdbool.h>

enum { PROCESS_LOCALE_BYTES = 512, PROCESS_SIGNALS = 32 };

typedef struct process_state {
    fenv_t environment;
    int rounding;
    bool subnormals;
    char locale[PROCESS_LOCALE_BYTES]; /* "": it could not be kept */
    int folder;                        /* descriptor of the working directory; -1: none */
    struct sigaction actions[PROCESS_SIGNALS];
} process_state;

/* [main] */
void process_state_save(process_state *s);
/* Puts everything back, warns about each thing that file has changed, and releases s. [main] */
void process_state_restore(process_state *s, const char *file);

#endif
