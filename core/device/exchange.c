/* One exchange is one barrier: each worker publishes an offer, and after it reads those of all.
 * Every collective is made of one to three of them. */
#include "device/exchange.h"

#include <stdbool.h>
#include <string.h>

#include "device/caller.h"
#include "device/collective_wait.h"

/* Either may be NULL; two that are NULL are the same. */
static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Reports that two workers are in different collectives, with the caller of each. */
static odeon_status report_divergence(const offer *offers, int32_t i)
{
    const offer *a = &offers[0], *b = &offers[i];
    char first[300], second[300];
    return diag_fail(caller_fault(&a->caller, &b->caller),
                     "workers 0 and %d lost step with each other: one is in %s, called in %s, the "
                     "other in %s, called in %s: a layer or solver calls a collective on some of "
                     "the workers only, or decides by the data of its own slice",
                     (int)i, collective_kind_name(a->kind),
                     caller_text(&a->caller, first, sizeof first), collective_kind_name(b->kind),
                     caller_text(&b->caller, second, sizeof second));
}

/* Whether two workers are in the same collective, called from the same place. */
static bool same_offer(const offer *a, const offer *b)
{
    bool hosts = caller_is_host(&a->caller) && caller_is_host(&b->caller);
    return a->kind == b->kind && a->call == b->call &&
           (hosts || (!caller_is_host(&a->caller) && !caller_is_host(&b->caller) &&
                      same_text(a->caller.slot, b->caller.slot) &&
                      same_text(a->caller.who->path, b->caller.who->path)));
}

/* The status of an exchange, the same on all workers: a failure before a void step, and of several
 * the one with the lowest rank. If all are OK but in different collectives, some worker's control
 * flow depended on data of its own. */
static odeon_status joint_status(const collective *m, const offer *offers, int32_t *whose)
{
    odeon_status worst = ODEON_OK;
    for (int32_t i = 0; i < m->size; i++) {
        odeon_status status = offers[i].status;
        if ((status < 0 && worst >= 0) || (status > 0 && worst == 0)) {
            worst = status;
            *whose = i;
        }
    }
    for (int32_t i = 1; i < m->size && worst == ODEON_OK; i++) {
        if (!same_offer(&offers[i], &offers[0])) {
            return report_divergence(offers, i);
        }
    }
    return worst;
}

/* Copies the message, since diag_message is per thread and the others cannot read it. The caller is
 * read from this thread's own board, where it is up to date. */
static void fill_offer(worker_group *group, uint32_t kind, odeon_status mine, const void *data,
                       offer *own)
{
    own->status = mine;
    own->kind = kind;
    own->call = group->calls;
    own->caller = calling_read(&group->board);
    own->data = data;
    own->message[0] = '\0';
    if (mine != ODEON_OK) {
        strncpy(own->message, diag_message(), sizeof own->message - 1);
        own->message[sizeof own->message - 1] = '\0';
    }
}

/* A collective that has failed gives its status to all, who therefore skip later ones alike. */
odeon_status exchange_offers(worker_group *group, uint32_t kind, odeon_status mine,
                             const void *data, const offer **all)
{
    collective *m = group->collective;
    /* all workers know of this failure and skip the exchange alike */
    if (group->delivered != ODEON_OK) {
        return group->delivered;
    }
    offer *offers = m->offers[group->calls % 2];
    fill_offer(group, kind, mine, data, &offers[group->abi.rank]);
    group->calls++;
    if (!collective_barrier(group, kind)) {
        diag_adopt(m->message);
        group->delivered = m->verdict;
        return m->verdict;
    }
    int32_t whose = group->abi.rank;
    odeon_status worst = joint_status(m, offers, &whose);
    if (worst != ODEON_OK) {
        group->delivered = worst;
        if (whose != group->abi.rank) {
            diag_adopt(offers[whose].message);
        }
    }
    *all = offers;
    return worst;
}
