#include "run/run_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/run_folder.h"
#include "odeon/host.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "list of runs: no memory");
}

void run_list_fini(run_list *x)
{
    for (size_t i = 0; i < x->n; i++) {
        run_status_fini(&x->list[i]);
    }
    mem_free(x->list);
    *x = (run_list){.n = 0};
}

/* ---- finding ---- */

static odeon_status add_run(const char *path, run_list *out)
{
    run_status *list = mem_reserve(out->list, &out->room, out->n + 1, 16, sizeof *list);
    if (list == NULL) {
        return no_memory();
    }
    out->list = list;
    odeon_status status = run_status_read(path, &list[out->n]);
    if (status == ODEON_OK) {
        out->n++;
        return ODEON_OK;
    }
    run_status_fini(&list[out->n]);
    if (status == ODEON_ERR_NOMEM) {
        return status;
    }
    diag_reason reason = diag_take();
    diag_log(ODEON_LOG_WARNING, "left out: %s", reason.text);
    return ODEON_OK;
}

static odeon_status search(const char *folder, int depth, run_list *out);

/* An entry that is no folder, or a link to one, is none of ours. */
static odeon_status look_at(const char *path, int depth, run_list *out)
{
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return ODEON_OK;
    }
    if (run_folder_is_run(path)) {
        return add_run(path, out);
    }
    return depth > 0 ? search(path, depth - 1, out) : ODEON_OK;
}

/* What cannot be opened further down holds no run for us. */
static odeon_status search(const char *folder, int depth, run_list *out)
{
    DIR *d = opendir(folder);
    odeon_status status = ODEON_OK;
    const struct dirent *entry;
    while (d != NULL && status == ODEON_OK && (entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char *path = mem_printf("%s/%s", folder, entry->d_name);
        status = path != NULL ? look_at(path, depth, out) : no_memory();
        mem_free(path);
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return status;
}

/* Times are written so that their texts sort like them; one that is not known comes first. */
static int by_start(const void *a, const void *b)
{
    const run_status *x = a, *y = b;
    int order = strcmp(x->started != NULL ? x->started : "", y->started != NULL ? y->started : "");
    return order != 0 ? order : strcmp(x->path, y->path);
}

odeon_status run_list_find(const char *folder, run_list *out)
{
    struct stat info;
    size_t length = strlen(folder);
    *out = (run_list){.n = 0};
    if (stat(folder, &info) != 0) {
        return diag_fail(ODEON_ERR_IO, "%s: %s", folder, strerror(errno));
    }
    if (!S_ISDIR(info.st_mode)) {
        return diag_fail(ODEON_ERR_IO, "%s: no folder", folder);
    }
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    char *path = mem_printf("%.*s", (int)length, folder);
    odeon_status status = path == NULL              ? no_memory()
                          : run_folder_is_run(path) ? add_run(path, out)
                                                    : search(path, RUN_LIST_DEPTH, out);
    mem_free(path);
    if (out->n > 1) {
        qsort(out->list, out->n, sizeof *out->list, by_start);
    }
    return status;
}

/* ---- differences ---- */

static bool is_its_own(const char *section, const char *name)
{
    return strcmp(section, "run") == 0 && (strcmp(name, "out") == 0 || strcmp(name, "name") == 0);
}

static int by_name(const void *a, const void *b)
{
    const run_status *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* The runs by name, so that those of one name stand together; the caller frees the list. */
static const run_status **sort_by_name(const run_list *x)
{
    const run_status **sorted = mem_zalloc(x->n + 1, sizeof *sorted);
    for (size_t i = 0; sorted != NULL && i < x->n; i++) {
        sorted[i] = &x->list[i];
    }
    if (sorted != NULL && x->n > 1) {
        qsort(sorted, x->n, sizeof *sorted, by_name);
    }
    return sorted;
}

static size_t count_of_name(const run_status *const *sorted, size_t n)
{
    size_t same = 1;
    while (same < n && strcmp(sorted[same]->name, sorted[0]->name) == 0) {
        same++;
    }
    return same;
}

/* The keys of the first of some runs, with what all of them have. A key is the same in all of them
 * or differs in each that has it, so that one comparison with the first is enough. */
typedef struct shared_keys {
    const ini_file *first;
    bool *same; /* key by key, in the order of the file */
} shared_keys;

static size_t count_keys(const ini_file *file)
{
    size_t n = 0;
    for (size_t i = 0; i < file->n_sections; i++) {
        n += file->sections[i].n_keys;
    }
    return n;
}

/* The number of a key in a file; SIZE_MAX: it has none such. */
static size_t key_number(const ini_file *file, const char *section, const char *name)
{
    size_t before = 0;
    for (size_t i = 0; i < file->n_sections; i++) {
        const ini_section *s = &file->sections[i];
        for (size_t k = 0; k < s->n_keys && strcmp(s->name, section) == 0; k++) {
            if (strcmp(s->keys[k].name, name) == 0) {
                return before + k;
            }
        }
        before += s->n_keys;
    }
    return SIZE_MAX;
}

/* Keys of the first that r has otherwise, or not at all, are not those of all. */
static void compare_keys(shared_keys *x, const run_status *r)
{
    size_t n = 0;
    for (size_t i = 0; i < x->first->n_sections; i++) {
        const ini_section *s = &x->first->sections[i];
        for (size_t k = 0; k < s->n_keys; k++) {
            const char *value = run_status_key(r, s->name, s->keys[k].name);
            x->same[n++] &= value != NULL && strcmp(value, s->keys[k].value) == 0;
        }
    }
}

static odeon_status find_shared(const run_status *const *runs, size_t n, shared_keys *out)
{
    size_t keys = count_keys(runs[0]->config);
    *out = (shared_keys){.first = runs[0]->config, .same = mem_zalloc(keys + 1, sizeof *out->same)};
    if (out->same == NULL) {
        return no_memory();
    }
    memset(out->same, true, keys);
    for (size_t i = 1; i < n; i++) {
        compare_keys(out, runs[i]);
    }
    return ODEON_OK;
}

static bool differs(const shared_keys *x, const char *section, const char *name)
{
    size_t number = key_number(x->first, section, name);
    return number == SIZE_MAX || !x->same[number];
}

static void add_differences(const shared_keys *x, const run_status *r, text_buffer *out)
{
    for (size_t i = 0; i < r->config->n_sections; i++) {
        const ini_section *s = &r->config->sections[i];
        for (size_t k = 0; k < s->n_keys; k++) {
            if (!is_its_own(s->name, s->keys[k].name) && differs(x, s->name, s->keys[k].name)) {
                text_printf(out, "%s%s.%s=%s", out->length > 0 ? " " : "", s->name, s->keys[k].name,
                            s->keys[k].value);
            }
        }
    }
}

/* Of n runs of one name; what is theirs of texts, which stand in the order of the list. */
static odeon_status describe_name(const run_list *x, const run_status *const *runs, size_t n,
                                  text_buffer *texts)
{
    shared_keys shared;
    ODEON_TRY(find_shared(runs, n, &shared));
    bool failed = false;
    for (size_t i = 0; i < n; i++) {
        text_buffer *mine = &texts[runs[i] - x->list];
        add_differences(&shared, runs[i], mine);
        failed |= mine->failed;
    }
    mem_free(shared.same);
    return failed ? no_memory() : ODEON_OK;
}

/* texts: [x->n], empty. */
static odeon_status describe_all(const run_list *x, text_buffer *texts)
{
    const run_status **sorted = sort_by_name(x);
    odeon_status status = sorted != NULL ? ODEON_OK : no_memory();
    for (size_t i = 0; status == ODEON_OK && i < x->n;) {
        size_t n = count_of_name(sorted + i, x->n - i);
        status = describe_name(x, sorted + i, n, texts);
        i += n;
    }
    mem_free(sorted);
    return status;
}

/* ---- the table ---- */

/* "2026-11-30T10:50:52Z" as people write it. */
static void add_start(const run_status *r, table *t)
{
    char text[17] = "-";
    if (r->started != NULL) {
        (void)snprintf(text, sizeof text, "%s", r->started);
        char *letter = strchr(text, 'T');
        if (letter != NULL) {
            *letter = ' ';
        }
    }
    table_add_word(t, text);
}

/* Only what runs of any model have; figures with names of their own are in the JSON line. */
static const char *const figures[] = {"test_loss", "accuracy", "evals_forward", "evals_backward"};
enum { N_FIGURES = sizeof figures / sizeof *figures };

static void add_row(const run_status *r, const text_buffer *differences, table *t)
{
    table_add_word(t, r->name);
    add_start(r, t);
    table_add_word(t, run_state_text(r->state));
    table_add_number(t, (double)r->step, "%.0f");
    table_add_number(t, (double)r->total, "%.0f");
    for (size_t i = 0; i < N_FIGURES; i++) {
        table_add_number(t, run_status_figure(r, figures[i]), i < 2 ? "%.4f" : "%.0f");
    }
    table_add_number(t, r->seconds, "%.1f");
    table_add_word(t, r->path);
    table_add_word(t, differences->data != NULL ? differences->data : "");
}

static void add_columns(table *out)
{
    static const char *const before[] = {"name", "started", "state", "step", "steps"};
    static const char *const behind[] = {"seconds", "folder", "differs"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        table_column_add(out, before[i], false);
    }
    for (size_t i = 0; i < N_FIGURES; i++) {
        table_column_add(out, figures[i], false);
    }
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        table_column_add(out, behind[i], false);
    }
}

odeon_status run_list_table(const run_list *x, table *out)
{
    text_buffer *texts = mem_zalloc(x->n + 1, sizeof *texts);
    odeon_status status = texts != NULL ? describe_all(x, texts) : no_memory();
    add_columns(out);
    for (size_t i = 0; status == ODEON_OK && i < x->n; i++) {
        add_row(&x->list[i], &texts[i], out);
    }
    for (size_t i = 0; texts != NULL && i < x->n; i++) {
        text_fini(&texts[i]);
    }
    mem_free(texts);
    return status;
}
