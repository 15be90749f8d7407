/* observers.h: the observers of a run (odeon/observer.h) as live components. */
#ifndef ODEON_CORE_RUN_OBSERVERS_H
#define ODEON_CORE_RUN_OBSERVERS_H
#include <stdbool.h>

#include "base/text.h"
#include "config/config.h"
#include "odeon/observer.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

#define OBSERVERS_FILE_PREFIX "metrics." /* of files of rows */

typedef struct observer {
    instance *instance;
    const odeon_observer_ops *ops;
    bool failed; /* it is not called again */
} observer;

typedef struct observers {
    size_t n;
    observer *list;
} observers;

/* Those that run.observers names, csv and jsonl where it is not given, then n further ones. Of one
 * that is named twice, the further one takes the place of the other where it has options, as
 * "report(every=10)", and is left out where it has none. ODEON_ERR_PLUGIN:
 * one wants an event that this host does not know, or a file of a name that cannot be, or that
 * another has; ODEON_ERR_CONFIG, ODEON_ERR_NOMEM. [main] */
odeon_status observers_create(registry *r, const config *c, size_t n, const char *const *more,
                              observers **out);
void observers_destroy(observers *x); /* NULL is allowed */

/* Does the name of a file begin as those of observers' files do? */
bool observers_own_file(const char *name);
/* Is the file one of records, which need not be lines? */
bool observer_has_records(const observer *x);

/* Does any receive events of that type? */
bool observers_want(const observers *x, int32_t type);
/* Passes an event to an observer that wants it. The lines that it puts stand in line then, "" if it
 * failed, which is a warning, or does not want it. ODEON_ERR_NOMEM where there is none for the
 * line.
 */
odeon_status observer_see(observer *x, const odeon_event *event, text_buffer *line);
/* Its heading; "" if it has none. */
odeon_status observer_heading(observer *x, const odeon_event *event, text_buffer *line);

#endif
