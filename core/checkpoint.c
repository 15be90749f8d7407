#include "checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "atomic_file.h"
#include "checkpoint_list.h"
#include "checksum.h"
#include "diag.h"
#include "mem.h"
#include "number.h"

static const char format[] = "odeon checkpoint", version[] = "1";

/* ---- metadata ---- */

typedef struct field {
    const char *key;
    size_t offset;
} field;

static const field whole[] = {
    {"step", offsetof(checkpoint, step)},
    {"epoch", offsetof(checkpoint, epoch)},
    {"position", offsetof(checkpoint, position)},
    {"tested", offsetof(checkpoint, tested)},
    {"failed", offsetof(checkpoint, failed)},
    {"best_step", offsetof(checkpoint, best_step)},
    {"best_epoch", offsetof(checkpoint, best_epoch)},
    {"metrics_csv_bytes", offsetof(checkpoint, metrics.csv_bytes)},
    {"metrics_jsonl_bytes", offsetof(checkpoint, metrics.json_bytes)},
    {"samples", offsetof(checkpoint, samples)},
    {"seed", offsetof(checkpoint, seed)},
    {"dtype", offsetof(checkpoint, dtype)},
    {"workers", offsetof(checkpoint, workers)},
};
static const field real[] = {
    {"best", offsetof(checkpoint, best)},
    {"seconds", offsetof(checkpoint, seconds)},
};
enum {
    N_WHOLE = sizeof whole / sizeof *whole,
    N_REAL = sizeof real / sizeof *real,
    N_META = 2 + N_WHOLE + N_REAL, /* the checksum comes last and is not counted */
};

typedef struct meta_list {
    safetensors_meta list[N_META + 1];
    char values[N_META][NUMBER_TEXT_BYTES];
    char checksum[CHECKSUM_TEXT_BYTES];
} meta_list;

static int64_t *whole_at(checkpoint *c, size_t i)
{
    return (int64_t *)(void *)((char *)c + whole[i].offset);
}

static double *real_at(checkpoint *c, size_t i)
{
    return (double *)(void *)((char *)c + real[i].offset);
}

static void make_meta(const checkpoint *from, meta_list *m)
{
    checkpoint c = *from;
    size_t n = 0;
    if (c.best_step == 0) {
        c.best = 0.0; /* infinity is no number of ours */
    }
    m->list[n++] = (safetensors_meta){"format", format};
    m->list[n++] = (safetensors_meta){"version", version};
    for (size_t i = 0; i < N_WHOLE; i++, n++) {
        (void)snprintf(m->values[n], sizeof m->values[n], "%" PRId64, *whole_at(&c, i));
        m->list[n] = (safetensors_meta){whole[i].key, m->values[n]};
    }
    for (size_t i = 0; i < N_REAL; i++, n++) {
        number_print_f64(*real_at(&c, i), m->values[n]);
        m->list[n] = (safetensors_meta){real[i].key, m->values[n]};
    }
    m->list[n] = (safetensors_meta){"checksum", m->checksum};
}

static uint64_t sum_of_meta(const safetensors_meta *list)
{
    uint64_t sum = CHECKSUM_START;
    for (size_t i = 0; i < N_META; i++) {
        sum = checksum_add(sum, list[i].key, strlen(list[i].key) + 1);
        sum = checksum_add(sum, list[i].value, strlen(list[i].value) + 1);
    }
    return sum;
}

static uint64_t sum_of_tensor(const safetensors_entry *entry)
{
    uint64_t sum = checksum_add(CHECKSUM_START, entry->name, strlen(entry->name) + 1);
    return checksum_add(sum, entry->data, entry->bytes);
}

/* ---- writing ---- */

static odeon_status write_snapshot(const char *path, const session_snapshot *x, const checkpoint *c)
{
    meta_list meta;
    make_meta(c, &meta);
    uint64_t sum = sum_of_meta(meta.list);
    for (size_t i = 0; i < x->n; i++) {
        sum += sum_of_tensor(&x->entries[i]);
    }
    checksum_print(sum, meta.checksum);
    return safetensors_write(path, x->n, x->entries, N_META + 1, meta.list);
}

static odeon_status make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0) {
        return atomic_file_sync_folder_of(path);
    }
    return errno == EEXIST
               ? ODEON_OK
               : diag_fail(ODEON_ERR_IO, "%s: cannot create the folder: %s", path, strerror(errno));
}

static odeon_status write_into(const char *folder, const session_snapshot *x, const checkpoint *c)
{
    ODEON_TRY(make_folder(folder));
    char *path = checkpoint_list_path(folder, c->step);
    if (path == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for a checkpoint", folder);
    }
    odeon_status status = write_snapshot(path, x, c);
    mem_free(path);
    return status;
}

odeon_status checkpoint_write_snapshot(const char *folder, const session_snapshot *x,
                                       const checkpoint *c)
{
    enum { KEEP = 2 };
    char *checkpoints = checkpoint_list_folder(folder);
    if (checkpoints == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for a checkpoint", folder);
    }
    odeon_status status = write_into(checkpoints, x, c);
    if (status == ODEON_OK) {
        checkpoint_list_prune(checkpoints, c->step, KEEP);
    }
    mem_free(checkpoints);
    return status;
}

odeon_status checkpoint_write(const char *folder, session *s, const checkpoint *c)
{
    session_snapshot x;
    odeon_status status = session_snapshot_take(s, true, &x);
    if (status == ODEON_OK) {
        status = checkpoint_write_snapshot(folder, &x, c);
    }
    session_snapshot_fini(&x);
    return status;
}

char *checkpoint_path(const char *folder, int64_t step)
{
    char *checkpoints = checkpoint_list_folder(folder);
    char *path = checkpoints != NULL ? checkpoint_list_path(checkpoints, step) : NULL;
    mem_free(checkpoints);
    return path;
}

/* ---- reading ---- */

static odeon_status damaged(const char *path, const char *what)
{
    return diag_fail(ODEON_ERR_DATA, "%s: %s", path, what);
}

/* The metadata as the file has it, in our order. */
static odeon_status collect_meta(const checkpoint_file *file, meta_list *m)
{
    make_meta(&file->at, m); /* for the keys */
    for (size_t i = 0; i <= N_META; i++) {
        m->list[i].value = safetensors_metadata(file->tensors, m->list[i].key);
        if (m->list[i].value == NULL) {
            return diag_fail(ODEON_ERR_DATA, "%s: no checkpoint: its metadata have no '%s'",
                             file->path, m->list[i].key);
        }
    }
    return ODEON_OK;
}

static odeon_status check_sum(const checkpoint_file *file, const meta_list *m)
{
    uint64_t sum = sum_of_meta(m->list);
    char text[CHECKSUM_TEXT_BYTES];
    for (size_t i = 0; i < safetensors_count(file->tensors); i++) {
        sum += sum_of_tensor(safetensors_at(file->tensors, i));
    }
    checksum_print(sum, text);
    return strcmp(text, m->list[N_META].value) == 0
               ? ODEON_OK
               : damaged(file->path, "damaged: its checksum is another");
}

static odeon_status parse_meta(checkpoint_file *file, const meta_list *m)
{
    checkpoint *c = &file->at;
    const safetensors_meta *next = &m->list[2];
    bool sound = true;
    for (size_t i = 0; i < N_WHOLE; i++, next++) {
        sound = sound && number_parse_i64(next->value, whole_at(c, i)) == NUMBER_OK &&
                *whole_at(c, i) >= 0;
    }
    for (size_t i = 0; i < N_REAL; i++, next++) {
        sound = sound && number_parse_f64(next->value, real_at(c, i)) == NUMBER_OK;
    }
    if (!sound || c->epoch < 1 || c->position > c->samples || c->best_step > c->step) {
        return damaged(file->path, "no checkpoint: a number in its metadata cannot be");
    }
    if (c->best_step == 0) {
        c->best = -(double)INFINITY;
    }
    return ODEON_OK;
}

static odeon_status read_checkpoint(checkpoint_file *file)
{
    meta_list meta;
    ODEON_TRY(safetensors_read(file->path, &file->tensors));
    ODEON_TRY(collect_meta(file, &meta));
    if (strcmp(meta.list[0].value, format) != 0) {
        return damaged(file->path, "no checkpoint: its format is another");
    }
    if (strcmp(meta.list[1].value, version) != 0) {
        return damaged(file->path, "a checkpoint of another version of Odeon");
    }
    ODEON_TRY(check_sum(file, &meta));
    return parse_meta(file, &meta);
}

odeon_status checkpoint_open(const char *path, checkpoint_file **out)
{
    checkpoint_file *file = *out = mem_zalloc(1, sizeof *file);
    if (file != NULL) {
        file->path = mem_strdup(path);
    }
    odeon_status status = file != NULL && file->path != NULL
                              ? read_checkpoint(file)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read it", path);
    if (status != ODEON_OK) {
        checkpoint_close(file);
        *out = NULL;
    }
    return status;
}

void checkpoint_close(checkpoint_file *file)
{
    if (file != NULL) {
        safetensors_destroy(file->tensors);
        mem_free(file->path);
        mem_free(file);
    }
}

/* ---- the newest ---- */

static odeon_status try_step(const char *folder, int64_t step, checkpoint_file **out)
{
    char *path = checkpoint_list_path(folder, step);
    if (path == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read it", folder);
    }
    odeon_status status = checkpoint_open(path, out);
    if (status == ODEON_OK && (*out)->at.step != step) {
        status = damaged(path, "a checkpoint of another step than its name says");
        checkpoint_close(*out);
        *out = NULL;
    }
    mem_free(path);
    if (status == ODEON_ERR_DATA || status == ODEON_ERR_IO) {
        diag_log(ODEON_LOG_WARNING, "%s; skipped", diag_message());
        diag_clear();
        status = ODEON_OK;
    }
    return status;
}

odeon_status checkpoint_open_newest(const char *folder, checkpoint_file **out)
{
    int64_t *steps = NULL;
    size_t n = 0;
    *out = NULL;
    char *checkpoints = checkpoint_list_folder(folder);
    odeon_status status = checkpoints != NULL
                              ? checkpoint_list_steps(checkpoints, &n, &steps)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read it", folder);
    for (size_t i = 0; i < n && status == ODEON_OK && *out == NULL; i++) {
        status = try_step(checkpoints, steps[i], out);
    }
    mem_free(steps);
    mem_free(checkpoints);
    return status;
}
