#include "run_fixture.h"

#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "base/temporary.h"
#include "json_check.h"
#include "support.h"

/* The observers of every run, which a test of files need not know of. */
static registry *plugins;
static observers *all;

observers *run_fixture_observers(void)
{
    return all;
}

static char run_name[] = "trial", ini[] = "/x/trial.ini";

int run_fixture_set_up(void **state)
{
    run_fixture *f = calloc(1, sizeof *f);
    if (f == NULL || getcwd(f->before, sizeof f->before) == NULL) {
        return -1;
    }
    if (temporary_folder(&f->folder) != ODEON_OK || chdir(f->folder) != 0) {
        return -1;
    }
    (void)snprintf(f->effective, sizeof f->effective, "[run]\nname = trial\n");
    f->config = (config){.name = run_name,
                         .effective = f->effective,
                         .ini = ini,
                         .seed = UINT64_MAX,
                         .dtype = ODEON_DTYPE_F32};
    diag_clear();
    *state = f;
    plugins = support_registry();
    return observers_create(plugins, &f->config, 0, NULL, &all) == ODEON_OK ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

int run_fixture_tear_down(void **state)
{
    run_fixture *f = *state;
    observers_destroy(all);
    registry_destroy(plugins);
    int result = chdir(f->before);
    result |= nftw(f->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(f->folder);
    free(f);
    return result;
}

run_dir *run_fixture_create(const config *c)
{
    run_dir *dir = NULL;
    if (run_dir_create(c, all, &dir) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return dir;
}

char *run_fixture_read(const char *path)
{
    char *contents;
    size_t bytes;
    if (read_file(path, &contents, &bytes) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return contents;
}

void run_fixture_assert_contents(const char *path, const char *expected)
{
    char *contents = run_fixture_read(path);
    assert_string_equal(contents, expected);
    mem_free(contents);
}

void run_fixture_limit_files(rlim_t bytes)
{
    struct rlimit r;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

void run_fixture_assert_json(const char *text)
{
    size_t at = 0;
    if (!json_check(text, &at)) {
        fail_msg("no JSON at byte %zu: '%.40s'", at, text + at);
    }
}

static const char *const metric_names[] = {"accuracy", "top,5"};
static const double metric_values[] = {0.5, 1.0};

static const ode_counters blocks[] = {
    {.path = "ode",
     .evals_forward = 12,
     .evals_backward = 24,
     .accepted = 3,
     .rejected = 1,
     .accepted_backward = 5,
     .rejected_backward = 2,
     .h_min = 0.125,
     .h_max = 0.5,
     .drift = 1e-7,
     .bytes = 4096,
     .share = 0.25},
    {.path = "second.ode",
     .h_min = (double)NAN,
     .h_max = (double)INFINITY,
     .drift = (double)NAN,
     .share = (double)NAN},
};

metrics_row run_fixture_row(void)
{
    return (metrics_row){.step = 1,
                         .epoch = 2,
                         .seconds = 0.1,
                         .split = ODEON_SPLIT_TRAIN,
                         .loss = 2.302585092994046,
                         .n_metrics = 2,
                         .metric_names = metric_names,
                         .metrics = metric_values,
                         .lr = 1e-3,
                         .grad_norm = 1e300,
                         .samples_per_second = 12345.5,
                         .device = {.waits = 3, .launches = 46, .allocs = 0},
                         .n_blocks = 2,
                         .blocks = blocks};
}

odeon_event run_fixture_event(const metrics_row *row)
{
    return (odeon_event){.struct_size = sizeof(odeon_event),
                         .type = ODEON_EVENT_ROW,
                         .step = row->step,
                         .epoch = row->epoch,
                         .seconds = row->seconds};
}

odeon_status run_fixture_add(metrics *m, const metrics_row *row)
{
    odeon_event event = run_fixture_event(row);
    return metrics_event(m, &event, row);
}
