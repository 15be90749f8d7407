/* Which keys of two normal forms differ in a way that would make a run's steps other ones. The
 * forms are compared as texts, section by section and key by key, since that is what a run leaves
 * of its configuration. */
#include "run/config_changes.h"

#include <stdio.h>
#include <string.h>

static const char *const may_change[] = {
    "run.name",       "run.epochs",           "run.iterations",
    "run.log_every",  "run.checkpoint_every", "run.checkpoint_seconds",
    "run.on_failure", "run.patience",         "run.observers",
    "run.eval_test",  "run.stop_patience",    "run.max_time"};
enum { N_MAY_CHANGE = sizeof may_change / sizeof *may_change };

/* Keys that no bit of a step depends on: how long the run is, what it is called, and how often it
 * says or saves something. */
bool config_may_change(const char *key, size_t n)
{
    for (size_t i = 0; i < N_MAY_CHANGE; i++) {
        if (strlen(may_change[i]) == n && memcmp(may_change[i], key, n) == 0) {
            return true;
        }
    }
    return false;
}

/* "run.name, run.epochs ... and run.patience", for messages. */
void config_may_change_print(text_buffer *out)
{
    for (size_t i = 0; i < N_MAY_CHANGE; i++) {
        const char *before = i == 0 ? "" : i + 1 < N_MAY_CHANGE ? ", " : " and ";
        text_printf(out, "%s%s", before, may_change[i]);
    }
}

/* ---- a normal form, line by line ---- */

/* A part of a text that is not terminated. */
typedef struct slice {
    const char *data;
    size_t length;
} slice;

static bool same(slice a, slice b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* One key of a normal form: [section], key = value. */
typedef struct entry {
    slice section, key, value;
} entry;

/* Where the next line begins, and the section that it stands in. */
typedef struct reader {
    const char *at;
    slice section;
} reader;

/* The next key; false at the end. */
static bool next_entry(reader *r, entry *out)
{
    while (*r->at != '\0') {
        slice line = {r->at, strcspn(r->at, "\n")};
        r->at += line.length + (r->at[line.length] == '\n');
        const char *equals = memchr(line.data, '=', line.length);
        if (line.length >= 2 && line.data[0] == '[') {
            r->section = (slice){line.data + 1, line.length - 2};
        } else if (equals != NULL && equals > line.data) {
            const char *end = line.data + line.length;
            size_t blank = equals + 1 < end && equals[1] == ' ' ? 1 : 0;
            *out = (entry){.section = r->section,
                           .key = {line.data, (size_t)(equals - line.data) - (equals[-1] == ' ')},
                           .value = {equals + 1 + blank, (size_t)(end - equals) - 1 - blank}};
            return true;
        }
    }
    return false;
}

/* Finds x's key; r goes on behind it. Both forms have their keys in one order, so that it is nearly
 * always the next one, and else may stand anywhere. */
static bool find_entry(const char *text, reader *r, const entry *x, entry *found)
{
    reader next = *r, any = {.at = text};
    if (next_entry(&next, found) && same(found->section, x->section) && same(found->key, x->key)) {
        *r = next;
        return true;
    }
    while (next_entry(&any, found)) {
        if (same(found->section, x->section) && same(found->key, x->key)) {
            *r = any;
            return true;
        }
    }
    return false;
}

/* ---- differences ---- */

enum { MOST_NAMED = 8, MOST_BYTES = 40, KEY_BYTES = 512 };

/* n counts all changes, also those beyond MOST_NAMED, of which only the number is said. */
typedef struct listing {
    text_buffer *out;
    size_t n;
} listing;

/* Long values are cut at a character: the message names the key, the files have the rest. */
static void add_value(text_buffer *out, const slice *value)
{
    if (value == NULL) {
        text_add(out, "not given");
        return;
    }
    size_t n = value->length;
    if (n > MOST_BYTES) {
        n = MOST_BYTES;
        while (n > 0 && ((unsigned char)value->data[n] & 0xc0) == 0x80) { /* within a character */
            n--;
        }
    }
    text_add_bytes(out, value->data, n);
    text_add(out, n < value->length ? "..." : "");
}

/* A name too long for the buffer is none of the few that may change. */
static bool is_free(const entry *x)
{
    char name[KEY_BYTES];
    int n = snprintf(name, sizeof name, "%.*s.%.*s", (int)x->section.length, x->section.data,
                     (int)x->key.length, x->key.data);
    return n > 0 && (size_t)n < sizeof name && config_may_change(name, (size_t)n);
}

/* "SECTION.KEY: THEN, now NOW"; NULL is what one of the forms does not have. */
static void add_change(listing *l, const entry *x, const slice *then, const slice *now)
{
    if (is_free(x) || l->n++ >= MOST_NAMED) {
        return;
    }
    text_printf(l->out, "%s%.*s.%.*s: ", l->n > 1 ? "; " : "", (int)x->section.length,
                x->section.data, (int)x->key.length, x->key.data);
    add_value(l->out, then);
    text_add(l->out, ", now ");
    add_value(l->out, now);
}

/* What then has comes first, changed or gone, after it what is new. */
void config_changes(const char *then, const char *now, text_buffer *out)
{
    listing l = {.out = out};
    entry x, found;
    reader there = {.at = now}, r = {.at = then};
    while (next_entry(&r, &x)) {
        bool is_there = find_entry(now, &there, &x, &found);
        if (!is_there || !same(x.value, found.value)) {
            add_change(&l, &x, &x.value, is_there ? &found.value : NULL);
        }
    }
    there = (reader){.at = then};
    r = (reader){.at = now};
    while (next_entry(&r, &x)) {
        if (!find_entry(then, &there, &x, &found)) {
            add_change(&l, &x, NULL, &x.value);
        }
    }
    if (l.n > MOST_NAMED) {
        text_printf(out, "; and %zu more", l.n - MOST_NAMED);
    }
}
