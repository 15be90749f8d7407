/* figures.h: numbers that components report (odeon/run.h), to stand among the metrics.
 *
 * Every instance has figures of its own, which its worker alone writes; whoever reads or clears
 * them all does so between two batches, when no worker is at work. Those of one path and name, as
 * of one layer's instances in all workers, are read as one. */
#ifndef ODEON_CORE_PLUGIN_FIGURES_H
#define ODEON_CORE_PLUGIN_FIGURES_H
#include "odeon/run.h"
#include "plugin/instance_type.h"

typedef struct figures figures; /* of all instances that a registry's configurations made */

typedef struct figure_value {
    const char *path, *name; /* the instance's; path may be "" */
    double value;            /* NAN: there is none */
    int64_t whole;           /* where is_whole: the same with all digits */
    int64_t n;               /* how many values it is of */
    int32_t rule;            /* ODEON_FIGURE_* */
    bool is_whole;
} figure_value;

odeon_status figures_create(figures **out);
void figures_destroy(figures *x); /* NULL is allowed; all instances are gone */

/* odeon_host_run, by which instances reach their own figures. */
extern const odeon_host_run figures_services;
/* is_cancelled returns 0 unless the user wants to stop; without it nobody does. */
void figures_on_cancel(figures *x, int (*is_cancelled)(void));
/* Of an instance that goes. */
void figures_forget(instance *x);

void figures_clear(figures *x);
/* All, in the order in which the first of each was declared; they live until the next call. */
const figure_value *figures_read(figures *x, size_t *n);

#endif
