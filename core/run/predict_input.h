/* predict_input.h: samples of a file, to predict of or to solve from. */
#ifndef ODEON_CORE_RUN_PREDICT_INPUT_H
#define ODEON_CORE_RUN_PREDICT_INPUT_H
#include "session/run_batch.h"

/* Samples of a file. */
typedef struct predict_input {
    int64_t n;
    void *stored;   /* x as the data set stores it, whole numbers; NULL: values */
    double *values; /* x as the numbers that the data set's samples are; NULL: field[INPUT] */
    int64_t *rows;  /* [n]: where samples stand in a file that the data set read; else NULL */
    double *field[DATA_ROLES]; /* by ODEON_ROLE_*: [n, ...]; x is what the model takes; or NULL */
} predict_input;

/* Reads path: NAME.npy, NAME.safetensors with tensor x and, if it likes, labels y and the other
 * fields of the data set (batch_file.h), or else a file of the kind that the data set reads
 * (data_read_file). x is [n, ...], n >= 1, of the shape of the data set's samples:
 *
 * - uint8 or int64, where the data set stores whole numbers: these; its scale applies
 * - else, and float32 or float64: the numbers that its samples are, after that scale
 *
 * and goes through the transforms in either case. transformed: it is what comes out of these, of
 * the shape that the model takes, and float32 or float64.
 * ODEON_ERR_CONFIG (another ending), ODEON_ERR_DATA, ODEON_ERR_IO, ODEON_ERR_NOMEM. out can be
 * given to predict_input_fini whatever the answer. */
odeon_status predict_input_read(const char *path, bool transformed, const config *c,
                                const session *s, predict_input *out);
void predict_input_fini(predict_input *in);
/* What of its n samples from first on a batch is given. */
session_samples predict_input_part(const session *s, const predict_input *in, int64_t first,
                                   int64_t n);

#endif
