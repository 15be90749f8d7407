/* inspect_capture.h: what the parts of `odeon inspect` write. */
#ifndef ODEON_TESTS_UNIT_INSPECT_CAPTURE_H
#define ODEON_TESTS_UNIT_INSPECT_CAPTURE_H
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "json_check.h"

/* What a stream received; free it. */
typedef struct capture {
    FILE *stream;
    char *text;
    size_t bytes;
} capture;

static inline void capture_start(capture *c)
{
    c->stream = open_memstream(&c->text, &c->bytes);
    assert_non_null(c->stream);
}

static inline void assert_says(const capture *c, const char *text)
{
    if (strstr(c->text, text) == NULL) {
        fail_msg("'%s' does not stand in:\n%s", text, c->text);
    }
}

static inline registry *open_registry(const char *path)
{
    registry *r = NULL;
    diag_clear();
    if (registry_create(1, &path, &r) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return r;
}

static inline void assert_json(const char *text)
{
    size_t at = 0;
    if (!json_check(text, &at)) {
        fail_msg("no JSON at byte %zu: '%.40s' in:\n%s", at, text + at, text);
    }
}

#endif
