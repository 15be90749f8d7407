/* frame_stack.h: device memory that is taken and given back in order, last first: frames of
 * evaluations whose sizes differ, since rows drop out of a solve. What was allocated stays for
 * later solves. */
#ifndef ODEON_CORE_SOLVER_FRAME_STACK_H
#define ODEON_CORE_SOLVER_FRAME_STACK_H
#include "odeon/device.h"

typedef struct frame_chunk_bytes frame_chunk_bytes;

/* Zero is an empty stack. Invariant: chunks before `now` are full, those behind it empty. */
typedef struct frame_stack {
    frame_chunk_bytes *chunks;
    size_t n, capacity, now;
    int64_t in_use, peak; /* bytes */
} frame_stack;

/* Where the stack stood. */
typedef struct frame_mark {
    size_t now;
    int64_t used, in_use;
} frame_mark;

void frame_stack_fini(frame_stack *s, const odeon_device *device);
frame_mark frame_stack_mark(const frame_stack *s);
/* Memory of so many bytes, aligned to 64. ODEON_ERR_NOMEM. */
odeon_status frame_stack_push(frame_stack *s, const odeon_device *device, int64_t bytes,
                              char **out);
/* Gives back all that was taken since the mark. */
void frame_stack_return(frame_stack *s, const frame_mark *mark);

#endif
