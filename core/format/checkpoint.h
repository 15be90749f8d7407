/* checkpoint.h: a run between two batches as a file, from which it goes on with the same bits.
 *
 * FOLDER/checkpoints/ckpt-STEP.safetensors holds every parameter and running state by
 * path, the optimizer's as "optimizer/NAME/PATH", and as metadata
 * format "odeon checkpoint", version, the fields of checkpoint by name, and checksum: FNV-1a of the
 * other metadata (key, NUL, value, NUL; in the order above; metrics_others, where there are other
 * files of rows than the two, and fitted, where the data set fitted something, come last) plus that
 * of every tensor (name, NUL, data) modulo 2^64, as 16 hexadecimal digits. The order of the samples
 * and all random numbers follow from the configuration, epoch and step, so that they need no more
 * space than this. */
#ifndef ODEON_CORE_FORMAT_CHECKPOINT_H
#define ODEON_CORE_FORMAT_CHECKPOINT_H
#include <stdbool.h>

#include "format/safetensors.h"
#include "format/safetensors_write.h"

/* Under this key of their metadata checkpoints and weights have what the data set fitted. */
#define FITTED_KEY "fitted"

/* How far the files of rows are: bytes of whole lines of metrics.csv and metrics.jsonl, and "NAME
 * BYTES\n" of every other. */
typedef struct metrics_mark {
    int64_t csv_bytes, json_bytes;
    const char *others; /* NULL: there are none; where a file was opened, as long as that is open */
} metrics_mark;

/* Counts are not negative unless it says so. Of a file that was opened all numbers fit one
 * another. */
typedef struct checkpoint {
    int64_t step;       /* optimizer steps done */
    int64_t epoch;      /* that they have reached, from 1 */
    int64_t position;   /* samples of that epoch trained on */
    int64_t extra;      /* steps beyond those that epoch and position take, or, below 0, short of
                           them: batches had another size once; else 0 */
    int64_t total;      /* steps that the run was to take */
    int64_t tested;     /* 1: evaluated after this step, else 0 */
    int64_t failed;     /* steps in a row up to this one (failures.h) */
    int64_t best_step;  /* of weights-best; 0: none yet */
    int64_t best_epoch; /* likewise */
    double best;        /* its score, greater is better; -INFINITY: none yet */
    double rate;        /* learning rate of the last step; 0: none yet */
    double seconds;     /* of training so far */
    metrics_mark metrics;
    int64_t samples, batch, drop_last; /* of an epoch (batches.h) */
    /* What the bits depend on as well. */
    int64_t workers;
    int64_t train_data, test_data; /* data/fingerprint.h */
    const char *fitted; /* what the data set fitted; NULL: nothing; where a file was opened, as long
                           as that is open */
    const char *config; /* the normal form; where a file was opened, as long as that is open */
} checkpoint;

/* What a checkpoint holds beside its metadata: n tensors, whose data is asked for twice. */
typedef struct checkpoint_tensors {
    size_t n;
    const safetensors_entry *entries;
    safetensors_source source; /* called with context */
    void *context;
} checkpoint_tensors;

/* Writes the file whole or not at all (atomic_file.h), then removes all but the newest two up to
 * this step, and the mark of a run that has none (run_folder.h). folder: the run's. ODEON_ERR_IO:
 * what was there before is as it was. ODEON_ERR_NOMEM, and what source answers. */
odeon_status checkpoint_write(const char *folder, const checkpoint_tensors *x, const checkpoint *c);
/* Where that of a step is, or would be: the caller frees it; NULL without memory. */
char *checkpoint_path(const char *folder, int64_t step);

/* An open file; at.config points into it. */
typedef struct checkpoint_file {
    char *path;
    safetensors *tensors;
    checkpoint at;
} checkpoint_file;

/* Opens the newest that is sound; each newer one that is not gets a warning and is left as it
 * is. *out is NULL if there is no file of a checkpoint. Where there are and none can be used, what
 * is wrong with the newest: ODEON_ERR_DATA (damaged, of another version), ODEON_ERR_IO.
 * ODEON_ERR_NOMEM. */
odeon_status checkpoint_open_newest(const char *folder, checkpoint_file **out);
/* Reads and checks one. ODEON_ERR_DATA with what is wrong, ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status checkpoint_open(const char *path, checkpoint_file **out);
/* Does the file say that it is one, sound or not? */
bool checkpoint_is_one(const safetensors *file);
void checkpoint_close(checkpoint_file *file); /* NULL is allowed */

#endif
