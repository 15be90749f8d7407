/* `odeon report`: a page of one run or of several. What is on it is the view's affair. */
#include "command/command.h"

#include <stdio.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "command/view_session.h"
#include "command/watching.h"
#include "format/run_folder.h"

/* Of one run it lies in its folder, of several where the command was given. */
static char *file_of(const command_line *a)
{
    const char *file = a->value[ARGUMENT_OUT];
    return file != NULL         ? mem_strdup(file)
           : a->n_operands == 1 ? mem_printf("%s/" RUN_FOLDER_PAGE, a->operands[0])
                                : mem_strdup(RUN_FOLDER_PAGE);
}

static odeon_status make_page(const command_line *a, view_session *s, const char *file)
{
    int64_t page;
    drawn d;
    ODEON_TRY(views_find_page(s->views, &page));
    odeon_status status = view_session_draw(s, page, ODEON_VIEW_HTML, NULL, &d);
    if (status == ODEON_OK && d.nothing != NULL) {
        status = diag_fail(ODEON_ERR_DATA, "%s", d.nothing);
    }
    if (status == ODEON_OK) {
        status = output_file_put(file, d.text.data, d.text.length);
    }
    if (status == ODEON_OK && !output_file_is_stdout(file)) {
        fprintf(a->out, "report in %s\n", file);
    }
    drawn_fini(&d);
    return status;
}

static odeon_status run_report(const command_line *a)
{
    view_session s = {.registry = NULL};
    char *file = file_of(a);
    const char *refresh = a->value[ARGUMENT_REFRESH];
    odeon_status status = file != NULL ? view_session_spare(a->n_operands, a->operands, file)
                                       : diag_fail(ODEON_ERR_NOMEM, "command line: no memory");
    if (status == ODEON_OK) {
        status = view_session_open(a, a->n_operands, a->operands, false, &s);
    }
    if (status == ODEON_OK && refresh != NULL) {
        view_session_of_files(&s);
        status = watching_seconds("--refresh", refresh, &s.refresh_seconds);
    }
    if (status == ODEON_OK) {
        status = make_page(a, &s, file);
    }
    view_session_close(&s);
    mem_free(file);
    return status;
}

const command command_report = {
    .name = "report",
    .operands = "RUN [RUN ...]",
    .summary = "make a page of runs: charts, tables, what came of it",
    .help =
        "One HTML file without scripts, with all that it shows in it: of a run what it was and\n"
        "what came of it in words, curves of the metrics and of the solver, what was learned,\n"
        "what it gets wrong, how it was made; of several runs their curves together, with the\n"
        "range of those that differ in run.seed alone, a table, and the keys in which they\n"
        "differ. What a run does not have is left out. A run that failed has a page, too.\n\n"
        "  --out FILE          where to write; else RUN/" RUN_FOLDER_PAGE ", of several runs\n"
        "                      " RUN_FOLDER_PAGE " in the working directory\n"
        "  --refresh TIME      of a run that goes on: nothing is computed with the model, and the\n"
        "                      page loads itself again every 10s, 2m; 0: it does not\n",
    .options = UINT64_C(1) << ARGUMENT_OUT | UINT64_C(1) << ARGUMENT_REFRESH,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_report,
};
