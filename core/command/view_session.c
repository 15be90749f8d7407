#include "command/view_session.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "base/path.h"
#include "format/run_folder.h"
#include "run/observers.h"
#include "run/run_dir.h"
#include "run/run_record.h"

/* ---- what a page asks for ---- */

static const odeon_view_drawing *drawing(void *self, int64_t number)
{
    const view_session *s = self;
    return views_drawing(s->views, number);
}

/* A chart that cannot be made is none: a page says why and goes on. */
static odeon_status give_up(odeon_status status, const odeon_view_out *out)
{
    if (status == ODEON_ERR_NOMEM || status == ODEON_ERR_CANCELLED) {
        return status;
    }
    out->nothing(out->self, diag_message());
    diag_clear();
    return ODEON_OK;
}

static odeon_status draw(void *self, int64_t number, const odeon_view_request *request,
                         const odeon_view_out *out)
{
    view_session *s = self;
    const odeon_view_drawing *d = views_drawing(s->views, number);
    if (d == NULL || (d->flags & ODEON_VIEW_IS_PAGE) != 0) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "a page draws charts alone");
    }
    drawn chart;
    view_models all = s->models;
    s->models.n_runs = request->n_runs; /* a page may ask for a chart of some of its runs */
    s->models.runs = request->run;
    odeon_status status = views_draw(s->views, number, request, &chart);
    s->models.n_runs = all.n_runs;
    s->models.runs = all.runs;
    if (status != ODEON_OK) {
        status = give_up(status, out);
    } else if (chart.nothing != NULL) {
        out->nothing(out->self, chart.nothing);
    } else {
        out->put(out->self, chart.text.data, chart.text.length);
        if (chart.caption != NULL) {
            out->caption(out->self, chart.caption);
        }
    }
    drawn_fini(&chart);
    view_model_release_since(&s->models, all.answers); /* the page's own stay until it is drawn */
    return status;
}

static odeon_status refuse_model(void *self, const odeon_view_ask *ask, odeon_view_answer *out)
{
    (void)self;
    (void)ask;
    (void)out;
    return diag_fail(ODEON_ERR_UNSUPPORTED, "it takes the model, which is busy with the run");
}

static odeon_status refuse_samples(void *self, const odeon_view_ask *ask, const int64_t *index,
                                   odeon_view_answer *out)
{
    (void)index;
    return refuse_model(self, ask, out);
}

static odeon_status refuse_parameters(void *self, const odeon_view_ask *ask, int64_t *n,
                                      const odeon_view_tensor **out)
{
    *n = 0;
    *out = NULL;
    return refuse_model(self, ask, NULL);
}

void view_session_of_files(view_session *s)
{
    s->services.solve = s->services.predict = s->services.evaluations = refuse_model;
    s->services.samples = refuse_samples;
    s->services.parameters = refuse_parameters;
}

/* ---- life ---- */

odeon_status view_session_open(const command_line *a, size_t n, const char *const *folders,
                               bool tables, view_session *out)
{
    *out = (view_session){.models = {.line = a},
                          .services = {.struct_size = sizeof out->services,
                                       .self = out,
                                       .drawing = drawing,
                                       .draw = draw,
                                       .solve = view_model_solve,
                                       .predict = view_model_predict,
                                       .samples = view_model_samples,
                                       .parameters = view_model_parameters,
                                       .evaluations = view_model_evaluations}};
    out->runs = mem_zalloc(n, sizeof(odeon_view_run *));
    if (out->runs == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "runs: no memory");
    }
    for (size_t i = 0; i < n; i++) {
        bool is_table = tables && path_ends_with(folders[i], ".csv");
        ODEON_TRY(is_table ? run_record_read_table(folders[i], &out->runs[i])
                           : run_record_read(folders[i], &out->runs[i]));
        out->n_runs++;
    }
    ODEON_TRY(registry_create(a->n_plugin_paths, a->plugin_paths, &out->registry));
    return views_create(out->registry, &out->views);
}

void view_session_close(view_session *s)
{
    view_model_release(&s->models, true);
    views_destroy(s->views);
    registry_destroy(s->registry);
    for (size_t i = 0; i < s->n_runs; i++) {
        run_record_destroy(s->runs[i]);
    }
    mem_free(s->runs);
    *s = (view_session){.registry = NULL};
}

odeon_status view_session_spare(size_t n, const char *const *folders, const char *file)
{
    const char *slash = strrchr(file, '/'), *base = slash != NULL ? slash + 1 : file;
    const char *const names[] = {RUN_FOLDER_INI,
                                 "manifest.json",
                                 RUN_DIR_TIMES,
                                 RUN_FOLDER_WEIGHTS,
                                 "weights-best.safetensors",
                                 "weights-ema.safetensors",
                                 observers_own_file(base) ? base : RUN_FOLDER_INI};
    for (size_t i = 0; i < n * (sizeof names / sizeof *names); i++) {
        char *path = mem_printf("%s/%s", folders[i % n], names[i / n]);
        odeon_status status = path != NULL ? output_file_spare("--out", file, "RUN", path)
                                           : diag_fail(ODEON_ERR_NOMEM, "runs: no memory");
        mem_free(path);
        ODEON_TRY(status);
    }
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(output_file_spare("--out", file, "RUN", folders[i])); /* a table */
    }
    return output_file_check(file);
}

odeon_status view_session_draw(view_session *s, int64_t number, int32_t format, const char *file,
                               drawn *out)
{
    const odeon_view_request request = {.struct_size = sizeof request,
                                        .format = format,
                                        .number = 1,
                                        .n_runs = (int64_t)s->n_runs,
                                        .run = (const odeon_view_run *const *)s->runs,
                                        .file = file != NULL ? file : "",
                                        .services = &s->services,
                                        .refresh_seconds = s->refresh_seconds};
    s->models.n_runs = request.n_runs;
    s->models.runs = request.run;
    odeon_status status = views_draw(s->views, number, &request, out);
    view_model_release(&s->models, false);
    return status;
}
