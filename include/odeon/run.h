/* run.h: figures of a component's own among the metrics, and whether the user wants to stop.
 *
 * The table is fetched once:
 *   self->run = self->host->get_extension(self->host, ODEON_HOST_RUN);
 * NULL where the component is used outside of a model, as by `odeon inspect`; a plugin then goes
 * without. Draft.
 *
 * Example: in init   if (self->run != NULL) {
 *                        ODEON_TRY(self->run->declare(self->host, "jacobians", ODEON_FIGURE_SUM,
 *                                                     &self->jacobians));
 *                    }
 *          later     self->run->count(self->host, self->jacobians, 1); */
#ifndef ODEON_HOST_RUN_H
#define ODEON_HOST_RUN_H
#include "odeon/abi.h"
#include "odeon/host.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_HOST_RUN "odeon.host.run/1"

/* How values of one step, or of all batches of an evaluation, become one, over calls, batches and
 * workers alike; without a value it is 0 for SUM, else unknown. */
enum {
    ODEON_FIGURE_SUM = 0,
    ODEON_FIGURE_MEAN = 1, /* of the values, each counting once */
    ODEON_FIGURE_MAX = 2,
    ODEON_FIGURE_MIN = 3
};

/* Growing. A table of the host's. */
typedef struct odeon_host_run {
    uint32_t struct_size, reserved0;
    /* Declares a figure of this instance, in init alone: a column PATH.name of the
     * metrics, PATH being that of messages, in each row, and a line at the end of the run and of
     * `odeon solve`. name, of letters, digits and underscores, is copied. *out is what the slots
     * below are given. ODEON_ERR_PLUGIN: a name or rule that cannot be, the same name twice, or
     * too late; the name of another column, as of the ODE block at PATH, ends the run at its first
     * row with that status; ODEON_ERR_NOMEM. [main; build] */
    odeon_status (*declare)(const odeon_host *host, const char *name, int32_t rule, int32_t *out);
    /* Adds n to a figure of rule SUM, which then is shown as a whole number as long as all that is
     * added to it is. [worker; evaluation] */
    void (*count)(const odeon_host *host, int32_t figure, int64_t n);
    /* Takes a value into a figure of any rule; NaN is passed on. [worker; evaluation] */
    void (*metric)(const odeon_host *host, int32_t figure, double value);
    /* 1 once the user has interrupted the program, which ends after the batch under way: a plugin
     * that works for long may return ODEON_ERR_CANCELLED then. Costs a load. Workers may see it at
     * different moments, so a layer with collectives asks the collective instead. [any; step] */
    int32_t (*cancelled)(const odeon_host *host);
} odeon_host_run;

#ifdef __cplusplus
}
#endif
#endif
