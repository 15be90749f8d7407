/* view_session.h: runs to be drawn, and what a view may ask of the host meanwhile. */
#ifndef ODEON_CORE_COMMAND_VIEW_SESSION_H
#define ODEON_CORE_COMMAND_VIEW_SESSION_H
#include "command/command_line.h"
#include "run/views.h"

typedef struct view_answer view_answer;

/* Invariant: it is not moved, since services lead back to it. */
typedef struct view_session {
    const command_line *line; /* borrowed */
    registry *registry;
    views *views;
    size_t n_runs;
    odeon_view_run **runs;
    odeon_view_services services;
    view_answer *answers; /* of models, until the drawing is made */
} view_session;

/* Reads the runs in the folders and looks for views. out can be given to view_session_close
 * whatever the answer. */
odeon_status view_session_open(const command_line *a, size_t n, const char *const *folders,
                               view_session *out);
void view_session_close(view_session *s);
/* Draws all of them. file: of ODEON_VIEW_PYTHON, the name of the numbers; else NULL. */
odeon_status view_session_draw(view_session *s, int64_t number, int32_t format, const char *file,
                               drawn *out);

#endif
