#include "plugin/crash.h"

#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "option/kinds.h"
#include "plugin/calling.h"

/* What a handler may call is a short list (signal-safety(7)): no allocation, no formatting, no
 * lock. Everything that it says is therefore prepared before: the call under way by calling.c,
 * names of files by crash_know. After a crash the process is not to be trusted with more than one
 * line. */

enum { STACK_BYTES = 32 * 1024, LINE_BYTES = 2048 }; /* the handler takes some 3 KiB */

static const struct {
    int number;
    const char *name;
} fatal[] = {{SIGSEGV, "SIGSEGV"},
             {SIGBUS, "SIGBUS"},
             {SIGFPE, "SIGFPE"},
             {SIGILL, "SIGILL"},
             {SIGABRT, "SIGABRT"}};
enum { N_FATAL = sizeof fatal / sizeof *fatal };

/* A file's code in memory. Nodes are added at the front and never freed, as the code itself is. */
typedef struct code {
    uintptr_t begin, end;
    char *file; /* NULL: the host */
    struct code *next;
} code;

/* A handler can reach nothing but static storage. */
static _Atomic(code *) known;
static bool watched[N_FATAL];
static char main_stack[STACK_BYTES];
static _Thread_local void *thread_stack;
static atomic_flag is_told = ATOMIC_FLAG_INIT;
static _Thread_local bool tells;

/* ---- in the handler: nothing but what a signal handler may do ---- */

typedef struct line {
    char text[LINE_BYTES];
    size_t length;
} line;

/* Names and paths may hold anything; a terminal is shown letters. */
static void add(line *l, const char *text)
{
    for (const char *c = text; *c != '\0' && l->length + 1 < sizeof l->text; c++) {
        l->text[l->length++] = (char)(*c >= 0x20 && *c < 0x7f ? *c : '?');
    }
}

/* Reads a list that only grows at its front, so that a handler may walk it at any moment. */
static const code *code_at(uintptr_t address)
{
    const code *c = atomic_load(&known);
    while (c != NULL && (address < c->begin || address >= c->end)) {
        c = c->next;
    }
    return c;
}

/* Where the thread was; 0: this machine's registers are not known here. */
static uintptr_t instruction(const ucontext_t *u)
{
#if defined __x86_64__
    return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return (uintptr_t)u->uc_mcontext.pc;
#else
    (void)u;
    return 0;
#endif
}

/* Written out here once more, since calling_text formats with functions that a handler may not
 * call. */
static void add_caller(line *l, const calling *now)
{
    const instance *x = now->who;
    if (x->component == NULL) {
        add(l, x->path);
    } else {
        add(l, kind_name(x->component->kind));
        add(l, " ");
        add(l, x->component->id);
        add(l, x->file != NULL ? " (" : "");
        add(l, x->file != NULL ? x->file : "");
        add(l, x->file != NULL ? ")" : "");
    }
    add(l, ", ");
    add(l, now->slot);
    add(l, x->component != NULL && x->path[0] != '\0' ? ", of " : "");
    add(l, x->component != NULL ? x->path : "");
}

/* Between its slots, a device is called by the host all the time: then the code tells. */
static void add_place(line *l, const calling *now, const code *at)
{
    bool plugin = now->who != NULL;
    bool own = plugin && at != NULL && at->file != NULL && now->who->file != NULL &&
               strcmp(at->file, now->who->file) == 0;
    if (plugin) {
        add(l, " in ");
        add_caller(l, now);
    }
    if (at != NULL && at->file == NULL) {
        add(l, plugin ? "; what failed is code of the host" : " in the host itself");
    } else if (at != NULL && !own) {
        add(l, plugin ? "; what failed is code of " : " in code of ");
        add(l, at->file);
    }
    if (!plugin) {
        add(l, at != NULL ? ", while no slot of a plugin was being called"
                          : " in the host itself or a library of its own, while no slot of a "
                            "plugin was being called");
    }
}

/* One write, so that lines of processes that share a terminal do not mix. */
static void tell(int number, void *context)
{
    line l = {.length = 0};
    add(&l, "odeon: error: crash (");
    for (int i = 0; i < N_FATAL; i++) {
        add(&l, fatal[i].number == number ? fatal[i].name : "");
    }
    add(&l, ")");
    add_place(&l, &calling_here.now, code_at(instruction(context)));
    l.text[l.length++] = '\n';
    ssize_t written = write(STDERR_FILENO, l.text, l.length);
    (void)written;
}

/* Workers that do the same crash side by side: the first one tells of it, the others wait for the
 * end that it brings. */
static void die_telling(int number, siginfo_t *info, void *context)
{
    (void)info;
    if (!atomic_flag_test_and_set(&is_told)) {
        tells = true;
        tell(number, context);
    }
    while (!tells) {
        (void)pause();
    }
    (void)signal(number, SIG_DFL);
    (void)raise(number); /* pending until this returns: the core shows what went wrong */
}

/* ---- before ---- */

/* A thread that blocks all signals, as those beside the main one do, would die without a word. */
static void unblock(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (int i = 0; i < N_FATAL; i++) {
        (void)sigaddset(&set, fatal[i].number);
    }
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* A stack overflow leaves no room for a handler on the thread's own stack. */
void crash_thread_begin(void)
{
    stack_t now;
    unblock();
    if (!watched[0] || thread_stack != NULL || sigaltstack(NULL, &now) != 0 ||
        (now.ss_flags & SS_DISABLE) == 0) {
        return;
    }
    thread_stack = malloc(STACK_BYTES);
    if (thread_stack != NULL) {
        (void)sigaltstack(&(stack_t){.ss_sp = thread_stack, .ss_size = STACK_BYTES}, NULL);
    }
}

void crash_thread_end(void)
{
    if (thread_stack != NULL) {
        (void)sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
        free(thread_stack);
        thread_stack = NULL;
    }
}

/* Handlers of a sanitizer, of a debugger or of the program that Odeon is part of came first and
 * know more. */
void crash_watch(void)
{
    static const char anchor = 0;
    struct sigaction action = {.sa_sigaction = die_telling, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t now;
    crash_know(&anchor, NULL);
    (void)sigemptyset(&action.sa_mask);
    for (int i = 0; i < N_FATAL; i++) {
        struct sigaction before;
        if (sigaction(fatal[i].number, NULL, &before) == 0 && (before.sa_flags & SA_SIGINFO) == 0 &&
            before.sa_handler == SIG_DFL) {
            watched[i] = sigaction(fatal[i].number, &action, NULL) == 0;
        }
    }
    if (watched[0] && sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE) != 0) {
        (void)sigaltstack(&(stack_t){.ss_sp = main_stack, .ss_size = sizeof main_stack}, NULL);
    }
}

void crash_unwatch(void)
{
    for (int i = 0; i < N_FATAL; i++) {
        if (watched[i]) {
            (void)signal(fatal[i].number, SIG_DFL);
            watched[i] = false;
        }
    }
}

/* ---- which code is whose ---- */

/* One loaded file: if the address lies in it, where its code is. */
static int find_code(struct dl_phdr_info *info, size_t size, void *context)
{
    code *c = context;
    uintptr_t begin = 0, end = 0;
    bool found = false;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t at = (uintptr_t)info->dlpi_addr + (uintptr_t)p->p_vaddr;
        if (p->p_type == PT_LOAD) {
            begin = begin == 0 ? at : begin;
            end = at + (uintptr_t)p->p_memsz;
            found = found || (c->begin >= at && c->begin < end);
        }
    }
    if (found) {
        c->begin = begin;
        c->end = end;
    }
    return found;
}

/* Asked after loading and not in the handler: walking the loader's lists takes its lock, which the
 * thread that has crashed may hold. */
void crash_know(const void *address, const char *file)
{
    if (code_at((uintptr_t)address) != NULL) {
        return;
    }
    code *c = malloc(sizeof *c);
    char *copy = file != NULL ? strdup(file) : NULL;
    if (c == NULL || (file != NULL && copy == NULL)) {
        free(c);
        free(copy);
        return; /* a crash will say less */
    }
    *c = (code){.begin = (uintptr_t)address, .file = copy, .next = atomic_load(&known)};
    if (dl_iterate_phdr(find_code, c) == 0) {
        free(c);
        free(copy);
        return;
    }
    atomic_store(&known, c);
}
