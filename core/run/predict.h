/* predict.h: samples in, outputs out, and where they stand for classes these and probabilities. */
#ifndef ODEON_CORE_RUN_PREDICT_H
#define ODEON_CORE_RUN_PREDICT_H
#include "session/run_batch.h"

/* Samples of a file. */
typedef struct predict_input {
    int64_t n;
    void *stored;   /* x as the data set stores it, whole numbers; NULL: values */
    double *values; /* x as the numbers that the data set's samples are; NULL: field[INPUT] */
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

typedef struct predictions {
    int64_t n, size; /* samples, outputs of one */
    int32_t ndim;    /* of the output, with the samples */
    int64_t dim[ODEON_MAX_DIMS];
    double *output;  /* [n, size] of the network */
    int64_t *labels; /* [n]: the first largest output; NULL: the data set's labels are no classes */
    int64_t *rows;   /* [n]: where a sample stands in its file (data_row) */
    double *truth;   /* [n, truth_size]: the labels that samples came with; NULL: none */
    int64_t truth_size;
    bool has_accuracy;
    double accuracy; /* share of the samples whose label is the expected one */
} predictions;

/* Predicts what in holds, or, with in NULL, all of source, in batches of batch.
 * ODEON_ERR_NUMERIC if an output is not finite. out can be given to predictions_fini whatever the
 * answer. */
odeon_status predict_run(session *s, const predict_input *in, const data_source *source,
                         int64_t batch, predictions *out);
void predictions_fini(predictions *p);

/* ODEON_ERR_CONFIG unless path ends as predict_write wants it. */
odeon_status predict_check_name(const char *path);
/* Writes to path (output_file.h): NAME.safetensors with labels I64 [n], probabilities (the softmax
 * of the output) and output, both [n, size] in dtype, rows I64 [n] and, where samples came with
 * labels, true_labels, I64 [n]; or NAME.csv, and where path is a stream, with lines
 * row,true,label,p0,p1,... Without classes: output in its shape, rows, true_labels [n, ...] in
 * dtype; lines row,true0,true1,...,y0,y1,... */
odeon_status predict_write(const char *path, const session *s, int32_t dtype, const predictions *p);

#endif
