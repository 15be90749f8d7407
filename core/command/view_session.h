/* view_session.h: runs to be drawn, and what a view may ask of the host meanwhile. */
#ifndef ODEON_CORE_COMMAND_VIEW_SESSION_H
#define ODEON_CORE_COMMAND_VIEW_SESSION_H
#include "command/view_model.h"
#include "run/views.h"

/* Invariants: models is first, which self of the services counts on; it is not moved. */
typedef struct view_session {
    view_models models;
    size_t n_runs;
    odeon_view_run **runs;
    registry *registry;
    views *views;
    odeon_view_services services;
    double refresh_seconds; /* of a page */
} view_session;

/* Reads the runs in the folders and looks for views. tables: a file NAME.csv may stand for one. out
 * can be given to view_session_close whatever the answer. */
odeon_status view_session_open(const command_line *a, size_t n, const char *const *folders,
                               bool tables, view_session *out);
void view_session_close(view_session *s);
/* From now on nothing is computed with a model: what needs one is not drawn. */
void view_session_of_files(view_session *s);
/* May file be written? Not where it is one that is read of these runs (ODEON_ERR_CONFIG). */
odeon_status view_session_spare(size_t n, const char *const *folders, const char *file);
/* Draws all of them. file: of ODEON_VIEW_PYTHON, the name of the numbers; else NULL. */
odeon_status view_session_draw(view_session *s, int64_t number, int32_t format, const char *file,
                               drawn *out);

#endif
