/* run_fixture.h: a test of run directories in a working directory of its own. */
#ifndef ODEON_TESTS_RUN_FIXTURE_H
#define ODEON_TESTS_RUN_FIXTURE_H
#include <sys/resource.h>

#include "run/run_dir.h"

typedef struct run_fixture {
    char *folder, before[1024];
    char effective[64];
    config config; /* named "trial" */
} run_fixture;

/* For cmocka: *state becomes a run_fixture. */
int run_fixture_set_up(void **state);
int run_fixture_tear_down(void **state);
/* A test in that folder. */
#define WITH_FOLDER(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, run_fixture_set_up, run_fixture_tear_down)

/* csv and jsonl, from set_up to tear_down. */
observers *run_fixture_observers(void);

/* These fail the test on error. */
run_dir *run_fixture_create(const config *c);
char *run_fixture_read(const char *path); /* mem_free it */
void run_fixture_assert_contents(const char *path, const char *expected);

/* No file of this process may become longer; RLIM_INFINITY: any may. */
void run_fixture_limit_files(rlim_t bytes);

/* All of text is one JSON value. */
void run_fixture_assert_json(const char *text);

/* A row with a value for everything, with two metrics and two blocks. */
metrics_row run_fixture_row(void);
/* The event of a row, and a row added to m. */
odeon_event run_fixture_event(const metrics_row *row);
odeon_status run_fixture_add(metrics *m, const metrics_row *row);

#endif
