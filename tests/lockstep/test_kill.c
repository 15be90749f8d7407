/* Runs that are killed at any moment, again and again, and go on each time, end as one that nobody
 * touched: weights, optimizer, best weights and metrics to the bit. ODEON_KILLS in the environment
 * says how many kills (50). */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/number.h"
#include "folder.h"
#include "format/checkpoint.h"
#include "support.h"

#define BEGINNING(often)                                                                           \
    "[run]\nname = killed\nepochs = 10\nworkers = 1\ncheckpoint_every = 4\nlog_every = 3\n"        \
    "on_failure = skip\n" often                                                                    \
    "[data]\ndataset = drawn(shape=2 4 4, classes=3, length=70)\nbatch = 8\ntest_batch = 32\n"     \
    "[model.ode]\nlayer = ode(rtol=1e-3, atol=1e-3)\nintegrator = dopri5\n"

/* A checkpoint after each test, too. */
static const char adaptive_adjoint[] = BEGINNING(
    "checkpoint_seconds = 0\n") "gradient = adjoint\n"
                                "[model.ode.time]\nlayer = concat_time\n"
                                "[model.ode.conv]\nlayer = conv2d(filters=state, kernel=3, "
                                "padding=1)\nthen = tanh\n"
                                "[model.flat]\nlayer = flatten\n"
                                "[model.head]\nlayer = dense(units=classes)\n"
                                "[train]\nloss = cross_entropy\noptimizer = adamw(lr=0.01)\n";

/* Running state and random numbers go into every value; some steps are skipped. The best weights
 * wait for the next checkpoint. */
static const char skipping[] =
    BEGINNING("") "gradient = direct\n"
                  "[model.ode.dense]\nlayer = conv2d(filters=state, kernel=1)\nthen = tanh\n"
                  "[model.flat]\nlayer = flatten\nthen = wander(every=6)\n"
                  "[model.head]\nlayer = dense(units=classes)\n"
                  "[train]\nloss = cross_entropy\noptimizer = adam(lr=0.01)\n";

#define MOMENTUM                                                                                   \
    "gradient = direct\n"                                                                          \
    "[model.ode.norm]\nlayer = groupnorm(groups=2)\nthen = relu\n"                                 \
    "[model.ode.conv]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"                       \
    "[model.flat]\nlayer = flatten\n"                                                              \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.01, momentum=0.9)\n"                      \
    "clip_norm = 1\n"

/* Tests within epochs. */
static const char momentum_direct[] = BEGINNING("eval_every = 5 steps\n") MOMENTUM;
/* And by the clock, so that no two runs make the same. */
static const char tested_by_the_clock[] = BEGINNING("eval_every = 0.004 seconds\n") MOMENTUM;

/* Whatever a step draws by chance or takes from its place in the run: windows and mirror images of
 * the samples, dropout, statistics of batches, a rate that warms up and falls. */
#define AUGMENTED(workers)                                                                         \
    "[run]\nname = killed\nepochs = 8\nworkers = " workers "\ncheckpoint_every = 3\n"              \
    "log_every = 2\n"                                                                              \
    "[data]\ndataset = drawn(shape=2 6 6, classes=3, length=70)\nbatch = 16\ntest_batch = 32\n"    \
    "[data.crop]\nlayer = random_crop(size=6, padding=2)\nthen = horizontal_flip\n"                \
    "[model.conv]\nlayer = conv2d(filters=4, kernel=3)\nthen = batchnorm, relu\n"                  \
    "[model.ode]\nlayer = ode(rtol=1e-3, atol=1e-3)\nintegrator = tsit5\ngradient = adjoint\n"     \
    "[model.ode.f]\nlayer = conv2d(filters=state, kernel=3, padding=1)\nthen = tanh\n"             \
    "[model.flat]\nlayer = flatten\nthen = dropout(p=0.3)\n"                                       \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=0.02)\n"                                   \
    "schedule = cosine(warmup=1, final=0.01)\nclip_norm = 2\n"

/* Steps of three batches, some of which are skipped, a mean of the weights, a section that stays,
 * and an end that a validation split chooses. */
#define RECIPE(workers, ends)                                                                      \
    "[run]\nname = killed\nepochs = 12\nworkers = " workers "\ncheckpoint_every = 2\n"             \
    "log_every = 1\non_failure = skip\nbest_by = loss\n" ends                                      \
    "[data]\ndataset = drawn(shape=2 4 4, classes=3, length=70)\nbatch = 5\ntest_batch = 32\n"     \
    "validation = 0.3\n"                                                                           \
    "[model.conv]\nlayer = conv2d(filters=4, kernel=3)\nthen = batchnorm, relu\nfreeze = yes\n"    \
    "[model.ode]\nlayer = ode(rtol=1e-3, atol=1e-3)\nintegrator = dopri5\ngradient = adjoint\n"    \
    "[model.ode.f]\nlayer = conv2d(filters=state, kernel=1)\nthen = tanh\nlr_factor = 0.5\n"       \
    "[model.flat]\nlayer = flatten\nthen = dropout(p=0.3), wander(every=6)\n"                      \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy(label_smoothing=0.1, class_weights=1 0 2)\n"                    \
    "optimizer = adam(lr=0.02)\naccumulate = 3\nema = 0.8\nschedule = cosine\n"

/* The shipped experiments, cut short, on two workers. */
#define SHIPPED(name)                                                                              \
    "include = " ODEON_SOURCE "/conf/" name "\n"                                                   \
    "[run]\nname = killed\nepochs = 2\nworkers = 2\ncheckpoint_every = 2\nlog_every = 1\n"         \
    "[data]\ndataset = drawn(shape=1 28 28, classes=10, length=136)\nbatch = 16\n"                 \
    "test_batch = 32\n"

/* ---- the program as a child ---- */

typedef struct runs {
    folder folder;
    char ini[FOLDER_BYTES], whole[FOLDER_BYTES], trial[FOLDER_BYTES], log[FOLDER_BYTES];
    char out[FOLDER_BYTES + 16]; /* run.out of the trial */
    bool by_the_clock;
} runs;

static pid_t start(const runs *r, const char *const *arguments)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_RDWR),
            log = open(r->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        (void)dup2(null, 0);
        (void)dup2(null, 1);
        (void)dup2(log, 2);
        char *argv[8] = {0};
        for (int i = 0; arguments[i] != NULL; i++) {
            argv[i] = strdup(arguments[i]);
        }
        (void)execv(ODEON_PROGRAM, argv);
        _exit(127);
    }
    return child;
}

static pid_t start_new(const runs *r, const char *out)
{
    const char *arguments[] = {"odeon", "train", r->ini, "--plugin-path", ODEON_TEST_PLUGINS,
                               out,     NULL};
    return start(r, arguments);
}

static bool exists(const char *run, const char *name)
{
    char path[2 * FOLDER_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", run, name);
    return access(path, F_OK) == 0;
}

/* As whoever finds the folder would: goes on if it is a run's, else begins. */
static pid_t go_on(const runs *r)
{
    if (!exists(r->trial, "effective.ini")) {
        return start_new(r, r->out);
    }
    const char *arguments[] = {
        "odeon", "train", r->trial, "--resume", "--plugin-path", ODEON_TEST_PLUGINS, NULL};
    return start(r, arguments);
}

/* Waits for the child; was it killed? If not, it must have come to its end. */
static bool was_killed(const runs *r, pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        return true;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        size_t bytes;
        char *text = folder_read(r->log, &bytes);
        fail_msg("status %d: %.*s", status, (int)bytes, text);
    }
    return false;
}

static void pause_for(double seconds)
{
    struct timespec wait = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};
    (void)nanosleep(&wait, NULL);
}

/* ---- comparing ---- */

static char *read_from(const char *run, const char *name, size_t *bytes)
{
    char path[2 * FOLDER_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", run, name);
    return folder_read(path, bytes);
}

static void assert_same_file(const runs *r, const char *name)
{
    size_t n, m;
    char *a = read_from(r->whole, name, &n), *b = read_from(r->trial, name, &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

/* Overwrites the cells of the columns that tell of time, and of what the device was asked for,
 * which is more of memory where a run goes on. */
static void blank_times(char *csv)
{
    enum { SECONDS = 2, RATE = 8, ALLOCS = 11 }; /* with one metric and no name in quotes */
    int column = 0;
    for (char *p = csv; *p != '\0'; p++) {
        if (*p == '\n') {
            column = 0;
        } else if (*p == ',') {
            column++;
        } else if (column == SECONDS || (column >= RATE && column <= ALLOCS)) {
            *p = ' ';
        }
    }
}

/* Texts are the same but for runs of blanks. */
static void assert_same_but_blanks(const char *a, const char *b)
{
    for (; *a != '\0' || *b != '\0'; a++, b++) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        if (*a != *b) {
            fail_msg("metrics differ: '%.60s' and '%.60s'", a, b);
        }
    }
}

static int lines(const char *text, size_t bytes)
{
    int n = 0;
    for (size_t i = 0; i < bytes; i++) {
        n += text[i] == '\n';
    }
    return n;
}

static char *read_metrics(const char *run)
{
    size_t n, m;
    char *csv = read_from(run, "metrics.csv", &n), *json = read_from(run, "metrics.jsonl", &m);
    assert_int_equal(lines(csv, n), lines(json, m) + 1);
    free(json);
    char *text = calloc(n + 1, 1);
    assert_non_null(text);
    memcpy(text, csv, n);
    free(csv);
    blank_times(text);
    return text;
}

static checkpoint_file *newest(const char *run)
{
    checkpoint_file *file;
    if (checkpoint_open_newest(run, &file) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return file;
}

static void assert_same_data(const checkpoint_file *a, const safetensors_entry *x,
                             const checkpoint_file *b, const safetensors_entry *y)
{
    char *own = malloc(x->bytes + 1), *other = malloc(y->bytes + 1);
    assert_non_null(own);
    assert_non_null(other);
    assert_int_equal(safetensors_get(a->tensors, x, 0, x->bytes, own), ODEON_OK);
    assert_int_equal(safetensors_get(b->tensors, y, 0, y->bytes, other), ODEON_OK);
    assert_memory_equal(own, other, x->bytes);
    free(own);
    free(other);
}

static void assert_same_state(const runs *r)
{
    checkpoint_file *a = newest(r->whole), *b = newest(r->trial);
    assert_int_equal(a->at.step, b->at.step);
    assert_int_equal(a->at.best_step, b->at.best_step);
    assert_memory_equal(&a->at.best, &b->at.best, sizeof a->at.best);
    assert_int_equal(safetensors_count(a->tensors), safetensors_count(b->tensors));
    for (size_t i = 0; i < safetensors_count(a->tensors); i++) {
        const safetensors_entry *x = safetensors_at(a->tensors, i),
                                *y = safetensors_at(b->tensors, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->bytes, y->bytes);
        assert_same_data(a, x, b, y);
    }
    checkpoint_close(a);
    checkpoint_close(b);
}

/* The last test of this run need not have been made by the other, but the best weights are those
 * that the checkpoint says. */
static void assert_sound_best(const char *run)
{
    char path[2 * FOLDER_BYTES];
    safetensors *best = NULL;
    int64_t step = 0;
    (void)snprintf(path, sizeof path, "%s/weights-best.safetensors", run);
    assert_int_equal(safetensors_read(path, &best), ODEON_OK);
    assert_int_equal(number_parse_i64(safetensors_metadata(best, "step"), &step), NUMBER_OK);
    checkpoint_file *file = newest(run);
    assert_int_equal(file->at.best_step, step);
    checkpoint_close(file);
    safetensors_destroy(best);
}

static void assert_same_run(const runs *r)
{
    assert_same_file(r, "weights.safetensors");
    if (r->by_the_clock) {
        assert_sound_best(r->trial);
        return;
    }
    assert_same_file(r, "weights-best.safetensors");
    assert_same_file(r, "effective.ini");
    if (exists(r->whole, "weights-ema.safetensors")) {
        assert_same_file(r, "weights-ema.safetensors");
    }
    assert_same_state(r);
    char *a = read_metrics(r->whole), *b = read_metrics(r->trial);
    assert_same_but_blanks(a, b);
    free(a);
    free(b);
}

/* ---- killing ---- */

typedef struct tally {
    int kills, unborn, before, middle, edge; /* by what the run goes on from */
    int ends;
    int64_t step; /* that the run had come to at the last kill */
} tally;

/* Has the run come further since the last kill? */
static bool count_kill(const runs *r, tally *t)
{
    int64_t before = t->step;
    t->kills++;
    t->step = 0;
    if (!exists(r->trial, "effective.ini")) {
        t->unborn++;
        return false;
    }
    checkpoint_file *file = newest(r->trial);
    if (file == NULL) {
        t->before++;
        return false;
    }
    t->step = file->at.step;
    *(file->at.position == file->at.samples ? &t->edge : &t->middle) += 1;
    checkpoint_close(file);
    return t->step > before;
}

static void remove_trial(const runs *r)
{
    char command[FOLDER_BYTES + 16];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", r->trial);
    assert_int_equal(system(command), 0);
}

static void kill_often(const runs *r, int kills, uint64_t seed, double longest)
{
    tally t = {0};
    for (uint64_t i = 0; t.kills < kills; i++) {
        pid_t child = go_on(r);
        double share = 0.5 + 0.5 * support_random(seed, i);
        pause_for(longest * share * share); /* early moments more often */
        (void)kill(child, SIGKILL);
        if (was_killed(r, child)) {
            longest *= count_kill(r, &t) ? 1.0 : 1.02; /* the machine may be slower by now */
        } else {
            t.ends++;
            t.step = 0;
            assert_same_run(r);
            remove_trial(r);
        }
    }
    assert_false(was_killed(r, go_on(r)));
    assert_same_run(r);
    print_message("%d kills: %d before the run's folder was one, %d before its first checkpoint, "
                  "%d went on within an epoch, %d from its edge; %d runs came to their end\n",
                  t.kills, t.unborn, t.before, t.middle, t.edge, t.ends + 1);
}

static runs prepare(const char *ini)
{
    runs r = {.folder = folder_create()};
    folder_write(&r.folder, "killed.ini", ini, strlen(ini));
    (void)snprintf(r.ini, sizeof r.ini, "%s", folder_file(&r.folder, "killed.ini"));
    (void)snprintf(r.whole, sizeof r.whole, "%s", folder_file(&r.folder, "whole"));
    (void)snprintf(r.trial, sizeof r.trial, "%s", folder_file(&r.folder, "trial"));
    (void)snprintf(r.log, sizeof r.log, "%s", folder_file(&r.folder, "log"));
    (void)snprintf(r.out, sizeof r.out, "run.out=%s", r.trial);
    r.by_the_clock = strstr(ini, " seconds\n") != NULL;
    return r;
}

static void check_kills(const char *ini, uint64_t seed, double share)
{
    const char *given = getenv("ODEON_KILLS");
    int kills = (int)(share * (given != NULL ? atoi(given) : 50));
    runs r = prepare(ini);
    char out[FOLDER_BYTES + 16];
    (void)snprintf(out, sizeof out, "run.out=%s", r.whole);
    double began = clock_seconds();
    assert_false(was_killed(&r, start_new(&r, out)));
    double whole = clock_seconds() - began;
    kill_often(&r, kills, seed, whole / 4.0); /* a share, so that a run comes to its end */
    folder_remove(&r.folder);
}

static void test_killed_runs_with_adjoint_and_adamw_end_the_same(void **state)
{
    (void)state;
    check_kills(adaptive_adjoint, 1, 0.15);
}

static void test_killed_runs_with_direct_and_momentum_end_the_same(void **state)
{
    (void)state;
    check_kills(momentum_direct, 2, 0.15);
}

static void test_killed_runs_that_test_by_the_clock_end_with_the_same_weights(void **state)
{
    (void)state;
    check_kills(tested_by_the_clock, 6, 0.2);
}

static void test_killed_runs_that_skip_steps_end_the_same(void **state)
{
    (void)state;
    check_kills(skipping, 3, 0.1);
}

static void test_killed_runs_of_shipped_experiments_end_the_same(void **state)
{
    (void)state;
    check_kills(SHIPPED("fashion_mnist_conv_node.ini"), 4, 0.1);
    check_kills(SHIPPED("mnist_odenet_groupnorm.ini"), 5, 0.1);
}

static void test_killed_runs_with_chance_and_schedule_end_the_same(void **state)
{
    (void)state;
    check_kills(AUGMENTED("1"), 6, 0.2);
    check_kills(AUGMENTED("2"), 7, 0.2);
}

static void test_killed_runs_of_a_recipe_end_the_same(void **state)
{
    (void)state;
    check_kills(RECIPE("1", "stop_patience = 2 epochs\n"), 8, 0.1);
    check_kills(RECIPE("2", "eval_every = 3 steps\neval_test = yes\n"), 9, 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_runs_with_chance_and_schedule_end_the_same),
        cmocka_unit_test(test_killed_runs_of_a_recipe_end_the_same),
        cmocka_unit_test(test_killed_runs_of_shipped_experiments_end_the_same),
        cmocka_unit_test(test_killed_runs_with_adjoint_and_adamw_end_the_same),
        cmocka_unit_test(test_killed_runs_with_direct_and_momentum_end_the_same),
        cmocka_unit_test(test_killed_runs_that_test_by_the_clock_end_with_the_same_weights),
        cmocka_unit_test(test_killed_runs_that_skip_steps_end_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
