#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/* `timeout` and batch systems may send one wish twice, to the process and to its group. Nobody
 * presses a key twice as fast. */
static const long long one_wish_ms = 100;

/* A handler can reach nothing but static storage; two threads may be in it at once. */
static atomic_int noted;
static atomic_llong noted_at_ms;

static long long now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note(int signal_number)
{
    int none = 0;
    long long now = now_ms();
    if (atomic_load(&noted) == 0) {
        atomic_store(&noted_at_ms, now);
    }
    if (!atomic_compare_exchange_strong(&noted, &none, signal_number) &&
        now - atomic_load(&noted_at_ms) >= one_wish_ms) {
        _exit(128 + signal_number);
    }
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
    atomic_store(&noted, 0);
    set_action(note);
}

void interrupt_release(void)
{
    set_action(SIG_DFL);
}

int interrupt_signal(void)
{
    return atomic_load(&noted);
}
