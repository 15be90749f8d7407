/* The weights of the best test so far. Best is what session_score says, and a tie keeps the earlier
 * one, so that the file does not depend on how often an equal test is repeated. */
#include "run/train_best.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "run/evaluate.h"
#include "run/train_rows.h"
#include "session/describe.h"

static const char best_name[] = "weights-best.safetensors";

/* Up to so many parameters the best weights wait in memory for the next checkpoint. */
static const int64_t most_copied = 2000000;

/* From the copy, or, of what was not copied, from the session. */
static odeon_status write_best(trainer *t)
{
    int64_t step = t->config->eval_unit == CONFIG_SECONDS ? t->at.best_step : 0;
    char *file = run_dir_file(t->plan->dir, best_name);
    odeon_status status = file != NULL
                              ? session_copy_write(&t->best, t->session, step, file)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", best_name);
    mem_free(file);
    return status;
}

/* The best weights stay in memory until something is saved: a run of small epochs would spend its
 * time on files. Nothing is lost thereby, since a run that is killed goes on from a checkpoint that
 * is as old, and comes to the same tests. But one that tests by the clock need not: it finds the
 * step in the file and tests there once more. */
odeon_status train_best_save(trainer *t)
{
    odeon_status status = t->best.data != NULL ? write_best(t) : ODEON_OK;
    if (status == ODEON_OK) {
        session_copy_fini(&t->best);
    }
    return status;
}

/* The file may be of a later step than the checkpoint, where the process was killed between the
 * two. */
int64_t train_best_step(const trainer *t)
{
    safetensors *tensors = NULL;
    int64_t step = 0;
    char *file =
        t->config->eval_unit == CONFIG_SECONDS ? run_dir_file(t->plan->dir, best_name) : NULL;
    if (file != NULL && access(file, R_OK) == 0 && safetensors_read(file, &tensors) == ODEON_OK) {
        const char *text = safetensors_metadata(tensors, "step");
        if (text == NULL || number_parse_i64(text, &step) != NUMBER_OK) {
            step = 0;
        }
    }
    diag_clear(); /* a file that cannot be read is written anew */
    safetensors_destroy(tensors);
    mem_free(file);
    return step;
}

/* A large model is written at once instead of being copied: two copies might not fit into
 * memory. */
odeon_status train_best_take(trainer *t)
{
    checkpoint *at = &t->at;
    const char *metric;
    double score = session_score(t->session, train_judged(t), &metric);
    if (!(score > at->best)) {
        return ODEON_OK;
    }
    at->best = score;
    at->best_epoch = at->epoch;
    at->best_step = at->step;
    session_copy_fini(&t->best);
    if (session_parameter_count(t->session) > most_copied) { /* no copy of what is large */
        return write_best(t);
    }
    odeon_status status = session_copy_take(t->session, &t->best);
    if (status != ODEON_OK) {
        session_copy_fini(&t->best); /* the half of it is nothing */
    }
    return status;
}

/* In the unit in which tests are asked for; of a run whose last test is the best there is nothing
 * to add. */
void train_best_print(const trainer *t, FILE *out)
{
    const checkpoint *at = &t->at;
    const char *metric;
    char best[32];
    (void)session_score(t->session, train_judged(t), &metric);
    progress_number(metric != NULL ? at->best : -at->best, best);
    bool epochs = t->config->eval_unit == CONFIG_EPOCHS;
    int64_t when = epochs ? at->best_epoch : at->best_step;
    if (when > 0 && when < (epochs ? at->epoch : at->step)) {
        const char *split = t->plan->validation != NULL ? "validation" : "test";
        fprintf(out, "best %s %s %s after %s %" PRId64 " (%s)\n", split,
                metric != NULL ? metric : "loss", best, epochs ? "epoch" : "step", when, best_name);
    }
}

/* With a line of progress of its own: the run's is gone by then. */
static odeon_status evaluate_test(const trainer *t, session_result *out)
{
    progress *p = NULL;
    ODEON_TRY(progress_create(t->plan->progress, 1, 0, &p));
    odeon_status status = evaluate_split(t->session, t->plan->test, t->config->test_batch, p, out);
    progress_destroy(p);
    return status;
}

odeon_status train_best_test(trainer *t, FILE *out)
{
    if (t->plan->validation == NULL || t->at.best_step == 0 || t->at.best_step == t->at.step) {
        return ODEON_OK;
    }
    char *file = run_dir_file(t->plan->dir, best_name);
    session_result result = {.loss = 0.0};
    odeon_status status = file != NULL
                              ? session_load(t->session, file)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", best_name);
    if (status == ODEON_OK) {
        status = evaluate_test(t, &result);
    }
    if (status == ODEON_OK) {
        evaluate_print(out, t->session, "best weights: test", &result);
    }
    session_result_fini(&result);
    mem_free(file);
    return status;
}
