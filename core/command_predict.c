#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diag.h"
#include "predict.h"
#include "setup.h"

static odeon_status predict(const command_line *a, setup *s, const predict_input *in,
                            const data_source *source)
{
    const char *file = a->value[ARGUMENT_OUT];
    predictions p;
    odeon_status status = predict_run(s->session, in, source, s->config->test_batch, &p);
    if (status == ODEON_OK) {
        status = predict_write(file, s->config->dtype, &p);
    }
    if (status == ODEON_OK) {
        fprintf(a->out, "%" PRId64 " predictions in %s\n", p.n, file);
    }
    if (status == ODEON_OK && p.has_accuracy) {
        fprintf(a->out, "accuracy %.4f\n", p.accuracy);
    }
    predictions_fini(&p);
    return status;
}

static odeon_status predict_file(const command_line *a, setup *s)
{
    predict_input in;
    ODEON_TRY(setup_session(s));
    setup_warn(s, (notes_use){.data = false});
    odeon_status status = predict_input_read(a->value[ARGUMENT_IN], s->session, &s->fields, &in);
    if (status == ODEON_OK) {
        status = predict(a, s, &in, NULL);
    }
    predict_input_fini(&in);
    return status;
}

/* Samples come in the order in which they are stored, or that of data.order. */
static odeon_status predict_split(const command_line *a, setup *s)
{
    bool train = strcmp(a->value[ARGUMENT_SPLIT], "train") == 0;
    data_source *source;
    s->config->shuffle = false;
    ODEON_TRY(data_open(s->config, train ? ODEON_SPLIT_TRAIN : ODEON_SPLIT_TEST, &source));
    odeon_status status = setup_session(s);
    if (status == ODEON_OK) {
        setup_warn(s, (notes_use){.data = true, .samples = data_length(source)});
        status = session_place(s->session, source);
    }
    if (status == ODEON_OK) {
        status = predict(a, s, NULL, source);
    }
    data_close(source);
    return status;
}

static odeon_status check_options(const command_line *a)
{
    const char *split = a->value[ARGUMENT_SPLIT];
    if (a->value[ARGUMENT_OUT] == NULL || (a->value[ARGUMENT_IN] == NULL) == (split == NULL)) {
        return diag_fail(ODEON_ERR_CONFIG, "predict: --out FILE and one of --in FILE and --split "
                                           "NAME must be given (odeon help predict)");
    }
    if (split != NULL && strcmp(split, "train") != 0 && strcmp(split, "test") != 0) {
        return diag_fail(ODEON_ERR_CONFIG, "--split %s: must be train or test", split);
    }
    return predict_check_name(a->value[ARGUMENT_OUT]);
}

static odeon_status predict_setup(const command_line *a, setup *s)
{
    if (s->config->weights == NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "predict: no weights given; use --weights FILE or set train.weights");
    }
    return a->value[ARGUMENT_IN] != NULL ? predict_file(a, s) : predict_split(a, s);
}

static odeon_status run_predict(const command_line *a)
{
    setup s;
    ODEON_TRY(check_options(a));
    odeon_status status = setup_open(a, &s);
    if (status == ODEON_OK) {
        status = predict_setup(a, &s);
    }
    setup_close(&s);
    return status;
}

const command command_predict = {
    .name = "predict",
    .operands = "INI --weights FILE --in FILE --out FILE",
    .summary = "write what a network makes of samples",
    .help =
        "Runs the network in evaluation mode, in batches of data.test_batch. Overrides as usual.\n"
        "  --weights FILE      safetensors as train writes them; the same as train.weights=FILE\n"
        "  --in FILE           samples [n, ...]: FILE.npy, or FILE.safetensors with tensor x and,\n"
        "                      if they have any, y (labels), time, control. uint8 is taken as the\n"
        "                      data set stores its samples: its scale and the layers of [data.*]\n"
        "                      apply. float32 and float64 are what the model itself takes:\n"
        "                      nothing is applied.\n"
        "  --split NAME        in place of --in: train or test, of the configured data set\n"
        "  --out FILE          FILE.safetensors gets labels, probabilities (the softmax of the\n"
        "                      output) and output; FILE.csv lines label,p0,p1,... Where labels\n"
        "                      are no classes: output alone; lines y0,y1,...\n"
        "  --dtype DTYPE       the same as run.dtype=DTYPE: float32 or float64\n"
        "Where the samples have classes as labels, the accuracy is printed.\n",
    .options = 1u << ARGUMENT_WEIGHTS | 1u << ARGUMENT_IN | 1u << ARGUMENT_SPLIT |
               1u << ARGUMENT_OUT | 1u << ARGUMENT_DTYPE,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_predict,
};
