/* data_fixture.h: a configured data set, opened as the host opens it. All functions fail the test
 * on error. */
#ifndef ODEON_TESTS_DATA_FIXTURE_H
#define ODEON_TESTS_DATA_FIXTURE_H
#include "data/data.h"
#include "plugin/registry.h"

typedef struct data_fixture {
    registry *registry;
    config config;
    char order[64]; /* path of an order file */
} data_fixture;

/* Set-up and tear-down of a test whose state is a data_fixture. */
int data_fixture_open(void **state);
int data_fixture_close(void **state);

/* A configuration of this data set ("numbered(length=3)"), as stored, without limits, for batches
 * of 4 in float32. It lasts until the next use. */
config *data_fixture_use(data_fixture *f, const char *expression);
/* The same of "numbered" with an order file of these bytes. */
config *data_fixture_use_order(data_fixture *f, const char *text, size_t bytes);

/* The split (ODEON_SPLIT_*), which the caller closes. */
data_source *data_fixture_source(const config *c, int32_t split);

#endif
