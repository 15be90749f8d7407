/* Which differences between two runs are worth a line: a table of fields, each with the part of the
 * manifest that it belongs to, in the order of how much they explain. What is not in the table,
 * such as times, command line and name of the host, is no difference. */
#include "run/manifest_compare.h"

#include <stddef.h>

/* A value as it stands in the file. */
static void add_value(text_buffer *out, const json_value *v)
{
    if (v != NULL) {
        json_print(out, v);
    } else {
        text_add(out, "(none)");
    }
}

static void add_pair(text_buffer *out, const char *name, const json_value *a, const json_value *b)
{
    text_add(out, name);
    text_add(out, " ");
    add_value(out, a);
    text_add(out, " | ");
    add_value(out, b);
}

typedef struct field {
    manifest_part part;
    const char *object, *name; /* object NULL: of the manifest itself */
} field;

static const field fields[] = {
    {MANIFEST_PLUGINS, NULL, "odeon"},
    {MANIFEST_PLUGINS, NULL, "abi"},
    {MANIFEST_MACHINE, NULL, "device"},
    {MANIFEST_MACHINE, NULL, "dtype"},
    {MANIFEST_MACHINE, NULL, "workers"},
    {MANIFEST_MACHINE, NULL, "kernels"},
    {MANIFEST_MACHINE, "machine", "architecture"},
    {MANIFEST_MACHINE, "machine", "processor"},
    {MANIFEST_MACHINE, "machine", "processors"},
    {MANIFEST_DATA, "data", "samples"},
    {MANIFEST_DATA, "data", "test_samples"},
    {MANIFEST_DATA, "data", "order"},
    {MANIFEST_DATA, "data", "content"},
    {MANIFEST_DATA, "data", "test_content"},
};

/* NULL where the object or the member is missing, or is of another kind. */
static const json_value *find_field(const json_value *manifest, const field *f)
{
    return json_member(f->object != NULL ? json_member(manifest, f->object) : manifest, f->name);
}

/* ---- plugins: [{"name": "cpu", ... "build_id": "...", ...}, ...] ---- */

/* Plugins are told apart by name: their order is that in which they were loaded. */
static const json_value *find_plugin(const json_value *plugins, const json_value *name)
{
    const json_value *x = json_first(plugins);
    while (x != NULL && !json_equal(json_member(x, "name"), name)) {
        x = json_next(plugins, x);
    }
    return x;
}

/* What tells two builds of a plugin apart: the hash of those that have no build-id. */
static const struct {
    const char *member, *name;
} marks[] = {{"build_id", ": build-id"}, {"sha256", ": SHA-256"}};
enum { N_MARKS = sizeof marks / sizeof *marks };

/* The first plugin of a that b lacks or, if ids, has in another build. */
static void compare_plugins(const json_value *a, const json_value *b, bool ids, bool swapped,
                            text_buffer *out)
{
    for (const json_value *x = json_first(a); x != NULL && out->length == 0; x = json_next(a, x)) {
        const json_value *name = json_member(x, "name");
        const json_value *found = name != NULL ? find_plugin(b, name) : x;
        for (int i = 0; i < N_MARKS && out->length == 0; i++) {
            const json_value *id = json_member(x, marks[i].member);
            const json_value *other = json_member(found, marks[i].member);
            if (found == NULL || (ids && !json_equal(id, other))) {
                add_value(out, name);
                text_add(out, marks[i].name);
                add_pair(out, "", swapped ? other : id, swapped ? id : other);
            }
        }
    }
}

/* The first difference alone: versions before plugins, since a new version brings new plugins. */
void manifest_difference(manifest_part part, const json_value *a, const json_value *b,
                         text_buffer *out)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const json_value *x = find_field(a, &fields[i]), *y = find_field(b, &fields[i]);
        if (fields[i].part == part && !json_equal(x, y)) {
            add_pair(out, fields[i].name, x, y);
            return;
        }
    }
    if (part == MANIFEST_PLUGINS) {
        const json_value *p = json_member(a, "plugins"), *q = json_member(b, "plugins");
        compare_plugins(p, q, true, false, out);
        if (out->length == 0) {
            compare_plugins(q, p, false, true, out);
        }
    }
}
