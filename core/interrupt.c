#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* A handler can reach nothing but static storage. */
static volatile sig_atomic_t noted;

static void note(int signal_number)
{
    if (signal_number == SIGINT && noted == SIGINT) {
        _exit(130);
    }
    noted = signal_number;
}

static void set_action(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

void interrupt_catch(void)
{
    noted = 0;
    set_action(note);
}

void interrupt_release(void)
{
    set_action(SIG_DFL);
}

int interrupt_signal(void)
{
    return noted;
}
