#include "format/checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "base/batches.h"
#include "base/checksum.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "format/checkpoint_list.h"
#include "format/run_folder.h"
#include "format/safetensors_write.h"
#include "odeon/host.h"
#include "odeon/tensor.h"

/* version is raised whenever a field is added or means something else; a file of another version is
 * refused rather than read halfway. */
static const char format[] = "odeon checkpoint", version[] = "2";

static const char others_key[] = "metrics_others";

/* ---- metadata ---- */

/* A member of checkpoint and its key in the file. From these tables follow the order of the
 * metadata, its parsing and its checksum, so that a new field is added at one place. */
typedef struct field {
    const char *key;
    size_t offset;
} field;

static const field whole[] = {
    {"step", offsetof(checkpoint, step)},
    {"epoch", offsetof(checkpoint, epoch)},
    {"position", offsetof(checkpoint, position)},
    {"extra", offsetof(checkpoint, extra)},
    {"total", offsetof(checkpoint, total)},
    {"tested", offsetof(checkpoint, tested)},
    {"failed", offsetof(checkpoint, failed)},
    {"best_step", offsetof(checkpoint, best_step)},
    {"best_epoch", offsetof(checkpoint, best_epoch)},
    {"metrics_csv_bytes", offsetof(checkpoint, metrics.csv_bytes)},
    {"metrics_jsonl_bytes", offsetof(checkpoint, metrics.json_bytes)},
    {"samples", offsetof(checkpoint, samples)},
    {"batch", offsetof(checkpoint, batch)},
    {"drop_last", offsetof(checkpoint, drop_last)},
    {"workers", offsetof(checkpoint, workers)},
    {"train_data", offsetof(checkpoint, train_data)},
    {"test_data", offsetof(checkpoint, test_data)},
};
static const field real[] = {
    {"best", offsetof(checkpoint, best)},
    {"rate", offsetof(checkpoint, rate)},
    {"seconds", offsetof(checkpoint, seconds)},
};
enum {
    N_WHOLE = sizeof whole / sizeof *whole,
    N_REAL = sizeof real / sizeof *real,
    N_HEAD = 2,                             /* format and version */
    N_META = N_HEAD + N_WHOLE + N_REAL + 1, /* config; the checksum comes last, not counted */
};

/* Metadata in the order of the checksum: n entries that it covers, then the checksum itself. The
 * last two of the n are optional: files of rows other than the program's own, and what the data set
 * fitted.
 * Values of list point to values, to checksum and to the configuration, none of which is owned
 * here. */
typedef struct meta_list {
    size_t n;
    safetensors_meta list[N_META + 3];
    char values[N_META][NUMBER_TEXT_BYTES];
    char checksum[CHECKSUM_TEXT_BYTES];
} meta_list;

/* By offset, as the tables say. The cast by way of void * is sound: every offset is that of an
 * int64_t. */
static int64_t *whole_at(checkpoint *c, size_t i)
{
    return (int64_t *)(void *)((char *)c + whole[i].offset);
}

/* The same for double. */
static double *real_at(checkpoint *c, size_t i)
{
    return (double *)(void *)((char *)c + real[i].offset);
}

/* Both for writing and for reading, which needs the keys alone: there from is an empty checkpoint
 * and the values are replaced (collect_meta). */
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
    m->list[n++] = (safetensors_meta){"config", c.config};
    if (c.metrics.others != NULL) {
        m->list[n++] = (safetensors_meta){others_key, c.metrics.others};
    }
    if (c.fitted != NULL) {
        m->list[n++] = (safetensors_meta){FITTED_KEY, c.fitted};
    }
    m->n = n;
    m->list[n] = (safetensors_meta){"checksum", m->checksum};
}

/* Each text with its NUL, so that "ab" and "c" do not add up to the same as "a" and "bc". */
static uint64_t sum_of_meta(const meta_list *m)
{
    uint64_t sum = CHECKSUM_START;
    for (size_t i = 0; i < m->n; i++) {
        sum = checksum_add(sum, m->list[i].key, strlen(m->list[i].key) + 1);
        sum = checksum_add(sum, m->list[i].value, strlen(m->list[i].value) + 1);
    }
    return sum;
}

/* That of a tensor whose data comes from source, to which it has number index. Sums of tensors are
 * added up rather than chained, so that the order in which a file lists them does not matter. */
static odeon_status add_sum_of_tensor(const safetensors_entry *entry, size_t index,
                                      safetensors_source source, void *context, char *piece,
                                      uint64_t *sum)
{
    uint64_t own = checksum_add(CHECKSUM_START, entry->name, strlen(entry->name) + 1);
    for (uint64_t at = 0; at < entry->bytes;) {
        uint64_t left = entry->bytes - at;
        size_t now = left < SAFETENSORS_PIECE_BYTES ? (size_t)left : SAFETENSORS_PIECE_BYTES;
        ODEON_TRY(source(context, index, at, now, piece));
        own = checksum_add(own, piece, now);
        at += now;
    }
    *sum += own;
    return ODEON_OK;
}

static odeon_status no_memory(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for a checkpoint", path);
}

/* ---- writing ---- */

/* Over all tensors, through one piece of memory. */
static odeon_status sum_tensors(const char *path, const checkpoint_tensors *x, uint64_t *sum)
{
    char *piece = mem_alloc(SAFETENSORS_PIECE_BYTES);
    odeon_status status = piece != NULL ? ODEON_OK : no_memory(path);
    for (size_t i = 0; i < x->n && status == ODEON_OK; i++) {
        status = add_sum_of_tensor(&x->entries[i], i, x->source, x->context, piece, sum);
    }
    mem_free(piece);
    return status;
}

/* The sum comes before the data, which therefore is asked for twice: it has no room in memory. */
static odeon_status write_contents(const char *path, const checkpoint_tensors *x,
                                   const checkpoint *c)
{
    meta_list meta;
    make_meta(c, &meta);
    uint64_t sum = sum_of_meta(&meta);
    ODEON_TRY(sum_tensors(path, x, &sum));
    checksum_print(sum, meta.checksum);
    return safetensors_write_from(path, x->n, x->entries, meta.n + 1, meta.list, x->source,
                                  x->context);
}

/* The folder of a run is made without it, so the first checkpoint makes it. That it is there
 * already is the common case. */
static odeon_status make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0) {
        return atomic_file_sync_folder_of(path);
    }
    return errno == EEXIST
               ? ODEON_OK
               : diag_fail(ODEON_ERR_IO, "%s: cannot create the folder: %s", path, strerror(errno));
}

/* folder is that of the checkpoints. */
static odeon_status write_into(const char *folder, const checkpoint_tensors *x, const checkpoint *c)
{
    ODEON_TRY(make_folder(folder));
    char *path = checkpoint_list_path(folder, c->step);
    odeon_status status = path != NULL ? write_contents(path, x, c) : no_memory(folder);
    mem_free(path);
    return status;
}

/* Two are kept: if the newest was damaged by whatever killed the run, the one before it is left.
 * Older ones are removed only once the new one stands, and so is the mark. */
odeon_status checkpoint_write(const char *folder, const checkpoint_tensors *x, const checkpoint *c)
{
    enum { KEEP = 2 };
    char *checkpoints = checkpoint_list_folder(folder);
    if (checkpoints == NULL) {
        return no_memory(folder);
    }
    odeon_status status = write_into(checkpoints, x, c);
    if (status == ODEON_OK) {
        checkpoint_list_prune(checkpoints, c->step, KEEP);
        run_folder_unmark(folder);
    }
    mem_free(checkpoints);
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

/* The metadata as the file has it, in our order. Unknown keys are no failure; a missing one is. The
 * keys of m are kept, the values replaced by those of the file, which live as long as it. */
static odeon_status collect_meta(const checkpoint_file *file, size_t first, size_t end,
                                 meta_list *m)
{
    for (size_t i = first; i < end; i++) {
        m->list[i].value = safetensors_metadata(file->tensors, m->list[i].key);
        if (m->list[i].value == NULL) {
            return diag_fail(ODEON_ERR_DATA, "%s: no checkpoint: its metadata have no '%s'",
                             file->path, m->list[i].key);
        }
    }
    return ODEON_OK;
}

/* A safetensors_source of an open file: its entries are asked for by their number in the file. */
static odeon_status read_piece(void *file, size_t index, uint64_t offset, size_t bytes, void *out)
{
    return safetensors_get(file, safetensors_at(file, index), offset, bytes, out);
}

/* What sum_tensors does when writing, so both must walk over the data alike. */
static odeon_status sum_file(const checkpoint_file *file, uint64_t *sum)
{
    char *piece = mem_alloc(SAFETENSORS_PIECE_BYTES);
    odeon_status status = piece != NULL ? ODEON_OK : no_memory(file->path);
    for (size_t i = 0; i < safetensors_count(file->tensors) && status == ODEON_OK; i++) {
        status = add_sum_of_tensor(safetensors_at(file->tensors, i), i, read_piece, file->tensors,
                                   piece, sum);
    }
    mem_free(piece);
    return status;
}

/* Both as 16 digits, as the file has it. */
static odeon_status check_sum(const checkpoint_file *file, const meta_list *m)
{
    uint64_t sum = sum_of_meta(m);
    char text[CHECKSUM_TEXT_BYTES];
    ODEON_TRY(sum_file(file, &sum));
    checksum_print(sum, text);
    return strcmp(text, m->list[m->n].value) == 0
               ? ODEON_OK
               : damaged(file->path, "damaged: its checksum does not match");
}

/* A checksum finds accidents; a file that was made up, or written by a faulty program, has a right
 * one. So no number is taken that could not be: none so large that counting on from it overflows,
 * none that contradicts another. */
enum { MAX_WORKERS = 1024 };
static const int64_t most = INT64_C(1) << 53; /* more than any run counts up to */

static bool is_count(int64_t number, int64_t least)
{
    return number >= least && number <= most;
}

static bool is_flag(int64_t number)
{
    return number == 0 || number == 1;
}

/* Are step, epoch and position those of one moment? */
static bool is_moment(const checkpoint *c)
{
    int64_t steps = 0;
    batches b = {.samples = c->samples, .batch = c->batch, .drop_last = c->drop_last != 0};
    bool counts = is_count(c->samples, 1) && is_count(c->batch, 1) && is_flag(c->drop_last) &&
                  is_count(c->step, 0) && is_count(c->epoch, 1) && is_count(c->position, 0) &&
                  c->extra >= -most && c->extra <= most && batches_samples(&b) > 0;
    /* Where every batch had the size that it has now, a position is a multiple of it, or the end of
     * the epoch. */
    bool whole_batches =
        counts && (c->position % c->batch == 0 || c->position == batches_samples(&b));
    return counts && (whole_batches || c->extra != 0) &&
           batches_steps_until(&b, c->epoch, c->position, &steps) && steps <= most &&
           c->step - c->extra == steps;
}

/* Without a best step there is neither an epoch nor a score of it; the score that was written is 0
 * then. */
static bool is_best(const checkpoint *c)
{
    return is_count(c->best_step, 0) && c->best_step <= c->step && is_count(c->best_epoch, 0) &&
           c->best_epoch <= c->epoch && (c->best_step == 0) == (c->best_epoch == 0) &&
           isfinite(c->best);
}

/* All that a resumed run will compute with. */
static bool is_possible(const checkpoint *c)
{
    return is_moment(c) && is_best(c) && c->total >= 1 && is_flag(c->tested) &&
           is_count(c->failed, 0) && c->failed <= c->step && isfinite(c->rate) && c->rate >= 0.0 &&
           isfinite(c->seconds) && c->seconds >= 0.0 && c->metrics.csv_bytes >= 0 &&
           c->metrics.json_bytes >= 0 && c->workers >= 1 && c->workers <= MAX_WORKERS &&
           c->train_data >= 0 && c->test_data >= 0;
}

/* In the order of make_meta. The configuration is not copied: it points into the file, which stays
 * open. */
static odeon_status parse_meta(checkpoint_file *file, const meta_list *m)
{
    checkpoint *c = &file->at;
    const safetensors_meta *next = &m->list[N_HEAD];
    bool sound = true;
    for (size_t i = 0; i < N_WHOLE; i++, next++) {
        sound = sound && number_parse_i64(next->value, whole_at(c, i)) == NUMBER_OK;
    }
    for (size_t i = 0; i < N_REAL; i++, next++) {
        sound = sound && number_parse_f64(next->value, real_at(c, i)) == NUMBER_OK;
    }
    c->config = next->value;
    if (!sound || !is_possible(c)) {
        return damaged(file->path, "no checkpoint: a number in its metadata cannot be");
    }
    if (c->best_step == 0) {
        /* Written as 0 by make_meta. */
        c->best = -(double)INFINITY;
    }
    return ODEON_OK;
}

/* Format and version come first: of a file of another kind or version nothing else is worth a
 * message. */
static odeon_status read_checkpoint(checkpoint_file *file)
{
    meta_list meta;
    ODEON_TRY(safetensors_open(file->path, &file->tensors));
    file->at.metrics.others = safetensors_metadata(file->tensors, others_key);
    file->at.fitted = safetensors_metadata(file->tensors, FITTED_KEY);
    make_meta(&file->at, &meta); /* for the keys */
    ODEON_TRY(collect_meta(file, 0, N_HEAD, &meta));
    if (strcmp(meta.list[0].value, format) != 0) {
        return damaged(file->path, "no checkpoint: it has another format");
    }
    if (strcmp(meta.list[1].value, version) != 0) {
        return damaged(file->path, "a checkpoint of another version of Odeon");
    }
    ODEON_TRY(collect_meta(file, N_HEAD, meta.n + 1, &meta));
    ODEON_TRY(check_sum(file, &meta));
    return parse_meta(file, &meta);
}

/* *out is filled step by step and given up as a whole on failure; checkpoint_close takes it half
 * filled. */
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

/* By its metadata, so that weights are not refused in the words of a damaged checkpoint. */
bool checkpoint_is_one(const safetensors *file)
{
    const char *found = safetensors_metadata(file, "format");
    return found != NULL && strcmp(found, format) == 0;
}

/* Closes the file as well, and with it goes the text of the configuration. */
void checkpoint_close(checkpoint_file *file)
{
    if (file != NULL) {
        safetensors_destroy(file->tensors);
        mem_free(file->path);
        mem_free(file);
    }
}

/* ---- the newest ---- */

/* The step in the name orders the files, so that it has to be that of the contents. */
static odeon_status open_step(const char *folder, int64_t step, checkpoint_file **out)
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
    return status;
}

/* Of several that cannot be used, what is wrong with the newest is the answer. Damaged files and
 * those that cannot be read are passed over; a lack of memory is not, since the file may be
 * sound. */
static odeon_status open_first(const char *folder, size_t n, const int64_t *steps,
                               checkpoint_file **out)
{
    char newest[DIAG_MESSAGE_BYTES] = "";
    odeon_status first = ODEON_OK;
    for (size_t i = 0; i < n; i++) {
        odeon_status status = open_step(folder, steps[i], out);
        if (status == ODEON_OK && i > 0) {
            diag_log(ODEON_LOG_WARNING, "%s; skipped", newest);
        }
        if (status != ODEON_ERR_DATA && status != ODEON_ERR_IO) {
            return status;
        }
        if (i == 0) {
            first = status;
            (void)snprintf(newest, sizeof newest, "%s", diag_message());
        } else {
            diag_log(ODEON_LOG_WARNING, "%s; skipped", diag_message());
        }
        diag_clear();
    }
    return first == ODEON_OK ? ODEON_OK : diag_fail(first, "%s", newest);
}

/* No checkpoint at all is no failure: *out stays NULL and the run begins anew. */
odeon_status checkpoint_open_newest(const char *folder, checkpoint_file **out)
{
    int64_t *steps = NULL;
    size_t n = 0;
    *out = NULL;
    char *checkpoints = checkpoint_list_folder(folder);
    odeon_status status = checkpoints != NULL
                              ? checkpoint_list_steps(checkpoints, &n, &steps)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read it", folder);
    if (status == ODEON_OK) {
        status = open_first(checkpoints, n, steps, out);
    }
    mem_free(steps);
    mem_free(checkpoints);
    return status;
}
