/* `odeon sample`: new samples from noise, by a model that was trained to make them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/number.h"
#include "base/output_file.h"
#include "command/command.h"
#include "command/setup.h"
#include "command/setup_spare.h"
#include "run/draw.h"
#include "run/draw_files.h"
#include "session/describe.h"

enum { N_DEFAULT = 64, N_MOST = 10000000 };

/* What the options say. */
typedef struct wishes {
    int64_t n;
    draw_range range;
    const char *file;
} wishes;

static odeon_status read_n(const char *text, int64_t *n)
{
    *n = N_DEFAULT;
    if (text == NULL) {
        return ODEON_OK;
    }
    return number_parse_i64(text, n) == NUMBER_OK && *n >= 1 && *n <= N_MOST
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG, "--n %s: must be a number of samples, 1 to %d", text,
                           (int)N_MOST);
}

/* "-1,1" */
static odeon_status read_range(const char *text, draw_range *out)
{
    char lo[NUMBER_TEXT_BYTES];
    *out = (draw_range){.lo = 0.0, .hi = 1.0};
    if (text == NULL) {
        return ODEON_OK;
    }
    size_t n = strcspn(text, ",");
    (void)snprintf(lo, sizeof lo, "%.*s", (int)n, text);
    return text[n] == ',' && n < sizeof lo && number_parse_f64(lo, &out->lo) == NUMBER_OK &&
                   number_parse_f64(text + n + 1, &out->hi) == NUMBER_OK && out->lo < out->hi
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "--range %s: must be two numbers, black,white, the first the smaller",
                           text);
}

/* What is said goes to stderr where the samples themselves go to standard output. */
static odeon_status sample(const command_line *a, setup *s, const wishes *w)
{
    predictions p;
    odeon_shape one = session_input(s->session);
    odeon_status status = draw_samples(s->config, s->session, w->n, &p);
    if (status == ODEON_OK) {
        status = draw_write(w->file, s->config->dtype, &one, w->range, &p);
    }
    if (status == ODEON_OK) {
        FILE *words = output_file_is_stdout(w->file) ? a->err : a->out;
        fprintf(words, "%" PRId64 " samples in %s\n", p.n,
                strcmp(w->file, "-") == 0 ? "standard output" : w->file);
    }
    predictions_fini(&p);
    return status;
}

static odeon_status sample_setup(const command_line *a, setup *s, const wishes *w)
{
    if (s->config->weights == NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "sample: no weights given; use --weights FILE or set train.weights");
    }
    ODEON_TRY(a->value[ARGUMENT_OUT] != NULL ? setup_spare(s, a, ARGUMENT_OUT, "--out") : ODEON_OK);
    ODEON_TRY(setup_session(s));
    return sample(a, s, w);
}

static odeon_status run_sample(const command_line *a)
{
    setup s = {.registry = NULL};
    wishes w = {.file = a->value[ARGUMENT_OUT] != NULL ? a->value[ARGUMENT_OUT] : "-"};
    ODEON_TRY(read_n(a->value[ARGUMENT_N], &w.n));
    ODEON_TRY(read_range(a->value[ARGUMENT_RANGE], &w.range));
    ODEON_TRY(draw_check_name(w.file));
    odeon_status status = setup_open_sample(a, &s);
    if (status == ODEON_OK) {
        status = sample_setup(a, &s, &w);
    }
    setup_close(&s);
    return status;
}

const command command_sample = {
    .name = "sample",
    .operands = "INI|RUN [--n 64] [--out FILE]",
    .summary = "draw samples from a model that makes them of noise",
    .help =
        "Gives the model normal noise in the shape that it takes, in evaluation mode, in batches\n"
        "of data.test_batch. Sections [sample.NAME] of the INI have keys of [model.NAME] that\n"
        "are others then: a field that was trained on pairs of noise and data is solved as an ODE\n"
        "where [sample.NAME] has layer = ode. Overrides as usual; run.seed=2 draws others.\n"
        "A run's folder in place of the INI is its configuration with its weights.\n\n"
        "  --n N               samples, 64 if not given\n"
        "  --out FILE          NAME.npy gets [n, ...]; NAME.png all samples as images side by\n"
        "                      side; NAME.csv, and standard output if not given, lines\n"
        "                      sample,y0,y1,... What the data set standardized is undone\n"
        "  --range BLACK,WHITE numbers of an image that are black and white, 0,1 if not given;\n"
        "                      a negative one as --range=-1,1\n"
        "  --weights FILE      the same as train.weights=FILE\n"
        "  --dtype DTYPE       the same as run.dtype=DTYPE: float32 or float64\n",
    .options = UINT64_C(1) << ARGUMENT_N | UINT64_C(1) << ARGUMENT_RANGE |
               UINT64_C(1) << ARGUMENT_OUT | UINT64_C(1) << ARGUMENT_WEIGHTS |
               UINT64_C(1) << ARGUMENT_DTYPE,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_sample,
};
