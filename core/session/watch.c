#include "session/watch.h"

#include "base/diag.h"
#include "base/mem.h"
#include "session/jobs.h"

struct session_watch {
    session *session;
    device_watch *device;
    watch_log *logs; /* [n_workers] */
    bool on;
};

odeon_status session_watch_create(session *s, session_watch **out)
{
    *out = NULL;
    session_watch *w = mem_zalloc(1, sizeof *w);
    if (w == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    }
    w->session = s;
    w->logs = mem_zalloc((size_t)s->n_workers, sizeof *w->logs);
    odeon_status status = w->logs != NULL ? device_watch_create(&s->model.opened.device, &w->device)
                                          : diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    if (status != ODEON_OK) {
        session_watch_destroy(w);
        return status;
    }
    *out = w;
    return ODEON_OK;
}

void session_watch_destroy(session_watch *w)
{
    if (w == NULL) {
        return;
    }
    for (int32_t i = 0; w->logs != NULL && i < w->session->n_workers; i++) {
        watch_log_fini(&w->logs[i]);
    }
    mem_free(w->logs);
    device_watch_destroy(w->device);
    mem_free(w);
}

static void set_thread(void *context, int32_t rank)
{
    const session_watch *w = context;
    worker *of = &w->session->workers[rank];
    device_watch_thread(w->device, w->on ? &w->logs[rank] : NULL);
    of->status = ODEON_OK;
    of->message[0] = '\0';
}

odeon_status session_watch_on(session_watch *w, bool timed)
{
    for (int32_t i = 0; i < w->session->n_workers; i++) {
        w->logs[i].timed = timed;
    }
    w->on = true;
    ODEON_TRY(session_run_job(w->session, set_thread, w));
    device_watch_on(w->device);
    return ODEON_OK;
}

odeon_status session_watch_off(session_watch *w)
{
    device_watch_off(w->device);
    w->on = false;
    return session_run_job(w->session, set_thread, w);
}

watch_log *session_watch_log(session_watch *w, int32_t rank)
{
    return &w->logs[rank];
}
