/* predict.h: the outputs of samples, and where they stand for classes these and probabilities. */
#ifndef ODEON_CORE_RUN_PREDICT_H
#define ODEON_CORE_RUN_PREDICT_H
#include "run/predict_input.h"

typedef struct predictions {
    int64_t n, size; /* samples, outputs of one */
    int32_t ndim;    /* of the output, with the samples */
    int64_t dim[ODEON_MAX_DIMS];
    double *output;  /* [n, size] of the network */
    int64_t *labels; /* [n]: the first largest output; NULL: the data set's labels are no classes */
    int64_t *rows;   /* [n]: where a sample stands in its file (data_row) */
    double *truth;   /* [n, truth_size]: the labels that samples came with; NULL: none. NaN:
                      * a number that the mask counts out, which is not known */
    const char **names; /* of the classes, where the data has words; NULL: numbers */
    int64_t truth_size;
    bool has_accuracy;
    double accuracy; /* share of the samples whose label is the expected one */
} predictions;

/* Predicts what in holds, or, with in NULL, all of source, in batches of batch.
 * ODEON_ERR_NUMERIC if an output is not finite. out can be given to predictions_fini whatever the
 * answer. */
odeon_status predict_run(session *s, const predict_input *in, const data_source *source,
                         int64_t batch, predictions *out);
/* The classes' names, and outputs that are numbers, and the labels that samples came with, as the
 * data has them: what the data set standardized for training is undone. source: as of predict_run.
 * c->weights has what was fitted where source is NULL. */
odeon_status predict_in_units(const config *c, const data_source *source, predictions *p);
void predictions_fini(predictions *p);

#endif
