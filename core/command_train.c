#include "command.h"

#include "run_dir.h"
#include "setup.h"
#include "summary.h"
#include "train.h"

/* Everything that can be refused is, before the run directory is made. */
static odeon_status train_into(const command_line *a, setup *s, const data_source *train,
                               const data_source *test)
{
    ODEON_TRY(setup_session(s));
    ODEON_TRY(summary_print(stdout, s->session, s->config->dtype));
    run_dir *dir = NULL;
    ODEON_TRY(run_dir_create(s->config, &dir));
    odeon_status status =
        run_dir_manifest(dir, s->config, s->registry, session_device_text(s->session),
                         session_workers(s->session), a->argc, (const char *const *)a->argv);
    if (status == ODEON_OK) {
        printf("results go to %s\n", run_dir_path(dir));
        status = train_run(s->session, s->config, train, test, dir, stdout);
    }
    odeon_status closed = run_dir_close(dir);
    return status != ODEON_OK ? status : closed;
}

static odeon_status run_train(const command_line *a)
{
    setup s;
    data_source *train = NULL, *test = NULL;
    odeon_status status = setup_open(a, &s);
    if (status == ODEON_OK) {
        status = data_open(s.config, ODEON_SPLIT_TRAIN, &train);
    }
    if (status == ODEON_OK) {
        status = data_open(s.config, ODEON_SPLIT_TEST, &test);
    }
    if (status == ODEON_OK) {
        status = train_into(a, &s, train, test);
    }
    data_close(train);
    data_close(test);
    setup_close(&s);
    return status;
}

const command command_train = {
    .name = "train",
    .operands = "INI [path.key=value ...]",
    .summary = "train a network and evaluate it",
    .help = "Evaluates on the test split after every epoch. Results go to runs/NAME/1, 2, ... or\n"
            "to run.out: effective.ini, which repeats the run, manifest.json, metrics.csv and\n"
            "metrics.jsonl, weights.safetensors and weights-best.safetensors.\n"
            "Ctrl-C stops after the batch under way and saves the weights; twice: at once.\n",
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_train,
};
