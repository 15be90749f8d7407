/* `odeon predict`: outputs of single samples, from a file or of a split. The work is in
 * run/predict*.c; here is what options may stand together, and where results and words go. */
#include "command/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/output_file.h"
#include "command/named_split.h"
#include "command/setup.h"
#include "command/setup_spare.h"
#include "run/predict.h"
#include "run/predict_files.h"
#include "session/placement.h"

/* What is said goes to stderr where predictions themselves go to standard output. */
static void say(const command_line *a, const predictions *p)
{
    const char *file = a->value[ARGUMENT_OUT];
    FILE *words = output_file_is_stdout(file) ? a->err : a->out;
    fprintf(words, "%" PRId64 " predictions in %s\n", p->n,
            strcmp(file, "-") == 0 ? "standard output" : file);
    if (p->has_accuracy) {
        fprintf(words, "accuracy %.4f\n", p->accuracy);
    }
}

/* in or source, the other NULL. A file is written only when all outputs are there and finite. */
static odeon_status predict(const command_line *a, setup *s, const predict_input *in,
                            const data_source *source)
{
    const char *file = a->value[ARGUMENT_OUT];
    predictions p;
    odeon_status status = predict_run(s->session, in, source, s->config->test_batch, &p);
    if (status == ODEON_OK) {
        status = predict_in_units(s->config, source, &p);
    }
    if (status == ODEON_OK) {
        status = predict_write(file, s->session, s->config->dtype, &p);
    }
    if (status == ODEON_OK) {
        say(a, &p);
    }
    predictions_fini(&p);
    return status;
}

/* The session first: the shapes that the file has to have are its. */
static odeon_status predict_file(const command_line *a, setup *s)
{
    predict_input in;
    ODEON_TRY(setup_session(s));
    setup_warn(s, (notes_use){.data = false});
    odeon_status status = predict_input_read(
        a->value[ARGUMENT_IN], a->value[ARGUMENT_TRANSFORMED] != NULL, s->config, s->session, &in);
    if (status == ODEON_OK) {
        status = predict(a, s, &in, NULL);
    }
    predict_input_fini(&in);
    return status;
}

/* Samples come in the order in which they are stored, or that of data.order. */
static odeon_status predict_split(const command_line *a, setup *s)
{
    named_split split;
    s->config->shuffle = false;
    odeon_status status = named_split_open(s->config, a->value[ARGUMENT_SPLIT], &split);
    if (status == ODEON_OK) {
        status = setup_session(s);
    }
    if (status == ODEON_OK) {
        setup_warn(s, (notes_use){.data = true, .samples = data_length(split.source)});
        status = session_place(s->session, split.source);
    }
    if (status == ODEON_OK) {
        status = predict(a, s, NULL, split.source);
    }
    named_split_close(&split);
    return status;
}

/* Everything that can be refused by looking at the command line alone. */
static odeon_status check_options(const command_line *a)
{
    const char *split = a->value[ARGUMENT_SPLIT];
    if (a->value[ARGUMENT_OUT] == NULL || (a->value[ARGUMENT_IN] == NULL) == (split == NULL)) {
        return diag_fail(ODEON_ERR_CONFIG, "predict: --out FILE and one of --in FILE and --split "
                                           "NAME must be given (odeon help predict)");
    }
    ODEON_TRY(split != NULL ? named_split_check(split) : ODEON_OK);
    if (a->value[ARGUMENT_TRANSFORMED] != NULL && split != NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "--transformed: belongs to --in FILE");
    }
    return predict_check_name(a->value[ARGUMENT_OUT]);
}

/* An output that cannot be written, or that would overwrite an input, is refused before any work.
 */
static odeon_status predict_setup(const command_line *a, setup *s)
{
    if (s->config->weights == NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "predict: no weights given; use --weights FILE or set train.weights");
    }
    ODEON_TRY(setup_spare(s, a, ARGUMENT_OUT, "--out"));
    return a->value[ARGUMENT_IN] != NULL ? predict_file(a, s) : predict_split(a, s);
}

/* [train] is not needed: what is predicted does not depend on how it was learnt. */
static odeon_status run_predict(const command_line *a)
{
    setup s;
    ODEON_TRY(check_options(a));
    odeon_status status = setup_open_untrained(a, &s);
    if (status == ODEON_OK) {
        status = predict_setup(a, &s);
    }
    setup_close(&s);
    return status;
}

/* The help says what predict_input_read and predict_write take and make: whoever changes a format
 * there changes it here. */
const command command_predict = {
    .name = "predict",
    .operands = "INI|RUN --in FILE --out FILE",
    .summary = "write what a network makes of samples",
    .help =
        "Runs the network in evaluation mode, in batches of data.test_batch. Overrides as usual.\n"
        "A run's folder in place of the INI is its configuration with its weights.\n"
        "  --weights FILE      safetensors as train writes them, a checkpoint or a run's folder;\n"
        "                      the same as train.weights=FILE\n"
        "  --in FILE           samples as the data set has them, [n, ...], which then go through\n"
        "                      the layers of [data.*]: FILE.npy, or FILE.safetensors with tensor\n"
        "                      x and, if they have any, y (labels), time, mask, control. float32\n"
        "                      and float64 are the numbers that samples are: of an image set,\n"
        "                      whose bytes it takes to [0,1], these. uint8 and int64 are bytes\n"
        "                      where the data set stores bytes, else such numbers too.\n"
        "                      Where the data set is csv, also a table: of a first line of names\n"
        "                      the inputs by name, else as many columns as there are inputs;\n"
        "                      labels are read where the table has them\n"
        "  --transformed       what --in names has been through the layers of [data.*]: float32 "
        "or\n"
        "                      float64 in the shape that the model takes\n"
        "  --split NAME        in place of --in: train, validation or test, of the data set\n"
        "  --out FILE          FILE.safetensors gets labels, probabilities (the softmax of the\n"
        "                      output), output, rows and true_labels; FILE.csv lines\n"
        "                      row,true,label,p0,p1,...: the sample's row in its file, from 0,\n"
        "                      the label that it came with, if any, and the predicted one. Where\n"
        "                      labels are no classes: lines row,true0,...,y0,y1,... - is standard\n"
        "                      output, which then gets these lines and nothing else. A number\n"
        "                      that a mask counts out is an empty cell, in safetensors NaN\n"
        "  --dtype DTYPE       the same as run.dtype=DTYPE: float32 or float64\n"
        "Where the samples have classes as labels, the accuracy is printed. What the data set\n"
        "fitted for training stands with the weights: inputs are standardized as they were then,\n"
        "and outputs, where labels were, are given in the units of the data; metrics of a run are\n"
        "of the standardized labels. Classes that are words stand in CSV as these\n",
    .options = 1u << ARGUMENT_WEIGHTS | 1u << ARGUMENT_IN | 1u << ARGUMENT_SPLIT |
               1u << ARGUMENT_OUT | 1u << ARGUMENT_DTYPE | 1u << ARGUMENT_TRANSFORMED,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_predict,
};
