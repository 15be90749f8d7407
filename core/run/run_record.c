#include "run/run_record.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/path.h"
#include "base/read_file.h"
#include "format/ini_file.h"
#include "format/json.h"
#include "format/run_folder.h"
#include "format/safetensors.h"
#include "run/failure_bundle.h"
#include "run/run_status.h"
#include "run/run_table.h"

#define FAILURE "failure"

/* Keys are owned; values point into what was read. */
typedef struct pair_list {
    size_t n;
    odeon_view_pair *pairs;
    char **keys;
} pair_list;

/* Invariant: view is first, so that its address is the record's. */
typedef struct run_record {
    odeon_view_run view;
    char *folder, *message; /* of a table its name */
    ini_file *ini;
    json manifest;
    pair_list config, values;
    size_t n_tables;
    odeon_view_table **tables;
} run_record;

static odeon_status no_memory(const char *folder)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read it", folder);
}

/* ---- pairs ---- */

static void pairs_fini(pair_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        mem_free(l->keys[i]);
    }
    mem_free(l->keys);
    mem_free(l->pairs);
}

/* Takes key, which may be NULL for want of memory. */
static odeon_status add_pair(pair_list *l, char *key, const char *value)
{
    odeon_view_pair *pairs = key != NULL ? mem_grow(l->pairs, l->n, sizeof *pairs) : NULL;
    l->pairs = pairs != NULL ? pairs : l->pairs;
    char **keys = pairs != NULL ? mem_grow(l->keys, l->n, sizeof *keys) : NULL;
    l->keys = keys != NULL ? keys : l->keys;
    if (keys == NULL) {
        mem_free(key);
        return no_memory("run");
    }
    l->keys[l->n] = key;
    l->pairs[l->n++] = (odeon_view_pair){.key = key, .value = value};
    return ODEON_OK;
}

/* Is there a regular file? */
static bool has_file(const char *path)
{
    struct stat s;
    return path != NULL && stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

static odeon_status read_config(run_record *x)
{
    char *path = mem_printf("%s/" RUN_FOLDER_INI, x->folder);
    size_t budget = INI_FILE_MAX_BYTES;
    odeon_status status = path != NULL ? ODEON_OK : no_memory(x->folder);
    if (status == ODEON_OK && !has_file(path)) {
        status = diag_fail(ODEON_ERR_IO, "%s: no run: it has no " RUN_FOLDER_INI, x->folder);
    }
    if (status == ODEON_OK) {
        status = ini_file_read(path, path, &budget, &x->ini);
    }
    mem_free(path);
    ODEON_TRY(status);
    for (size_t i = 0; i < x->ini->n_sections; i++) {
        const ini_section *s = &x->ini->sections[i];
        for (size_t k = 0; k < s->n_keys; k++) {
            char *key = mem_printf("%s.%s", s->name, s->keys[k].name);
            ODEON_TRY(add_pair(&x->config, key, s->keys[k].value));
        }
    }
    return ODEON_OK;
}

const char *run_record_config(const odeon_view_run *run, const char *key)
{
    for (int64_t i = 0; i < run->n_config; i++) {
        if (strcmp(run->config[i].key, key) == 0) {
            return run->config[i].value;
        }
    }
    return NULL;
}

/* ---- the manifest ---- */

/* Of values within values the leaves: "machine.processor", "resumed.0.step". Depth is bounded by
 * json_parse. Takes path. */
static odeon_status flatten(run_record *x, const json_value *v, char *path)
{
    if (v->kind != JSON_ARRAY && v->kind != JSON_OBJECT) {
        const char *text = v->kind == JSON_NULL   ? ""
                           : v->kind == JSON_BOOL ? (v->truth ? "true" : "false")
                                                  : v->text;
        return add_pair(&x->values, path, text);
    }
    odeon_status status = path != NULL ? ODEON_OK : no_memory(x->folder);
    size_t i = 0;
    for (const json_value *c = json_first(v); c != NULL && status == ODEON_OK;
         c = json_next(v, c)) {
        const char *dot = path[0] != '\0' ? "." : "";
        status = flatten(x, c,
                         v->kind == JSON_OBJECT ? mem_printf("%s%s%s", path, dot, c->name)
                                                : mem_printf("%s%s%zu", path, dot, i));
        i++;
    }
    mem_free(path);
    return status;
}

static odeon_status read_manifest(run_record *x)
{
    char *path = mem_printf("%s/manifest.json", x->folder), *text = NULL;
    size_t bytes = 0;
    odeon_status status = path != NULL ? ODEON_OK : no_memory(x->folder);
    if (status == ODEON_OK && has_file(path)) {
        status = read_file(path, &text, &bytes);
        if (status == ODEON_OK) {
            status = json_parse(path, text, bytes, &x->manifest);
        }
        if (status == ODEON_OK) {
            status = flatten(x, x->manifest.values, mem_strdup(""));
        }
    }
    mem_free(text);
    mem_free(path);
    return status;
}

/* ---- tables ---- */

/* The file folder/name.csv, if it is there. */
static odeon_status add_table(run_record *x, const char *name)
{
    char *path = mem_printf("%s/%s.csv", x->folder, name);
    odeon_status status = path != NULL ? ODEON_OK : no_memory(x->folder);
    if (status == ODEON_OK && has_file(path)) {
        odeon_view_table **tables = mem_grow(x->tables, x->n_tables, sizeof(odeon_view_table *));
        x->tables = tables != NULL ? tables : x->tables;
        status = tables != NULL ? run_table_read(path, name, &tables[x->n_tables])
                                : no_memory(x->folder);
        x->n_tables += status == ODEON_OK;
    }
    mem_free(path);
    return status;
}

/* An entry of the failure's folder: steps-BLOCK.csv is a table. */
static odeon_status add_steps(run_record *x, const char *entry)
{
    static const char begin[] = "steps-", end[] = ".csv";
    size_t n = strlen(entry);
    if (strncmp(entry, begin, sizeof begin - 1) != 0 || !path_ends_with(entry, end)) {
        return ODEON_OK;
    }
    char *name = mem_printf(FAILURE "/%.*s", (int)(n - strlen(end)), entry);
    odeon_status status = name != NULL ? add_table(x, name) : no_memory(x->folder);
    mem_free(name);
    return status;
}

static odeon_status read_failure_steps(run_record *x)
{
    char *path = mem_printf("%s/" FAILURE, x->folder);
    DIR *folder = path != NULL ? opendir(path) : NULL;
    odeon_status status = path != NULL ? ODEON_OK : no_memory(x->folder);
    mem_free(path);
    for (struct dirent *e = NULL;
         folder != NULL && status == ODEON_OK && (e = readdir(folder)) != NULL;) {
        status = add_steps(x, e->d_name);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return status;
}

/* ---- how it ended ---- */

/* Of the last row of training; 0: none. */
static double last_step(const run_record *x)
{
    const odeon_view_table *t = x->n_tables > 0 ? x->tables[0] : NULL;
    for (int64_t i = 0; t != NULL && strcmp(t->name, "metrics") == 0 && i < t->n_columns; i++) {
        if (strcmp(t->column[i].name, "step") == 0 && t->n_rows > 0) {
            return t->column[i].value[t->n_rows - 1];
        }
    }
    return 0;
}

/* A bundle may be that of an earlier try, from which the run then went on: it is where the run
 * ended if its step has no row. */
static odeon_status read_failed_last(const run_record *x, const char *batch, bool *failed)
{
    safetensors *file = NULL;
    int64_t step = 0;
    odeon_status status = safetensors_open(batch, &file);
    *failed = true;
    if (status == ODEON_ERR_NOMEM) {
        return status;
    }
    if (status != ODEON_OK) { /* a bundle that cannot be read still says that there was a failure */
        diag_clear();
        return ODEON_OK;
    }
    const char *text = safetensors_metadata(file, "step");
    if (text != NULL && number_parse_i64(text, &step) == NUMBER_OK) {
        *failed = (double)step > last_step(x);
    }
    safetensors_destroy(file);
    return ODEON_OK;
}

static odeon_status read_message(run_record *x, const char *path)
{
    size_t bytes;
    x->view.state = ODEON_VIEW_FAILED;
    ODEON_TRY(has_file(path) ? read_file(path, &x->message, &bytes) : ODEON_OK);
    x->view.message = x->message != NULL ? x->message : "";
    return read_failure_steps(x);
}

static odeon_status read_failure(run_record *x)
{
    char *batch = mem_printf("%s/" FAILURE "/" BUNDLE_BATCH, x->folder);
    char *message = mem_printf("%s/" FAILURE "/message.txt", x->folder);
    bool failed = false;
    odeon_status status = batch != NULL && message != NULL ? ODEON_OK : no_memory(x->folder);
    if (status == ODEON_OK && has_file(batch)) {
        status = read_failed_last(x, batch, &failed);
    }
    if (status == ODEON_OK && failed) {
        status = read_message(x, message);
    }
    mem_free(batch);
    mem_free(message);
    return status;
}

/* Weights are there from the first checkpoint on, so that they do not say how a run ended. */
static odeon_status read_end(run_record *x)
{
    run_state state;
    ODEON_TRY(run_status_state(x->folder, &state));
    x->view.state = state == RUN_FINISHED ? ODEON_VIEW_ENDED : ODEON_VIEW_OPEN;
    return state == RUN_FINISHED ? ODEON_OK : read_failure(x);
}

/* Numbers of all tensors, as the header says. */
static odeon_status count_weights(run_record *x)
{
    char *path = mem_printf("%s/" RUN_FOLDER_WEIGHTS, x->folder);
    safetensors *file = NULL;
    odeon_status status = path != NULL ? ODEON_OK : no_memory(x->folder);
    if (status == ODEON_OK && has_file(path)) {
        status = safetensors_open(path, &file);
    }
    for (size_t i = 0; status == ODEON_OK && file != NULL && i < safetensors_count(file); i++) {
        x->view.parameters += safetensors_elements(safetensors_at(file, i));
    }
    safetensors_destroy(file);
    mem_free(path);
    return status;
}

/* ---- the whole ---- */

static odeon_status fill(run_record *x, const char *folder)
{
    x->folder = mem_strdup(folder);
    if (x->folder == NULL) {
        return no_memory(folder);
    }
    ODEON_TRY(read_config(x));
    ODEON_TRY(read_manifest(x));
    ODEON_TRY(add_table(x, "metrics"));
    ODEON_TRY(add_table(x, "times"));
    ODEON_TRY(count_weights(x));
    ODEON_TRY(read_end(x));
    odeon_view_run *v = &x->view;
    v->struct_size = sizeof *v;
    v->folder = x->folder;
    v->n_config = (int64_t)x->config.n;
    v->config = x->config.pairs;
    v->n_manifest = (int64_t)x->values.n;
    v->manifest = x->values.pairs;
    v->n_tables = (int64_t)x->n_tables;
    v->table = (const odeon_view_table *const *)x->tables;
    const char *name = run_record_config(v, "run.name");
    v->name = name != NULL ? name : x->folder;
    return ODEON_OK;
}

typedef odeon_status (*filler)(run_record *x, const char *path);

static odeon_status read_by(filler fill_in, const char *path, odeon_view_run **out)
{
    run_record *x = mem_zalloc(1, sizeof *x);
    *out = NULL;
    odeon_status status = x != NULL ? fill_in(x, path) : no_memory(path);
    if (status != ODEON_OK) {
        run_record_destroy(x != NULL ? &x->view : NULL);
        return status;
    }
    *out = &x->view;
    return ODEON_OK;
}

odeon_status run_record_read(const char *folder, odeon_view_run **out)
{
    return read_by(fill, folder, out);
}

/* Its name is the file's, without folder and ending. */
static odeon_status fill_table(run_record *x, const char *file)
{
    const char *slash = strrchr(file, '/'), *base = slash != NULL ? slash + 1 : file;
    x->folder = mem_strdup(file);
    x->message = mem_printf("%.*s", (int)(strlen(base) - strlen(".csv")), base);
    x->tables = mem_grow(NULL, 0, sizeof(odeon_view_table *));
    if (x->folder == NULL || x->message == NULL || x->tables == NULL) {
        return no_memory(file);
    }
    ODEON_TRY(run_table_read(file, "table", &x->tables[0]));
    x->n_tables = 1;
    x->view = (odeon_view_run){.struct_size = sizeof x->view,
                               .state = ODEON_VIEW_ENDED,
                               .folder = x->folder,
                               .name = x->message,
                               .n_tables = 1,
                               .table = (const odeon_view_table *const *)x->tables};
    return ODEON_OK;
}

odeon_status run_record_read_table(const char *file, odeon_view_run **out)
{
    return read_by(fill_table, file, out);
}

void run_record_destroy(odeon_view_run *run)
{
    run_record *x = (run_record *)run;
    if (x == NULL) {
        return;
    }
    for (size_t i = 0; i < x->n_tables; i++) {
        run_table_destroy(x->tables[i]);
    }
    mem_free(x->tables);
    pairs_fini(&x->config);
    pairs_fini(&x->values);
    json_fini(&x->manifest);
    ini_file_destroy(x->ini);
    mem_free(x->folder);
    mem_free(x->message);
    mem_free(x);
}
