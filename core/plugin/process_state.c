#include "plugin/process_state.h"

#include <fcntl.h>
#include <float.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "odeon/host.h"

/* Loading a file runs code of which nobody has asked anything yet. What that may leave behind for
 * the whole process is few things that change results elsewhere; they are put back rather than
 * refused, since most who change them have only linked a library that does. */

static void warn(const char *file, const char *what, const char *remedy)
{
    diag_log(ODEON_LOG_WARNING, "%s: loading it changed %s; that was undone: %s", file, what,
             remedy);
}

/* ---- floating point ---- */

/* Code linked for fast mathematics makes the whole thread flush small numbers to zero as it starts;
 * results would then depend on which plugins were loaded, and by which thread. */
static bool subnormals_exist(void)
{
    volatile double smallest = DBL_MIN;
    volatile double half = smallest / 2.0;
    return half * 2.0 == smallest;
}

static void restore_float(const process_state *s, const char *file)
{
    bool changed = fegetround() != s->rounding || subnormals_exist() != s->subnormals;
    (void)fesetenv(&s->environment);
    if (changed) {
        warn(file, "how floating point works", "link it without -ffast-math");
    }
}

/* ---- locale ---- */

/* A name that does not fit cannot be put back; nothing is changed then. */
static void save_locale(process_state *s)
{
    const char *name = setlocale(LC_ALL, NULL);
    bool fits = name != NULL && strlen(name) < sizeof s->locale;
    (void)snprintf(s->locale, sizeof s->locale, "%s", fits ? name : "");
}

static void restore_locale(const process_state *s, const char *file)
{
    const char *name = setlocale(LC_ALL, NULL);
    if (s->locale[0] != '\0' && (name == NULL || strcmp(name, s->locale) != 0)) {
        (void)setlocale(LC_ALL, s->locale);
        warn(file, "the locale", "it may use uselocale in its own calls");
    }
}

/* ---- working directory ---- */

/* By descriptor: the folder may have been renamed meanwhile, and a path would lead elsewhere. */
static void restore_folder(const process_state *s, const char *file)
{
    struct stat before, after;
    if (s->folder < 0) {
        return;
    }
    bool known = fstat(s->folder, &before) == 0 && stat(".", &after) == 0;
    if (!known || before.st_dev != after.st_dev || before.st_ino != after.st_ino) {
        if (fchdir(s->folder) == 0) {
            warn(file, "the working directory", "it should use absolute paths");
        }
    }
    (void)close(s->folder);
}

/* ---- signals ---- */

/* Which of the two handlers counts is said by a flag; the other member is another view of the same
 * bytes. */
static bool equal_actions(const struct sigaction *a, const struct sigaction *b)
{
    if (((a->sa_flags ^ b->sa_flags) & SA_SIGINFO) != 0) {
        return false;
    }
    return (a->sa_flags & SA_SIGINFO) != 0 ? a->sa_sigaction == b->sa_sigaction
                                           : a->sa_handler == b->sa_handler;
}

static void restore_signals(const process_state *s, const char *file)
{
    bool changed = false;
    for (int i = 1; i < PROCESS_SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(i, NULL, &now) == 0 && !equal_actions(&now, &s->actions[i])) {
            changed = sigaction(i, &s->actions[i], NULL) == 0 || changed;
        }
    }
    if (changed) {
        warn(file, "what signals do", "it should leave them to the program");
    }
}

/* ---- all of it ---- */

/* By system calls alone, some microseconds: this stands around the loading of every plugin. */
void process_state_save(process_state *s)
{
    memset(s, 0, sizeof *s);
    s->rounding = fegetround();
    s->subnormals = subnormals_exist();
    (void)fegetenv(&s->environment);
    save_locale(s);
    s->folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 1; i < PROCESS_SIGNALS; i++) {
        (void)sigaction(i, NULL, &s->actions[i]);
    }
}

void process_state_restore(process_state *s, const char *file)
{
    restore_float(s, file);
    restore_locale(s, file);
    restore_folder(s, file);
    restore_signals(s, file);
}
