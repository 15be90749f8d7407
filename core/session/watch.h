/* watch.h: the operators that a session's workers call, batch after batch (device/watch.h). */
#ifndef ODEON_CORE_SESSION_WATCH_H
#define ODEON_CORE_SESSION_WATCH_H
#include "device/watch.h"
#include "session/handle.h"

typedef struct session_watch session_watch;

/* Nothing is watched yet. ODEON_ERR_NOMEM. Solves that are replayed from a recording are not seen:
 * run.capture should be off. */
odeon_status session_watch_create(session *s, session_watch **out);
void session_watch_destroy(session_watch *w); /* before the session; NULL is allowed */
/* Between two batches. timed: as watch_log. */
odeon_status session_watch_on(session_watch *w, bool timed);
odeon_status session_watch_off(session_watch *w);
/* What a worker has called since its log was cleared. */
watch_log *session_watch_log(session_watch *w, int32_t rank);

#endif
