/* A row goes to every observer as the same cells, and what each makes of them into its file. A row
 * that cannot be made for want of memory is in no file, unless the memory ended between two. */
#include "run/metrics.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "run/log_file.h"

/* A row a step would otherwise cost two system calls a step. */
static const double write_seconds = 0.1;

struct metrics {
    observers *observers;
    log_file *files;        /* of each observer; path NULL: it has none */
    bool waits;             /* lines do, in any of the files */
    double written_at;      /* by the clock of events */
    row_cells cells, first; /* of the row under way; of the first, whose columns hold */
    bool matches;           /* the columns of cells are those of first */
    text_buffer line;
    text_buffer others; /* of the last mark */
};

static const char *file_of(const metrics *m, size_t i)
{
    return m->observers->list[i].ops->file;
}

/* A row is what needs memory here; it is lost, and the caller decides what becomes of the run. */
static odeon_status out_of_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "metrics: no memory for a row");
}

/* ---- opening ---- */

typedef odeon_status (*file_opener)(log_file *file, const char *folder, const char *name);

/* On failure too, *out is what metrics_close has to take. */
static odeon_status open_all(const char *folder, observers *all, file_opener open_one,
                             metrics **out)
{
    metrics *m = *out = mem_zalloc(1, sizeof *m);
    log_file *files = m != NULL ? mem_zalloc(all->n + 1, sizeof *files) : NULL;
    if (files == NULL) {
        mem_free(m);
        *out = NULL;
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write metrics", folder);
    }
    m->observers = all;
    m->files = files;
    m->written_at = -(double)INFINITY;
    for (size_t i = 0; i < all->n; i++) {
        files[i].fd = -1;
        files[i].records = observer_has_records(&all->list[i]);
    }
    for (size_t i = 0; i < all->n; i++) {
        ODEON_TRY(file_of(m, i) != NULL ? open_one(&files[i], folder, file_of(m, i)) : ODEON_OK);
    }
    return ODEON_OK;
}

void metrics_remove(const metrics *m)
{
    for (size_t i = 0; i < m->observers->n; i++) {
        if (m->files[i].fd >= 0) {
            (void)unlink(m->files[i].path);
        }
    }
}

/* The files are new, so whatever was made of them may be removed again. */
odeon_status metrics_open(const char *folder, observers *all, metrics **out)
{
    odeon_status status = open_all(folder, all, log_file_create, out);
    if (status != ODEON_OK && *out != NULL) {
        metrics_remove(*out);
        (void)metrics_close(*out);
        *out = NULL;
    }
    return status;
}

/* ---- marks ---- */

/* Of the files that ship with the program a checkpoint has the lengths by themselves, of others in
 * one text: "NAME BYTES\n" for each. */
static int64_t *own_place(metrics_mark *mark, const char *name)
{
    static const char *const names[] = {"metrics.csv", "metrics.jsonl"};
    return strcmp(name, names[0]) == 0   ? &mark->csv_bytes
           : strcmp(name, names[1]) == 0 ? &mark->json_bytes
                                         : NULL;
}

/* Of a file that the mark does not know nothing is kept: it is of an observer that is new. */
static int64_t marked_bytes(const metrics_mark *mark, const char *name)
{
    metrics_mark copy = *mark;
    const int64_t *own = own_place(&copy, name);
    size_t n = strlen(name);
    const char *line = mark->others;
    while (own == NULL && line != NULL && *line != '\0') {
        if (strncmp(line, name, n) == 0 && line[n] == ' ') {
            char digits[NUMBER_TEXT_BYTES] = "";
            int64_t bytes = 0;
            size_t length = strcspn(line + n + 1, "\n");
            memcpy(digits, line + n + 1, length < sizeof digits ? length : 0);
            return number_parse_i64(digits, &bytes) == NUMBER_OK && bytes > 0 ? bytes : 0;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return own != NULL ? *own : 0;
}

metrics_mark metrics_sync(metrics *m)
{
    metrics_mark mark = {.csv_bytes = 0};
    text_clear(&m->others);
    for (size_t i = 0; i < m->observers->n; i++) {
        const char *name = file_of(m, i);
        if (name == NULL) {
            continue;
        }
        log_file_sync(&m->files[i]);
        int64_t *own = own_place(&mark, name);
        if (own != NULL) {
            *own = m->files[i].whole;
        } else {
            text_printf(&m->others, "%s %lld\n", name, (long long)m->files[i].whole);
        }
    }
    m->waits = false;
    mark.others = m->others.length > 0 && !m->others.failed ? m->others.data : NULL;
    return mark;
}

/* ---- columns ---- */

/* Names of figures and of a loss's metrics are their plugins'; a reader of the files finds a column
 * by its name, so that none may be there twice. */
static odeon_status check_names(const row_cells *cells)
{
    const char *name = row_cells_repeated(cells);
    return name == NULL ? ODEON_OK
                        : diag_fail(ODEON_ERR_PLUGIN,
                                    "metrics: two columns are named '%s': a plugin gives a figure "
                                    "or a metric the name of another column",
                                    name);
}

/* ---- a run that goes on ---- */

/* A file that is continued begins with its heading; columns are in m->cells. */
static odeon_status check_heading(metrics *m, size_t i)
{
    const odeon_event event = {.struct_size = sizeof event,
                               .type = ODEON_EVENT_ROW,
                               .n_cells = (int64_t)m->cells.n,
                               .cells = m->cells.cells};
    ODEON_TRY(observer_heading(&m->observers->list[i], &event, &m->line));
    return m->line.length == 0 ? ODEON_OK
                               : log_file_check_begin(&m->files[i], m->line.data, m->line.length);
}

/* What is there belongs to this run: its columns, and a line that ends where each mark is. */
static odeon_status check_existing(metrics *m, const metrics_mark *mark, const metrics_row *columns)
{
    if (!row_cells_make(&m->cells, columns)) {
        return out_of_memory();
    }
    ODEON_TRY(check_names(&m->cells));
    for (size_t i = 0; i < m->observers->n; i++) {
        bool there = file_of(m, i) != NULL && log_file_has_text(&m->files[i]);
        ODEON_TRY(there ? check_heading(m, i) : ODEON_OK);
    }
    row_cells_fini(&m->cells); /* names of columns are the caller's */
    for (size_t i = 0; i < m->observers->n; i++) {
        const char *name = file_of(m, i);
        ODEON_TRY(name != NULL ? log_file_check_mark(&m->files[i], marked_bytes(mark, name))
                               : ODEON_OK);
    }
    return ODEON_OK;
}

/* After all checks. */
static odeon_status continue_at(metrics *m, const metrics_mark *mark)
{
    for (size_t i = 0; i < m->observers->n; i++) {
        const char *name = file_of(m, i);
        ODEON_TRY(name != NULL ? log_file_continue(&m->files[i], marked_bytes(mark, name))
                               : ODEON_OK);
    }
    return ODEON_OK;
}

odeon_status metrics_reopen(const char *folder, observers *all, const metrics_mark *mark,
                            const metrics_row *columns, metrics **out)
{
    odeon_status status = open_all(folder, all, log_file_open, out);
    if (status == ODEON_OK) {
        status = check_existing(*out, mark, columns);
    }
    if (status == ODEON_OK) {
        status = continue_at(*out, mark);
    }
    if (status != ODEON_OK && *out != NULL) {
        (void)metrics_close(*out);
        *out = NULL;
    }
    return status;
}

/* ---- lines ---- */

void metrics_write(metrics *m)
{
    for (size_t i = 0; i < m->observers->n; i++) {
        log_file_write(&m->files[i]);
    }
    m->waits = false;
}

void metrics_write_if_due(metrics *m, double seconds)
{
    if (m->waits && !(seconds - m->written_at < write_seconds)) {
        metrics_write(m);
        m->written_at = seconds;
    }
}

static void add_lines(metrics *m, size_t i)
{
    if (m->line.length > 0) {
        log_file_add(&m->files[i], m->line.data, m->line.length);
        m->waits = true;
    }
}

/* ---- events ---- */

/* The first row of a new file writes the heading; that of a file that is continued must match what
 * is there. */
static odeon_status begin_file(metrics *m, size_t i, const odeon_event *event)
{
    if (m->files[i].whole > 0) {
        return check_heading(m, i);
    }
    ODEON_TRY(observer_heading(&m->observers->list[i], event, &m->line));
    add_lines(m, i);
    log_file_write(&m->files[i]); /* the next row, if this one fails, looks for it in the file */
    return ODEON_OK;
}

/* All rows have the columns of the first. */
static odeon_status check_columns(metrics *m, const odeon_event *event, const metrics_row *row)
{
    if (m->first.n > 0) {
        return m->matches
                   ? ODEON_OK
                   : diag_fail(ODEON_ERR_INTERNAL, "metrics: a row has other columns than the "
                                                   "first");
    }
    ODEON_TRY(check_names(&m->cells));
    for (size_t i = 0; i < m->observers->n; i++) {
        ODEON_TRY(file_of(m, i) != NULL ? begin_file(m, i, event) : ODEON_OK);
    }
    m->matches = row_cells_make(&m->first, row);
    return m->matches ? ODEON_OK : out_of_memory();
}

/* Names are compared only where they are not those of the row before. */
static odeon_status make_cells(metrics *m, const metrics_row *row)
{
    if (!row_cells_make(&m->cells, row)) {
        return out_of_memory();
    }
    m->matches = m->cells.renamed ? row_cells_match(&m->cells, &m->first) : m->matches;
    return ODEON_OK;
}

odeon_status metrics_event(metrics *m, const odeon_event *event, const metrics_row *row)
{
    if (!observers_want(m->observers, event->type)) {
        return ODEON_OK;
    }
    odeon_event with = *event;
    if (row != NULL) {
        ODEON_TRY(make_cells(m, row));
        with.n_cells = (int64_t)m->cells.n;
        with.cells = m->cells.cells;
    }
    ODEON_TRY(with.type == ODEON_EVENT_ROW ? check_columns(m, &with, row) : ODEON_OK);
    for (size_t i = 0; i < m->observers->n; i++) {
        ODEON_TRY(observer_see(&m->observers->list[i], &with, &m->line));
        add_lines(m, i);
    }
    metrics_write_if_due(m, with.seconds);
    return ODEON_OK;
}

bool metrics_want(const metrics *m, int32_t type)
{
    return observers_want(m->observers, type);
}

/* All are closed whatever becomes of the first; of several failures the first is reported. */
odeon_status metrics_close(metrics *m)
{
    if (m == NULL) {
        return ODEON_OK;
    }
    size_t n = m->observers->n;
    odeon_status status = ODEON_OK;
    for (size_t i = 0; i < n; i++) {
        log_file_close(&m->files[i]);
    }
    for (size_t i = 0; i < n; i++) {
        odeon_status mine = log_file_status(&m->files[i]);
        status = status != ODEON_OK ? status : mine;
        log_file_fini(&m->files[i]);
    }
    mem_free(m->files);
    row_cells_fini(&m->cells);
    row_cells_fini(&m->first);
    text_fini(&m->line);
    text_fini(&m->others);
    mem_free(m);
    return status;
}
