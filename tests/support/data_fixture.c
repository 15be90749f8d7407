#include "data_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/location.h"
#include "plugin/component.h"
#include "support.h"

int data_fixture_open(void **state)
{
    data_fixture *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return -1;
    }
    (void)snprintf(f->order, sizeof f->order, "/tmp/odeon-test-XXXXXX");
    int fd = mkstemp(f->order);
    if (fd < 0 || close(fd) != 0) {
        free(f);
        return -1;
    }
    f->registry = support_registry();
    *state = f;
    return 0;
}

int data_fixture_close(void **state)
{
    data_fixture *f = *state;
    schema_destroy(f->config.dataset);
    registry_destroy(f->registry);
    int result = unlink(f->order);
    free(f);
    return result;
}

config *data_fixture_use(data_fixture *f, const char *expression)
{
    location where = {.file = "test"};
    schema_destroy(f->config.dataset);
    f->config = (config){.batch = 4, .test_batch = 4};
    diag_clear();
    if (component_read(f->registry, ODEON_KIND_DATASET, expression, where, "data", "/", 0, NULL,
                       &f->config.dataset) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return &f->config;
}

config *data_fixture_use_order(data_fixture *f, const char *text, size_t bytes)
{
    config *c = data_fixture_use(f, "numbered");
    FILE *file = fopen(f->order, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    c->order = f->order;
    return c;
}

data_source *data_fixture_source(const config *c, int32_t split)
{
    data_source *source = NULL;
    if (data_open(c, split, &source) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return source;
}
