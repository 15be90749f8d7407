/* A run's rows in two files at once, CSV and JSON lines, from one list of cells: visit_row names
 * every column and its value in order, and visitors make of it the heading, a line of CSV or an
 * object. The two files cannot come apart in columns or values.
 *
 * Rows are appended with one write each and never buffered, so that a process that is killed leaves
 * whole lines, and a reader sees them while the run goes on. */
#include "run/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "base/text.h"
#include "odeon/host.h"

/* ---- a row as cells ---- */

typedef struct cell {
    const char *path, *name; /* path of a block, or NULL */
    const char *word;        /* NULL: a number */
    const int64_t *whole;    /* NULL: real */
    double real;
} cell;

typedef void (*cell_visitor)(void *context, const cell *x);

/* The value lives as long as the visit. */
static void visit_whole(cell_visitor visit, void *context, const char *path, const char *name,
                        int64_t value)
{
    visit(context, &(cell){.path = path, .name = name, .whole = &value});
}

static void visit_real(cell_visitor visit, void *context, const char *path, const char *name,
                       double value)
{
    visit(context, &(cell){.path = path, .name = name, .real = value});
}

/* A count that may not be known: -1. */
static void visit_count(cell_visitor visit, void *context, const char *name, int64_t count)
{
    if (count >= 0) {
        visit_whole(visit, context, NULL, name, count);
    } else {
        visit_real(visit, context, NULL, name, (double)NAN);
    }
}

static void visit_block(cell_visitor visit, void *context, const ode_counters *b)
{
    visit_whole(visit, context, b->path, "evals_forward", b->evals_forward);
    visit_whole(visit, context, b->path, "evals_backward", b->evals_backward);
    visit_whole(visit, context, b->path, "accepted", b->accepted);
    visit_whole(visit, context, b->path, "rejected", b->rejected);
    visit_whole(visit, context, b->path, "accepted_backward", b->accepted_backward);
    visit_whole(visit, context, b->path, "rejected_backward", b->rejected_backward);
    visit_real(visit, context, b->path, "h_min", b->h_min);
    visit_real(visit, context, b->path, "h_max", b->h_max);
    visit_real(visit, context, b->path, "drift", b->drift);
    visit_whole(visit, context, b->path, "bytes", b->bytes);
    visit_real(visit, context, b->path, "share", b->share);
    if (b->per_sample) { /* of the block, so that all rows have the same columns */
        visit_whole(visit, context, b->path, "steps_min", b->samples > 0 ? b->steps_min : 0);
        visit_real(visit, context, b->path, "steps_mean", counters_steps_mean(b));
        visit_whole(visit, context, b->path, "steps_max", b->steps_max);
    }
}

/* All cells of a row in the order of the columns. */
static void visit_row(cell_visitor visit, void *context, const metrics_row *row)
{
    visit_whole(visit, context, NULL, "step", row->step);
    visit_whole(visit, context, NULL, "epoch", row->epoch);
    visit_real(visit, context, NULL, "seconds", row->seconds);
    const char *split = row->split == ODEON_SPLIT_TRAIN ? "train" : "test";
    visit(context, &(cell){.name = "split", .word = split});
    visit_real(visit, context, NULL, "loss", row->loss);
    for (size_t i = 0; i < row->n_metrics; i++) {
        visit_real(visit, context, NULL, row->metric_names[i], row->metrics[i]);
    }
    visit_real(visit, context, NULL, "lr", row->lr);
    visit_real(visit, context, NULL, "grad_norm", row->grad_norm);
    visit_real(visit, context, NULL, "samples_per_second", row->samples_per_second);
    visit_count(visit, context, "nsync", row->device.waits);
    visit_count(visit, context, "nlaunch", row->device.launches);
    visit_count(visit, context, "nalloc", row->device.allocs);
    for (size_t i = 0; i < row->n_blocks; i++) {
        visit_block(visit, context, &row->blocks[i]);
    }
}

/* ---- CSV (RFC 4180, but lines end in LF) ---- */

/* RFC 4180: a quote within a quoted field is doubled. */
static void add_quoted(text_buffer *t, const char *word)
{
    text_add(t, "\"");
    for (const char *p = word; *p != '\0'; p++) {
        text_add_bytes(t, p, 1);
        text_add(t, *p == '"' ? "\"" : "");
    }
    text_add(t, "\"");
}

static void add_word(text_buffer *t, const char *word)
{
    if (strpbrk(word, ",\"\r\n") != NULL) {
        add_quoted(t, word);
    } else {
        text_add(t, word);
    }
}

/* The name in full, as "path.name". */
static void add_name(text_buffer *t, const cell *x)
{
    if (x->path != NULL) {
        text_add(t, x->path);
        text_add(t, ".");
    }
    text_add(t, x->name);
}

/* Where a line is made, and room for a word of it. */
typedef struct line_maker {
    text_buffer line, word;
} line_maker;

/* Between cells, not before the first. */
static void add_comma(text_buffer *line)
{
    text_add(line, line->length > 0 ? "," : "");
}

/* Names come from plugins and INI files, so a name may need quotes. */
static void add_csv_name(void *context, const cell *x)
{
    line_maker *m = context;
    text_clear(&m->word);
    add_name(&m->word, x);
    add_comma(&m->line);
    if (m->word.failed) {
        m->line.failed = true;
    } else {
        add_word(&m->line, m->word.data);
    }
}

static void add_number(text_buffer *t, const cell *x)
{
    if (x->whole != NULL) {
        text_printf(t, "%lld", (long long)*x->whole);
    } else {
        text_number(t, x->real);
    }
}

/* NaN, which stands for what does not apply, is an empty cell. */
static void add_csv_value(void *context, const cell *x)
{
    line_maker *m = context;
    bool empty = x->word == NULL && x->whole == NULL && isnan(x->real);
    add_comma(&m->line);
    if (x->word != NULL) {
        add_word(&m->line, x->word);
    } else if (!empty) {
        add_number(&m->line, x);
    }
}

/* ---- JSON ---- */

static void add_json_cell(void *context, const cell *x)
{
    line_maker *m = context;
    text_clear(&m->word);
    add_name(&m->word, x);
    text_add(&m->line, m->line.length > 0 ? "," : "{");
    if (m->word.failed) {
        m->line.failed = true;
        return;
    }
    text_json_string(&m->line, m->word.data);
    text_add(&m->line, ":");
    if (x->word != NULL) {
        text_json_string(&m->line, x->word);
    } else if (x->whole != NULL) {
        add_number(&m->line, x);
    } else {
        text_json_number(&m->line, x->real);
    }
}

/* ---- files ---- */

/* fd is -1 while the file is not open. whole never counts a line that was written in part. */
typedef struct log_file {
    int fd;
    char *path;
    off_t whole;    /* bytes of complete lines */
    int error;      /* errno of the first failure; 0: none */
    char *restored; /* the text with LF, where an editor has saved the file with CR LF; else NULL */
    size_t restored_bytes;
} log_file;

struct metrics {
    log_file csv, json;
    line_maker maker;
    char *columns; /* the first line of the CSV; NULL before the first row */
};

static odeon_status log_open_path(log_file *file, int how)
{
    file->fd = open(file->path, O_RDWR | how | O_APPEND | O_CLOEXEC, 0666);
    if (file->fd < 0 && errno == EEXIST) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s exists: a run is never overwritten; choose another run.out",
                         file->path);
    }
    if (file->fd < 0 && (errno != ENOENT || (how & O_CREAT) != 0)) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot open: %s", file->path, strerror(errno));
    }
    return ODEON_OK;
}

/* Without O_CREAT a file that is not there leaves fd -1. */
static odeon_status log_open(log_file *file, const char *folder, const char *name, int how)
{
    file->path = mem_printf("%s/%s", folder, name);
    if (file->path == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write %s", folder, name);
    }
    return log_open_path(file, how);
}

/* Cuts the file back to so many bytes. */
static odeon_status log_cut(log_file *file, int64_t bytes)
{
    struct stat info;
    if (fstat(file->fd, &info) != 0 || (info.st_size > bytes && ftruncate(file->fd, bytes) != 0)) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot be cut back to %lld bytes: %s", file->path,
                         (long long)bytes, strerror(errno));
    }
    if (info.st_size < bytes) {
        diag_log(ODEON_LOG_WARNING, "%s: has lost rows: %lld bytes, expected %lld", file->path,
                 (long long)info.st_size, (long long)bytes);
    }
    file->whole = info.st_size < bytes ? info.st_size : bytes;
    return ODEON_OK;
}

/* Notes the first failure. */
static void log_failed(log_file *file, int error)
{
    if (file->error == 0) {
        file->error = error;
        diag_log(ODEON_LOG_WARNING, "%s: cannot write: %s; the run goes on without it", file->path,
                 strerror(error));
    }
}

/* A log that cannot be written must not stop a run: after the first failure nothing more is
 * written. */
static void log_line(log_file *file, const text_buffer *line)
{
    size_t done = 0;
    while (file->error == 0 && done < line->length) {
        ssize_t n = write(file->fd, line->data + done, line->length - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            log_failed(file, errno);
            if (done > 0) { /* half a line would mislead; if this fails too, so be it */
                (void)!ftruncate(file->fd, file->whole);
            }
        }
    }
    if (file->error == 0) {
        file->whole += (off_t)done;
    }
}

/* What cannot be synced may be lost with the machine: the mark then counts it, and a run that goes
 * on finds the file shorter and says so. */
static void log_sync(log_file *file)
{
    if (fsync(file->fd) != 0 && errno != EINVAL) { /* EINVAL: no such thing there */
        log_failed(file, errno);
    }
}

static void log_close(log_file *file)
{
    if (file->fd >= 0) {
        log_sync(file);
        if (close(file->fd) != 0) {
            log_failed(file, errno);
        }
    }
}

/* At the end of a run, where a warning of long ago may have been missed. */
static odeon_status log_status(const log_file *file)
{
    if (file->error == 0) {
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_IO, "%s: could not be written to its end: %s", file->path,
                     strerror(file->error));
}

/* On failure too, *out is what metrics_close has to take. */
static odeon_status open_both(const char *folder, int how, metrics **out)
{
    metrics *m = *out = mem_zalloc(1, sizeof *m);
    if (m == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write metrics", folder);
    }
    m->csv.fd = m->json.fd = -1;
    ODEON_TRY(log_open(&m->csv, folder, "metrics.csv", how));
    return log_open(&m->json, folder, "metrics.jsonl", how);
}

/* The files are new, so whatever was made of them may be removed again. */
odeon_status metrics_open(const char *folder, metrics **out)
{
    odeon_status status = open_both(folder, O_CREAT | O_EXCL, out);
    if (status != ODEON_OK && *out != NULL) {
        if ((*out)->csv.fd >= 0) {
            (void)unlink((*out)->csv.path);
        }
        (void)metrics_close(*out);
        *out = NULL;
    }
    return status;
}

/* ---- a file that a run goes on with ---- */

/* A lone CR is left as it is. Returns the length of what is left. */
static size_t strip_returns(char *text, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] != '\r' || i + 1 == bytes || text[i + 1] != '\n') {
            text[n++] = text[i];
        }
    }
    return n;
}

/* Whether the first line ends in CR LF: an editor of another system has saved the file. */
static bool ends_in_crlf(int fd)
{
    enum { CHUNK = 4096 };
    char text[CHUNK], last = '\0';
    ssize_t n = 0;
    for (off_t at = 0; (n = pread(fd, text, sizeof text, at)) > 0; at += n) {
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] == '\n') {
                return last == '\r';
            }
            last = text[i];
        }
    }
    return false;
}

/* The bytes that a mark counts are those of the text with LF. */
static odeon_status load_restored(log_file *file)
{
    if (file->fd < 0 || !ends_in_crlf(file->fd)) {
        return ODEON_OK;
    }
    ODEON_TRY(read_file(file->path, &file->restored, &file->restored_bytes));
    file->restored_bytes = strip_returns(file->restored, file->restored_bytes);
    return ODEON_OK;
}

/* Reads of the file as it will be gone on with: nothing is written before all checks have passed.
 * A file that is not there is empty. */
static ssize_t log_read(const log_file *file, char *to, size_t bytes, size_t at)
{
    if (file->restored == NULL) {
        return file->fd < 0 ? 0 : pread(file->fd, to, bytes, (off_t)at);
    }
    size_t left = at < file->restored_bytes ? file->restored_bytes - at : 0;
    size_t n = bytes < left ? bytes : left;
    memcpy(to, file->restored + (left > 0 ? at : 0), n);
    return (ssize_t)n;
}

/* Writes the restored text in the file's place, and creates a file that is not there. */
static odeon_status log_continue(log_file *file)
{
    if (file->restored != NULL) {
        ODEON_TRY(atomic_file_put(file->path, file->restored, file->restored_bytes));
        diag_log(ODEON_LOG_WARNING, "%s: its lines ended in CR LF; written again with LF",
                 file->path);
        (void)close(file->fd);
        file->fd = -1;
    }
    return file->fd < 0 ? log_open_path(file, O_CREAT) : ODEON_OK;
}

/* Where the mark is there ends a line, unless somebody has changed the file. */
static odeon_status check_mark(const log_file *file, int64_t bytes)
{
    char last = '\n';
    ssize_t n = bytes > 0 ? log_read(file, &last, 1, (size_t)bytes - 1) : 0;
    if (n < 0) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot read: %s", file->path, strerror(errno));
    }
    return last == '\n' ? ODEON_OK
                        : diag_fail(ODEON_ERR_DATA,
                                    "%s: is not as the run left it: no line ends at byte %lld, "
                                    "where the checkpoint's rows do; move it away, and the run "
                                    "goes on with a new one",
                                    file->path, (long long)bytes);
}

metrics_mark metrics_sync(metrics *m)
{
    log_sync(&m->csv);
    log_sync(&m->json);
    return (metrics_mark){.csv_bytes = m->csv.whole, .json_bytes = m->json.whole};
}

/* A row is what needs memory here; it is lost, and the caller decides what becomes of the run. */
static odeon_status out_of_memory(const log_file *file)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for a row", file->path);
}

/* Makes a line in m->maker.line by visiting all cells of row. */
static odeon_status make_line(metrics *m, const metrics_row *row, cell_visitor visit,
                              const char *end)
{
    text_clear(&m->maker.line);
    visit_row(visit, &m->maker, row);
    text_add(&m->maker.line, end);
    return m->maker.line.failed ? out_of_memory(&m->csv) : ODEON_OK;
}

/* A file that is continued begins with its columns. */
static odeon_status match_columns(metrics *m)
{
    const text_buffer *line = &m->maker.line;
    char *begins = mem_zalloc(line->length + 1, 1);
    if (begins == NULL) {
        return out_of_memory(&m->csv);
    }
    ssize_t n = log_read(&m->csv, begins, line->length, 0);
    bool same = n == (ssize_t)line->length && memcmp(begins, line->data, line->length) == 0;
    mem_free(begins);
    return same ? ODEON_OK
                : diag_fail(
                      ODEON_ERR_DATA,
                      "%s: does not begin with the columns of this run; move it away, and the run "
                      "goes on with a new one",
                      m->csv.path);
}

/* What is there belongs to this run: its columns, and a line that ends where each mark is. */
static odeon_status check_existing(metrics *m, const metrics_mark *mark, const metrics_row *columns)
{
    char first;
    ODEON_TRY(load_restored(&m->csv));
    ODEON_TRY(load_restored(&m->json));
    if (log_read(&m->csv, &first, 1, 0) > 0) {
        ODEON_TRY(make_line(m, columns, add_csv_name, "\n"));
        ODEON_TRY(match_columns(m));
    }
    ODEON_TRY(check_mark(&m->csv, mark->csv_bytes));
    return check_mark(&m->json, mark->json_bytes);
}

/* After all checks. Rows behind the mark are of steps that the run makes again. */
static odeon_status continue_at(metrics *m, const metrics_mark *mark)
{
    ODEON_TRY(log_continue(&m->csv));
    ODEON_TRY(log_continue(&m->json));
    ODEON_TRY(log_cut(&m->csv, mark->csv_bytes));
    return log_cut(&m->json, mark->json_bytes);
}

odeon_status metrics_reopen(const char *folder, const metrics_mark *mark,
                            const metrics_row *columns, metrics **out)
{
    odeon_status status = open_both(folder, 0, out);
    if (status == ODEON_OK) {
        status = check_existing(*out, mark, columns);
    }
    if (status == ODEON_OK) {
        status = continue_at(*out, mark);
    }
    if (status != ODEON_OK) {
        (void)metrics_close(*out);
        *out = NULL;
    }
    return status;
}

/* The first row of a new file writes the heading; that of a file that is continued must match what
 * is there. */
static odeon_status check_columns(metrics *m, const metrics_row *row)
{
    ODEON_TRY(make_line(m, row, add_csv_name, "\n"));
    if (m->columns != NULL) {
        return strcmp(m->columns, m->maker.line.data) == 0
                   ? ODEON_OK
                   : diag_fail(ODEON_ERR_INTERNAL, "%s: a row has other columns than the first",
                               m->csv.path);
    }
    m->columns = mem_strdup(m->maker.line.data);
    if (m->columns == NULL) {
        return out_of_memory(&m->csv);
    }
    if (m->csv.whole > 0) {
        return match_columns(m);
    }
    log_line(&m->csv, &m->maker.line);
    return ODEON_OK;
}

/* A row that cannot be made for want of memory is in neither file, unless the memory ended between
 * the two. */
odeon_status metrics_add(metrics *m, const metrics_row *row)
{
    ODEON_TRY(check_columns(m, row));
    ODEON_TRY(make_line(m, row, add_csv_value, "\n"));
    log_line(&m->csv, &m->maker.line);
    ODEON_TRY(make_line(m, row, add_json_cell, "}\n"));
    log_line(&m->json, &m->maker.line);
    return ODEON_OK;
}

/* Both are closed whatever becomes of the first; of two failures the CSV's is reported. */
odeon_status metrics_close(metrics *m)
{
    if (m == NULL) {
        return ODEON_OK;
    }
    log_close(&m->csv);
    log_close(&m->json);
    odeon_status csv = log_status(&m->csv), json = log_status(&m->json);
    mem_free(m->csv.path);
    mem_free(m->csv.restored);
    mem_free(m->json.path);
    mem_free(m->json.restored);
    text_fini(&m->maker.line);
    text_fini(&m->maker.word);
    mem_free(m->columns);
    mem_free(m);
    return csv != ODEON_OK ? csv : json;
}
