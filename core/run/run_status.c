#include "run/run_status.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/path.h"
#include "base/read_file.h"
#include "format/checkpoint_list.h"
#include "format/json.h"
#include "format/run_folder.h"
#include "format/safetensors.h"
#include "run/observers.h"

static odeon_status no_memory(const char *folder)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read the run", folder);
}

const char *run_state_text(run_state state)
{
    static const char *const texts[] = {"begun", "running", "stopped", "failed", "finished"};
    return texts[state];
}

/* ---- metrics.csv ---- */

/* Takes the cell at *p off a line, in place and without quotes; *p is behind it, NULL after the
 * last. */
static char *take_cell(char **p)
{
    char *start = *p, *to = start, *from = start;
    bool quoted = false;
    for (; *from != '\0' && (quoted || *from != ','); from++) {
        if (*from == '"' && quoted && from[1] == '"') {
            *to++ = *from++;
        } else if (*from == '"') {
            quoted = !quoted;
        } else {
            *to++ = *from;
        }
    }
    *p = *from == ',' ? from + 1 : NULL;
    *to = '\0';
    return start;
}

enum { MOST_COLUMNS = 4096 };

/* Cells of a line; answers how many. */
static size_t split(char *line, char **cells)
{
    size_t n = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *p = line; p != NULL && n < MOST_COLUMNS;) {
        cells[n++] = take_cell(&p);
    }
    return n;
}

/* The last line whose fourth cell is split, from the end of text on; NULL: none. Only whole lines
 * count, since a run may be writing. */
static char *last_row(char *text, const char *split_name)
{
    char *end = strrchr(text, '\n');
    while (end != NULL) {
        char *before = memrchr(text, '\n', (size_t)(end - text));
        char *line = before != NULL ? before + 1 : text, *p = line;
        for (int i = 0; i < 3 && p != NULL && p < end; i++) {
            p = memchr(p, ',', (size_t)(end - p));
            p = p != NULL ? p + 1 : NULL;
        }
        size_t n = strlen(split_name);
        if (p != NULL && (size_t)(end - p) > n && memcmp(p, split_name, n) == 0 && p[n] == ',') {
            return line;
        }
        end = before;
    }
    return NULL;
}

static double cell_number(const char *text)
{
    double x;
    return number_parse_f64(text, &x) == NUMBER_OK ? x : (double)NAN;
}

static odeon_status add_figure(run_status *r, const char *prefix, const char *name, double value)
{
    run_figure *list = mem_reserve(r->figures, &r->room, r->n_figures + 1, 8, sizeof *list);
    if (list == NULL) {
        return no_memory(r->path);
    }
    r->figures = list;
    list[r->n_figures] = (run_figure){.name = mem_printf("%s%s", prefix, name), .value = value};
    return list[r->n_figures++].name != NULL ? ODEON_OK : no_memory(r->path);
}

/* Loss and metrics stand from "loss" up to the learning rate. */
static odeon_status add_test(run_status *r, size_t n, char *const *names, char *const *cells)
{
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        bool loss = strcmp(names[i], "loss") == 0;
        inside = (inside || loss) && strcmp(names[i], "lr") != 0;
        if (inside) {
            ODEON_TRY(add_figure(r, loss ? "test_" : "", names[i], cell_number(cells[i])));
        }
    }
    return ODEON_OK;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* Of all ODE blocks together; a run without one has none. */
static odeon_status add_evaluations(run_status *r, const char *which, size_t n, char *const *names,
                                    char *const *cells)
{
    char end[32];
    double sum = 0.0;
    bool any = false;
    (void)snprintf(end, sizeof end, ".%s", which);
    for (size_t i = 0; i < n; i++) {
        if (ends_with(names[i], end)) {
            sum += cell_number(cells[i]);
            any = true;
        }
    }
    return any ? add_figure(r, "", which, sum) : ODEON_OK;
}

/* text is cut into cells. */
static odeon_status read_rows(run_status *r, char *text, char **names, char **cells)
{
    char *first = strchr(text, '\n');
    if (first == NULL) {
        return ODEON_OK;
    }
    char *test = last_row(first + 1, "test"), *train = last_row(first + 1, "train");
    *first = '\0';
    size_t n = split(text, names);
    if (n < 4 || strcmp(names[2], "seconds") != 0) {
        return ODEON_OK;
    }
    if (test != NULL && split(test, cells) == n) {
        r->seconds = cell_number(cells[2]);
        ODEON_TRY(add_test(r, n, names, cells));
    }
    if (train != NULL && split(train, cells) == n) {
        double seconds = cell_number(cells[2]);
        r->seconds = r->seconds > seconds ? r->seconds : seconds;
        ODEON_TRY(add_evaluations(r, "evals_forward", n, names, cells));
        ODEON_TRY(add_evaluations(r, "evals_backward", n, names, cells));
    }
    return ODEON_OK;
}

/* The text of a file of the run; NULL if it has none, or none that can be read. */
static odeon_status read_text(const run_status *r, const char *name, char **text, size_t *bytes)
{
    *text = NULL;
    char *path = mem_printf("%s/%s", r->path, name);
    if (path == NULL) {
        return no_memory(r->path);
    }
    odeon_status status = access(path, R_OK) == 0 ? read_file(path, text, bytes) : ODEON_OK;
    mem_free(path);
    if (status != ODEON_OK && status != ODEON_ERR_NOMEM) {
        diag_clear();
        status = ODEON_OK;
    }
    return status;
}

static odeon_status read_metrics(run_status *r)
{
    char *text;
    size_t bytes;
    ODEON_TRY(read_text(r, OBSERVERS_FILE_PREFIX "csv", &text, &bytes));
    char **cells = text != NULL ? mem_zalloc(2 * MOST_COLUMNS, sizeof *cells) : NULL;
    odeon_status status = text == NULL || cells != NULL ? ODEON_OK : no_memory(r->path);
    if (cells != NULL) {
        status = read_rows(r, text, cells, cells + MOST_COLUMNS);
    }
    mem_free(cells);
    mem_free(text);
    return status;
}

/* ---- state ---- */

/* A lock that is shared lets others look as well. It is held for no longer than this call. */
static bool is_locked(const char *folder)
{
    char path[PATH_MAX];
    int fd = path_within(folder, "lock", path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0) {
        (void)close(fd);
    }
    return locked;
}

static int64_t metadata_number(const safetensors *file, const char *key)
{
    int64_t x = 0;
    const char *text = safetensors_metadata(file, key);
    return text != NULL && number_parse_i64(text, &x) == NUMBER_OK ? x : 0;
}

/* What cannot be read is not known of; what there is no memory for cannot be said. */
static odeon_status unless_memory(odeon_status status)
{
    if (status != ODEON_ERR_NOMEM) {
        diag_clear();
        return ODEON_OK;
    }
    return status;
}

/* The header alone: how far the run is, not whether the tensors are sound. */
static odeon_status read_checkpoint(run_status *r, const char *path)
{
    safetensors *file;
    odeon_status status = safetensors_open(path, &file);
    if (status != ODEON_OK) {
        return unless_memory(status);
    }
    r->step = metadata_number(file, "step");
    r->total = metadata_number(file, "total");
    bool ended = r->total > 0 && r->step >= r->total && metadata_number(file, "tested") != 0;
    r->state = ended ? RUN_FINISHED : RUN_STOPPED;
    safetensors_destroy(file);
    return ODEON_OK;
}

static odeon_status read_newest(run_status *r, const char *folder)
{
    size_t n = 0;
    int64_t *steps = NULL;
    odeon_status status = checkpoint_list_steps(folder, &n, &steps);
    if (status != ODEON_OK || n == 0) {
        return unless_memory(status);
    }
    char *path = checkpoint_list_path(folder, steps[0]);
    status = path != NULL ? read_checkpoint(r, path) : no_memory(r->path);
    mem_free(path);
    mem_free(steps);
    return status;
}

static odeon_status read_state(run_status *r)
{
    char *folder = checkpoint_list_folder(r->path);
    if (folder == NULL) {
        return no_memory(r->path);
    }
    r->state = RUN_BEGUN;
    odeon_status status = read_newest(r, folder);
    mem_free(folder);
    if (is_locked(r->path)) {
        r->state = RUN_RUNNING;
    } else if (r->state != RUN_FINISHED && path_holds(r->path, "failure")) {
        r->state = RUN_FAILED;
    }
    return status;
}

odeon_status run_status_state(const char *folder, run_state *out)
{
    char *path = mem_strdup(folder);
    run_status r = {.path = path};
    odeon_status status = path != NULL ? read_state(&r) : no_memory(folder);
    *out = r.state;
    mem_free(path);
    return status;
}

/* ---- the rest ---- */

static odeon_status read_manifest(run_status *r)
{
    char *text;
    size_t bytes = 0;
    json manifest = {0};
    ODEON_TRY(read_text(r, "manifest.json", &text, &bytes));
    odeon_status status =
        text != NULL ? json_parse("manifest.json", text, bytes, &manifest) : ODEON_OK;
    if (text != NULL && status == ODEON_OK) {
        const char *started = json_string(manifest.values, "started");
        r->started = started != NULL ? mem_strdup(started) : NULL;
        status = started == NULL || r->started != NULL ? ODEON_OK : no_memory(r->path);
    }
    json_fini(&manifest);
    mem_free(text);
    return unless_memory(status);
}

static odeon_status read_config(run_status *r)
{
    char *text;
    size_t bytes = 0;
    ODEON_TRY(read_text(r, RUN_FOLDER_INI, &text, &bytes));
    if (text == NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "%s: no run: it has no " RUN_FOLDER_INI, r->path);
    }
    odeon_status status = ini_file_parse(r->path, text, bytes, &r->config);
    mem_free(text);
    ODEON_TRY(status);
    const char *name = run_status_key(r, "run", "name");
    r->name = mem_strdup(name != NULL ? name : "");
    return r->name != NULL ? ODEON_OK : no_memory(r->path);
}

odeon_status run_status_read(const char *folder, run_status *out)
{
    *out = (run_status){.path = mem_strdup(folder), .seconds = (double)NAN};
    if (out->path == NULL) {
        return no_memory(folder);
    }
    ODEON_TRY(read_config(out));
    ODEON_TRY(read_manifest(out));
    ODEON_TRY(read_state(out));
    return read_metrics(out);
}

void run_status_fini(run_status *r)
{
    for (size_t i = 0; i < r->n_figures; i++) {
        mem_free(r->figures[i].name);
    }
    mem_free(r->figures);
    mem_free(r->path);
    mem_free(r->name);
    mem_free(r->started);
    ini_file_destroy(r->config);
    *r = (run_status){.path = NULL};
}

/* ---- answers ---- */

double run_status_figure(const run_status *r, const char *name)
{
    for (size_t i = 0; i < r->n_figures; i++) {
        if (strcmp(r->figures[i].name, name) == 0) {
            return r->figures[i].value;
        }
    }
    return (double)NAN;
}

double run_status_score(const run_status *r)
{
    double accuracy = run_status_figure(r, "accuracy");
    return !isnan(accuracy) ? accuracy : -run_status_figure(r, "test_loss");
}

const char *run_status_key(const run_status *r, const char *section, const char *name)
{
    for (size_t i = 0; i < r->config->n_sections; i++) {
        const ini_section *s = &r->config->sections[i];
        for (size_t k = 0; k < s->n_keys && strcmp(s->name, section) == 0; k++) {
            if (strcmp(s->keys[k].name, name) == 0) {
                return s->keys[k].value;
            }
        }
    }
    return NULL;
}

void run_status_json(const run_status *r, const char *state, const char *error, text_buffer *out)
{
    text_add(out, "{\"run\": ");
    text_json_string(out, r->path);
    text_add(out, ", \"name\": ");
    text_json_string(out, r->name);
    text_add(out, ", \"state\": ");
    text_json_string(out, state != NULL ? state : run_state_text(r->state));
    text_printf(out, ", \"step\": %lld, \"steps\": %lld, \"seconds\": ", (long long)r->step,
                (long long)r->total);
    text_json_number(out, r->seconds);
    for (size_t i = 0; i < r->n_figures; i++) {
        text_add(out, ", ");
        text_json_string(out, r->figures[i].name);
        text_add(out, ": ");
        text_json_number(out, r->figures[i].value);
    }
    if (error != NULL) {
        text_add(out, ", \"error\": ");
        text_json_string(out, error);
    }
    text_add(out, "}\n");
}
