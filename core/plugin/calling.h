/* calling.h: which slot of which component a thread is inside of, so that a failure without words,
 * a refused operator and a crash can be laid at somebody's door. Calls nest: a container calls the
 * host, which calls the layers in it. */
#ifndef ODEON_CORE_PLUGIN_CALLING_H
#define ODEON_CORE_PLUGIN_CALLING_H
#include <stdatomic.h>
#include <stdbool.h>

#include "plugin/instance_type.h"

typedef struct calling {
    const instance *who; /* NULL: no plugin; lives as long as the call */
    const char *slot;    /* "forward" */
} calling;

/* Where other threads read what a thread is inside of, and whether it goes on. */
typedef struct calling_board {
    _Atomic(const instance *) who;
    _Atomic(const char *) slot;
    atomic_ulong changes; /* slots entered and left */
} calling_board;

/* Of a thread, which alone reads and writes it. */
typedef struct calling_thread {
    calling now;
    calling_board *board; /* NULL: nobody looks */
    bool is_refused;      /* the device has refused an operator since the call began */
} calling_thread;

/* This thread's calls are shown on board from here on; NULL: no more. */
void calling_show(calling_board *board);
calling calling_read(calling_board *board);

/* Of this thread. Read by the handler of a crash, too. */
extern _Thread_local calling_thread calling_here;

/* Around every call of a slot:
 *   calling outer = calling_begin(x, "forward");
 *   return calling_end(outer, ops->forward(...)); */
calling calling_begin(const instance *who, const char *slot);
/* Puts outer back. A failure without a message gets one that names component, file and slot; a
 * status that is none of status.h becomes ODEON_ERR_PLUGIN, and so does what the device's refusal
 * of an operator made of the call. */
odeon_status calling_end(calling outer, odeon_status status);
/* The same for slots that answer no status. */
void calling_leave(calling outer);

/* The device of x refuses an operator: records text with the name of who asked for it, if that is a
 * plugin, and answers whether it did. */
bool calling_refused(const instance *device, odeon_status status, const char *text);

/* What a slot has answered cannot be: ODEON_ERR_PLUGIN, with the name of who it is. */
odeon_status calling_blame(const instance *who, const char *slot, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "layer swish (FILE), forward" */
void calling_text(const calling *c, char *text, size_t bytes);

#endif
