#include "plugin/calling.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/diag.h"
#include "option/kinds.h"

/* How it is kept. A thread has one record of the call that it is inside of; each call puts its own
 * in place and the outer one back, so that nesting needs no list and a handler of a signal finds
 * all it needs in one variable. The instance outlives the call, and slots are string constants, so
 * that nothing is copied. */

_Thread_local calling_thread calling_here;

/* The words in which a component is named wherever it has failed: by kind and id, which an INI
 * knows, and by file, since several may offer that id. */
void calling_text(const calling *c, char *text, size_t bytes)
{
    const instance *x = c->who;
    if (x->component == NULL) { /* a file that is being started */
        (void)snprintf(text, bytes, "%s, %s", x->path, c->slot);
        return;
    }
    (void)snprintf(text, bytes, "%s %s%s%s%s, %s", kind_name(x->component->kind), x->component->id,
                   x->file != NULL ? " (" : "", x->file != NULL ? x->file : "",
                   x->file != NULL ? ")" : "", c->slot);
}

/* A board is read by the watch over hanging workers alone. Relaxed stores will do: who and slot
 * may be of different calls for a moment, which changes tells. */
static void show(const calling_thread *t)
{
    calling_board *board = t->board;
    if (board != NULL) {
        /* the thread alone writes, so a load and a store make an increment */
        unsigned long n = atomic_load_explicit(&board->changes, memory_order_relaxed);
        atomic_store_explicit(&board->who, t->now.who, memory_order_relaxed);
        atomic_store_explicit(&board->slot, t->now.slot, memory_order_relaxed);
        atomic_store_explicit(&board->changes, n + 1, memory_order_relaxed);
    }
}

/* What the thread is inside of already is shown at once, so that a board is never older than the
 * thread. */
void calling_show(calling_board *board)
{
    calling_here.board = board;
    show(&calling_here);
}

calling calling_read(calling_board *board)
{
    return (calling){.who = atomic_load_explicit(&board->who, memory_order_relaxed),
                     .slot = atomic_load_explicit(&board->slot, memory_order_relaxed)};
}

/* As cheap as can be: it stands around every call of every slot of a layer, within a step, too. A
 * shared library finds its threads' variables by a call, of which one does for all of them. */
calling calling_begin(const instance *who, const char *slot)
{
    calling_thread *t = &calling_here;
    calling outer = t->now;
    t->now = (calling){.who = who, .slot = slot};
    show(t);
    return outer;
}

void calling_leave(calling outer)
{
    calling_thread *t = &calling_here;
    t->now = outer;
    show(t);
}

/* What a call that has failed is made of. */
static odeon_status explain(odeon_status status)
{
    char where[ODEON_MESSAGE_BYTES];
    const char *path = calling_here.now.who->component != NULL ? calling_here.now.who->path : "";
    const char *colon = path[0] != '\0' ? ": " : "";
    if (status == ODEON_ERR_INTERNAL && calling_here.is_refused) {
        return ODEON_ERR_PLUGIN;
    }
    if (status_is_known(status) && diag_message()[0] != '\0') {
        return status;
    }
    calling_text(&calling_here.now, where, sizeof where);
    if (!status_is_known(status)) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s%s%s: it answered with the unknown status %d: a bug in the plugin",
                         path, colon, where, (int)status);
    }
    return diag_fail(status, "%s%s%s: %s; it gives no reason", path, colon, where,
                     status_text(status));
}

/* The message is judged while the call is still the current one, so that it names the slot that
 * has failed and not the one around it. */
odeon_status calling_end(calling outer, odeon_status status)
{
    if (status != ODEON_OK) {
        status = explain(status);
        calling_here.is_refused = false;
    }
    calling_leave(outer);
    return status;
}

/* Only what a call itself can be wrong in, its shapes or an operator that is not there, is the
 * caller's fault; memory and lost devices are nobody's. A device that calls its own operators has
 * nobody else to blame. */
bool calling_refused(const instance *device, odeon_status status, const char *text)
{
    const instance *who = calling_here.now.who;
    bool faulty_call = status == ODEON_ERR_INTERNAL || status == ODEON_ERR_UNSUPPORTED;
    if (who == NULL || who == device || !faulty_call || who->component == NULL ||
        who->component->kind == ODEON_KIND_DEVICE) {
        return false;
    }
    char where[ODEON_MESSAGE_BYTES];
    calling_text(&calling_here.now, where, sizeof where);
    (void)diag_fail(status, "%s: %s asks the device for what it refuses: %s", who->path, where,
                    text);
    calling_here.is_refused = true;
    return true;
}

odeon_status calling_blame(const instance *who, const char *slot, const char *format, ...)
{
    char text[ODEON_MESSAGE_BYTES], where[ODEON_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    calling_text(&(calling){.who = who, .slot = slot}, where, sizeof where);
    return diag_fail(ODEON_ERR_PLUGIN, "%s: %s: %s: a bug in the plugin", who->path, where, text);
}
