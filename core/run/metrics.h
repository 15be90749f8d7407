/* metrics.h: the rows of a run, its events, and the files that observers make of them.
 *
 * The files are the host's: which bytes an observer's lines are is its own affair, where they go,
 * how far they are at a checkpoint and what of them a run goes on with is decided here. Lines are
 * written together with others of the same tenth of a second, so that a process that is killed has
 * lost no more than that of them: all are behind its last checkpoint. A log that
 * cannot be written does not stop a run: what is there stays, whole lines only, and the failure is
 * reported by one warning and by metrics_close. */
#ifndef ODEON_CORE_RUN_METRICS_H
#define ODEON_CORE_RUN_METRICS_H
#include "format/checkpoint.h"
#include "run/observers.h"
#include "run/row_cells.h"

typedef struct metrics metrics;

/* Creates the files of all observers in folder, or none. all are borrowed. ODEON_ERR_CONFIG
 * if one exists: another run writes there. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status metrics_open(const char *folder, observers *all, metrics **out);
/* Opens them where a run left them and cuts off what was added after the mark; a file that is
 * missing or shorter is continued, with a warning, one that was saved with CR LF is written
 * again with LF. Of columns the names count. ODEON_ERR_DATA, before anything is cut, if a file
 * begins with another heading or the mark stands within a line; ODEON_ERR_PLUGIN if two columns
 * have one name; ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status metrics_reopen(const char *folder, observers *all, const metrics_mark *mark,
                            const metrics_row *columns, metrics **out);
/* Passes an event, with the cells of row unless that is NULL, to the observers that want it. Lines
 * of ODEON_EVENT_ROW are appended to their files; the first such row fixes the columns, of which
 * no two have one name (ODEON_ERR_PLUGIN); one that does not have them is ODEON_ERR_INTERNAL, or,
 * where a file is continued, ODEON_ERR_DATA. */
odeon_status metrics_event(metrics *m, const odeon_event *event, const metrics_row *row);
bool metrics_want(const metrics *m, int32_t type);
/* Writes the lines that wait; at seconds, by the clock of events, if the last such was a tenth of a
 * second ago. metrics_event does the latter for each row that has been made. */
void metrics_write(metrics *m);
void metrics_write_if_due(metrics *m, double seconds);
/* Syncs the files and says how far they are; others of it lives until the next call. What could not
 * be written does not count. */
metrics_mark metrics_sync(metrics *m);
/* Removes the files, which metrics_open has made. */
void metrics_remove(const metrics *m);
/* ODEON_ERR_IO if anything could not be written. NULL is allowed. */
odeon_status metrics_close(metrics *m);

#endif
