/* `odeon eval`: figures of trained weights on a split, the test split unless another is named.
 * Everything is done by the same functions as the test at the end of a run, so that a run's last
 * figures are found again to the digit. */
#include "command/command.h"

#include "base/diag.h"
#include "command/named_split.h"
#include "command/setup.h"
#include "run/evaluate.h"
#include "session/placement.h"
#include "session/result.h"

/* Progress goes to standard output itself, since its lines are redrawn there; the result through
 * the stream that is cleaned. */
static odeon_status evaluate(const setup *s, const char *what, const data_source *source)
{
    progress *p = NULL;
    session_result result = {.loss = 0.0};
    ODEON_TRY(progress_create(stdout, 1, 0, &p));
    odeon_status status = evaluate_split(s->session, source, s->config->test_batch, p, &result);
    progress_destroy(p);
    if (status == ODEON_OK) {
        evaluate_print(s->out, s->session, what, &result);
    }
    session_result_fini(&result);
    return status;
}

/* Data are opened before the model is built: a path that is wrong shows at once, a large model
 * takes its time. */
static odeon_status evaluate_setup(setup *s, const char *name)
{
    if (s->config->weights == NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "eval: no weights given; use --weights FILE or set train.weights");
    }
    named_split split;
    odeon_status status = named_split_open(s->config, name, &split);
    if (status == ODEON_OK) {
        status = setup_session(s);
    }
    if (status == ODEON_OK) {
        setup_warn(s, (notes_use){.data = true, .samples = data_length(split.source)});
        status = session_place(s->session, split.source);
    }
    if (status == ODEON_OK) {
        status = evaluate(s, name, split.source);
    }
    named_split_close(&split);
    return status;
}

/* Weights may come from the INI, from --weights or from a run's folder; without any the numbers
 * would be those of the initial values, which nobody means. */
static odeon_status run_eval(const command_line *a)
{
    setup s;
    const char *split = a->value[ARGUMENT_SPLIT] != NULL ? a->value[ARGUMENT_SPLIT] : "test";
    ODEON_TRY(named_split_check(split));
    odeon_status status = setup_open(a, &s);
    if (status == ODEON_OK) {
        status = evaluate_setup(&s, split);
    }
    setup_close(&s);
    return status;
}

const command command_eval = {
    .name = "eval",
    .operands = "INI --weights FILE|RUN [...]",
    .summary = "evaluate a trained network on the test split or another",
    .help =
        "A run's folder, odeon eval RUN, is its configuration with its last weights.\n"
        "  --weights FILE      safetensors as train writes them, a checkpoint or a run's folder;\n"
        "                      the same as train.weights=FILE\n"
        "  --split NAME        train, validation or test, which it is unless given\n",
    .options = 1u << ARGUMENT_WEIGHTS | 1u << ARGUMENT_SPLIT,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_eval,
};
