#include "session/jobs.h"

#include <stdio.h>

#include "device/worker_group.h"
#include "plugin/calling.h"

/* On the stack of session_run_job, which outlives the job. */
typedef struct member_job {
    session *session;
    team_job job;
    void *context;
} member_job;

/* While a worker is at its job, the others can see in which plugin's call it is: who waits for it
 * in vain can say so. Of a single worker nobody looks at the board. */
static void run_member(void *context, int32_t rank)
{
    const member_job *m = context;
    worker_group *group = &m->session->workers[rank].group;
    calling_show(group->abi.size > 1 ? &group->board : NULL);
    m->job(m->context, rank);
    calling_show(NULL);
    collective_end_job(group);
}

/* A failure goes before a void step, and of equals the first worker's. NULL: there is none. */
static const worker *find_worst(const session *s)
{
    const worker *worst = NULL;
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        const worker *w = &s->workers[rank];
        if ((w->status < 0 && (worst == NULL || worst->status > 0)) ||
            (w->status > 0 && worst == NULL)) {
            worst = w;
        }
    }
    return worst;
}

/* The message of the worst worker becomes this thread's, since every thread has messages of its
 * own. */
odeon_status session_run_job(session *s, team_job job, void *context)
{
    member_job all = {.session = s, .job = job, .context = context};
    collective_begin_job(s->collective);
    team_run(s->team, run_member, &all);
    const worker *worst = find_worst(s);
    diag_clear();
    if (worst == NULL) {
        return ODEON_OK;
    }
    if (worst->message[0] != '\0') {
        diag_adopt(worst->message);
    }
    return worst->status > 0 ? diag_fail(ODEON_ERR_NUMERIC, "a layer cannot be evaluated")
                             : worst->status;
}

/* Transforms are layers, too, and may prepare something, though they have no parameters. */
static void prepare_job(void *context, int32_t rank)
{
    session *s = context;
    worker *w = &s->workers[rank];
    odeon_layer_call call = worker_call(w, ODEON_CALL_TRAIN);
    diag_clear();
    calling outer = calling_begin(s->model.opened.instance, "an operator that the host calls");
    worker_group_resolve(&w->group);
    w->status = net_prepare(w->data_net, &call);
    w->status = w->status == ODEON_OK ? net_prepare(w->net, &call) : w->status;
    calling_leave(outer);
    (void)snprintf(w->message, sizeof w->message, "%s", diag_message());
}

/* Layers may derive what they need from their parameters (a transposed or packed copy, say) and
 * have to do so again whenever these were set from outside. */
odeon_status session_prepare(session *s)
{
    s->unprepared = false;
    return session_run_job(s, prepare_job, s);
}
