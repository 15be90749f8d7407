#include "session/flow.h"

#include <string.h>

#include "base/diag.h"
#include "ode/events.h"
#include "ode/ode.h"
#include "session/members.h"
#include "session/slice.h"

/* Within another layer the block's output is not the network's, which is all that can be given
 * back. */
odeon_status session_flow_of(const session *s, session_flow *out)
{
    const net_site *site = &s->workers[0].site;
    const odeon_net *net = s->workers[0].net;
    *out = (session_flow){.n_times = 0};
    if (site->n_odes == 0) {
        return diag_fail(ODEON_ERR_CONFIG, "the model has no ODE block: there is nothing to solve");
    }
    const odeon_ode *ode = site->odes[0];
    if (strcmp(net->layers[net->n - 1].path, ode->path) != 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: the first ODE block stands within another layer; only one in the "
                         "model's own row can be solved alone",
                         ode->path);
    }
    int64_t n_times = ode->spec.n_times > 0 ? ode->spec.n_times : site->n_times;
    out->n_times = ode->spec.output == ODEON_OUTPUT_ALL ? n_times : 1;
    out->size = odeon_count(&net->out) / out->n_times;
    return ODEON_OK;
}

/* Of all samples: slices follow each other in the order of the ranks. An output of the end alone
 * has one time, the last. */
static void give_times(const session *s, int64_t n, int64_t n_times, double *times)
{
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        const worker *w = &s->workers[rank];
        const odeon_ode *ode = w->site.odes[0];
        int64_t count, first = worker_slice(w, n, &count);
        for (int64_t i = 0; i < count; i++) {
            memcpy(times + (first + i) * n_times,
                   ode_sample_times(ode, i) + ode->outputs.n_times - n_times,
                   (size_t)n_times * sizeof *times);
        }
    }
}

odeon_status session_solve(session *s, const session_samples *samples, double *output,
                           double *times, session_result *result)
{
    session_flow flow;
    ODEON_TRY(session_flow_of(s, &flow));
    ODEON_TRY(session_predict_counted(s, samples, output, NULL, result));
    give_times(s, samples->n, flow.n_times, times);
    return ODEON_OK;
}

static int64_t events_of(const worker *w, int64_t n, int64_t room, session_event *out)
{
    const odeon_ode *ode = w->site.odes[0];
    int64_t count, first = worker_slice(w, n, &count), found = 0;
    for (int64_t i = 0; i < count; i++) {
        for (int64_t k = 0; k < events_count(ode, i); k++, found++) {
            if (found < room) {
                out[found] = (session_event){.sample = first + i, .t = events_time(ode, i, k)};
            }
        }
    }
    return found;
}

int64_t session_events(const session *s, int64_t n, int64_t capacity, session_event *out)
{
    int64_t found = 0;
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        int64_t room = found < capacity ? capacity - found : 0;
        found += events_of(&s->workers[rank], n, room, room > 0 ? out + found : out);
    }
    return found;
}

odeon_status session_list_points(session *s, field_points *points)
{
    session_flow flow;
    ODEON_TRY(session_flow_of(s, &flow));
    if (s->n_workers != 1) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "evaluations of a field are listed of one worker, the session has %d",
                         s->n_workers);
    }
    s->workers[0].site.odes[0]->field.points = points;
    return ODEON_OK;
}
