#include "run/manifest_compare.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a text. */
typedef struct slice {
    const char *data; /* NULL: there is none */
    size_t length;
} slice;

static bool same(slice a, slice b)
{
    return a.length == b.length && (a.data == b.data || (a.data != NULL && b.data != NULL &&
                                                         memcmp(a.data, b.data, a.length) == 0));
}

static void add_pair(text_buffer *out, const char *name, slice a, slice b)
{
    static const slice none = {"(none)", 6};
    a = a.data != NULL ? a : none;
    b = b.data != NULL ? b : none;
    text_printf(out, "%s %.*s | %.*s", name, (int)a.length, a.data, (int)b.length, b.data);
}

/* The value of the member that stands, so indented, on a line of its own. A line break within a
 * string is escaped, so that nothing else looks like it. */
static slice member(const char *json, const char *indent, const char *key)
{
    char start[64];
    (void)snprintf(start, sizeof start, "\n%s\"%s\": ", indent, key);
    const char *at = strstr(json, start);
    if (at == NULL) {
        return (slice){NULL, 0};
    }
    slice out = {.data = at + strlen(start)};
    out.length = strcspn(out.data, "\n");
    out.length -= out.length > 0 && out.data[out.length - 1] == ',';
    return out;
}

typedef struct place {
    int part;
    const char *indent, *key;
} place;

static const place places[] = {
    {MANIFEST_PLUGINS, "  ", "odeon"},          {MANIFEST_PLUGINS, "  ", "abi"},
    {MANIFEST_MACHINE, "  ", "device"},         {MANIFEST_MACHINE, "  ", "dtype"},
    {MANIFEST_MACHINE, "  ", "workers"},        {MANIFEST_MACHINE, "  ", "kernels"},
    {MANIFEST_MACHINE, "    ", "architecture"}, {MANIFEST_MACHINE, "    ", "processor"},
    {MANIFEST_MACHINE, "    ", "processors"},   {MANIFEST_DATA, "    ", "samples"},
    {MANIFEST_DATA, "    ", "test_samples"},    {MANIFEST_DATA, "    ", "order"},
    {MANIFEST_DATA, "    ", "content"},         {MANIFEST_DATA, "    ", "test_content"},
};

/* ---- plugins: one a line, {"name": "cpu", ... "build_id": "...", ...} ---- */

static const char line_start[] = "\n    {\"name\": ";

/* From the name's first quote on; NULL: no more. */
static const char *next_plugin(const char *from)
{
    const char *at = strstr(from, line_start);
    return at != NULL ? at + sizeof line_start - 1 : NULL;
}

/* A string of JSON with its quotes. */
static slice string_at(const char *p)
{
    size_t n = 1;
    while (p[n] != '\0' && p[n] != '"' && p[n] != '\n') {
        n += p[n] == '\\' && p[n + 1] != '\0' ? 2 : 1;
    }
    return (slice){p, p[n] == '"' ? n + 1 : n};
}

static slice build_id(const char *plugin)
{
    static const char key[] = "\"build_id\": ";
    const char *at = strstr(plugin, key);
    const char *end = strchr(plugin, '\n');
    return at != NULL && (end == NULL || at < end) ? string_at(at + sizeof key - 1)
                                                   : (slice){NULL, 0};
}

static const char *find_plugin(const char *json, slice name)
{
    const char *at = next_plugin(json);
    while (at != NULL && !same(string_at(at), name)) {
        at = next_plugin(at);
    }
    return at;
}

/* The first plugin of a that b lacks or, if ids, has in another build. */
static void compare_plugins(const char *a, const char *b, bool ids, bool swapped, text_buffer *out)
{
    for (const char *at = next_plugin(a); at != NULL && out->length == 0; at = next_plugin(at)) {
        slice name = string_at(at), id = build_id(at), other = {NULL, 0};
        const char *found = find_plugin(b, name);
        if (found != NULL) {
            other = build_id(found);
        }
        if (found == NULL || (ids && !same(id, other))) {
            text_printf(out, "%.*s: build-id", (int)name.length, name.data);
            add_pair(out, "", swapped ? other : id, swapped ? id : other);
        }
    }
}

void manifest_difference(int part, const char *a, const char *b, text_buffer *out)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const place *p = &places[i];
        slice x = member(a, p->indent, p->key), y = member(b, p->indent, p->key);
        if (p->part == part && !same(x, y)) {
            add_pair(out, p->key, x, y);
            return;
        }
    }
    if (part == MANIFEST_PLUGINS) {
        compare_plugins(a, b, true, false, out);
        if (out->length == 0) {
            compare_plugins(b, a, false, true, out);
        }
    }
}
