#include <stdio.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "captured.h"
#include "format/json.h"
#include "plugin/registry.h"
#include "run/manifest.h"
#include "run/manifest_compare.h"

typedef struct facts {
    config config;
    registry *registry;
    manifest_facts facts;
} facts;

static int set_up(void **state)
{
    static const char *const argv[] = {"odeon", "train", "\"]}\n"};
    static facts f;
    f = (facts){.registry = support_registry()};
    f.facts = (manifest_facts){.config = &f.config,
                               .registry = f.registry,
                               .device_text = "cpu: \"x\"",
                               .workers = 2,
                               .argc = 3,
                               .argv = argv};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    facts *f = *state;
    registry_destroy(f->registry);
    return 0;
}

static json read(const char *text)
{
    json j;
    diag_clear();
    if (json_parse("manifest.json", text, strlen(text), &j) != ODEON_OK) {
        fail_msg("%s in %s", diag_message(), text);
    }
    return j;
}

/* before with one entry more; mem_free it with text_fini. */
static text_buffer resume(const facts *f, const char *before, int64_t step)
{
    text_buffer out = {0};
    manifest_print_resumed(&out, before, &f->facts, step);
    assert_false(out.failed);
    return out;
}

/* The steps of all entries, as "8 12". */
static void assert_steps(const char *manifest, const char *expected)
{
    char steps[128] = "";
    json j = read(manifest);
    const json_value *list = json_member(j.values, "resumed");
    assert_non_null(list);
    assert_int_equal(list->kind, JSON_ARRAY);
    for (const json_value *x = json_first(list); x != NULL; x = json_next(list, x)) {
        size_t n = strlen(steps);
        (void)snprintf(steps + n, sizeof steps - n, "%s%s", n > 0 ? " " : "",
                       json_member(x, "step")->text);
    }
    assert_string_equal(steps, expected);
    json_fini(&j);
}

/* Without the entry, which is one per file, everything of before is there, byte by byte. */
static void assert_kept(const char *before, const char *after, const char *head, const char *tail)
{
    assert_int_equal(strlen(head) + strlen(tail), strlen(before));
    assert_memory_equal(after, head, strlen(head));
    assert_string_equal(after + strlen(after) - strlen(tail), tail);
}

static void test_a_manifest_of_ours_gets_its_entries_where_it_ends(void **state)
{
    const facts *f = *state;
    text_buffer fresh = {0};
    manifest_print(&fresh, &f->facts);
    text_buffer once = resume(f, fresh.data, 8), twice = resume(f, once.data, 12);
    assert_memory_equal(once.data, fresh.data, fresh.length - 3);
    assert_string_equal(once.data + once.length - 13, "\n    }\n  ]\n}\n");
    assert_memory_equal(once.data + fresh.length - 3,
                        ",\n  \"resumed\": [\n    {\n      \"time\": ", 36);
    assert_memory_equal(twice.data, once.data, once.length - 7);
    assert_memory_equal(twice.data + once.length - 7, ",\n    {\n", 8);
    assert_steps(once.data, "8");
    assert_steps(twice.data, "8 12");
    text_fini(&fresh);
    text_fini(&once);
    text_fini(&twice);
}

typedef struct edited {
    const char *head, *tail, *steps; /* head + tail is the manifest, the entry goes between */
} edited;

/* Other order, other blanks, text that looks like a key of the host's. */
static void test_an_edited_manifest_is_kept_as_it_is(void **state)
{
    const facts *f = *state;
    static const edited all[] = {
        {"{\"note\": \"\\n  \\\"resumed\\\": [\\n\"", "}", "5"},
        {"{ \"resumed\":[{\"step\": 3}", "], \"odeon\" : \"x\" }", "3 5"},
        {"{\"a\": 1,\n\"resumed\": [", " ],\n\"b\": 2}\n\n", "5"},
        {"{", "}", "5"},
        {"\t{", "  }\n", "5"},
        {"{\"resumed\": [{\"step\": 1},\n\n{\"step\": 2}", "\n]\n}", "1 2 5"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *before = mem_printf("%s%s", all[i].head, all[i].tail);
        text_buffer after = resume(f, before, 5);
        assert_kept(before, after.data, all[i].head, all[i].tail);
        assert_steps(after.data, all[i].steps);
        text_fini(&after);
        mem_free(before);
    }
}

static void test_what_is_no_manifest_is_replaced_with_a_warning(void **state)
{
    const facts *f = *state;
    static const char *const bad[][2] = {
        {"", "manifest.json:1: expected a value"},
        {"{\"a\": 1,\n \"a\": 2}", "manifest.json:2: a member that the object has already"},
        {"[1]", "manifest.json: no object"},
        {"{\"resumed\": {}}", "manifest.json: \"resumed\" is no array"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        captured said;
        captured_start(&said);
        text_buffer out = resume(f, bad[i][0], 5);
        captured_stop(&said);
        char *expected =
            mem_printf("odeon: warning: %s; a manifest of now takes its place\n", bad[i][1]);
        assert_string_equal(said.text, expected);
        assert_string_equal(diag_message(), "");
        assert_steps(out.data, "5");
        json j = read(out.data);
        assert_non_null(json_member(j.values, "started"));
        json_fini(&j);
        text_fini(&out);
        mem_free(expected);
    }
}

static void test_every_failing_allocation_is_noticed(void **state)
{
    const facts *f = *state;
    static const char *const befores[] = {"{\"a\": 1}", NULL};
    for (size_t i = 0; i < 2; i++) {
        bool failed = true;
        for (int n = 1; failed; n++) {
            text_buffer out = {0};
            mem_fail_at(n);
            manifest_print_resumed(&out, befores[i], &f->facts, 5);
            mem_fail_at(0);
            failed = out.failed;
            if (!failed) {
                assert_steps(out.data, "5");
            }
            text_fini(&out);
            assert_true(n < 100);
        }
    }
}

/* ---- two manifests ---- */

static void assert_difference(manifest_part part, const char *a, const char *b,
                              const char *expected)
{
    json x = read(a), y = read(b);
    text_buffer out = {0};
    manifest_difference(part, x.values, y.values, &out);
    assert_string_equal(out.data != NULL ? out.data : "", expected);
    text_fini(&out);
    json_fini(&x);
    json_fini(&y);
}

static void test_manifests_that_say_the_same_do_not_differ(void **state)
{
    (void)state;
    static const char a[] = "{\"odeon\": \"1\", \"machine\": {\"processor\": \"A\", \"host\": "
                            "\"x\"}, \"kernels\": [\"k\", \"l\"], \"data\": {\"samples\": 4}, "
                            "\"plugins\": [{\"name\": \"p\", \"build_id\": \"1\"}, {\"name\": "
                            "\"q\", \"build_id\": \"2\"}]}";
    static const char b[] =
        "{\"plugins\": [{\"build_id\": \"2\", \"name\": \"q\"},\n{\"name\": "
        "\"p\", \"build_id\":\"1\"}],\"data\":{\"samples\":4},\"kernels\":"
        "[\"k\",\"l\"],\n\"machine\":{\"host\":\"y\",\"processor\":\"\\u0041\"},"
        "\"odeon\":\"1\"}";
    for (manifest_part part = MANIFEST_PLUGINS; part <= MANIFEST_DATA; part++) {
        assert_difference(part, a, b, "");
        assert_difference(part, b, a, "");
    }
}

typedef struct difference {
    manifest_part part;
    const char *a, *b, *expected;
} difference;

static void test_the_first_difference_is_reported(void **state)
{
    (void)state;
    static const difference all[] = {
        {MANIFEST_PLUGINS, "{\"odeon\": \"1\"}", "{\"odeon\": \"2\"}", "odeon \"1\" | \"2\""},
        {MANIFEST_PLUGINS, "{\"abi\": \"1\"}", "{}", "abi \"1\" | (none)"},
        {MANIFEST_MACHINE, "{\"device\": null}", "{\"device\": \"cpu\"}", "device null | \"cpu\""},
        {MANIFEST_MACHINE, "{\"kernels\":[\"k\",\"l\"]}", "{}", "kernels [\"k\", \"l\"] | (none)"},
        {MANIFEST_MACHINE, "{\"machine\": {\"processors\": 1}}", "{\"machine\": 3}",
         "processors 1 | (none)"},
        {MANIFEST_DATA, "{\"data\": {\"samples\": 1}}", "{\"data\": {\"samples\": 2}}",
         "samples 1 | 2"},
        {MANIFEST_DATA, "{\"samples\": 1}", "{\"samples\": 2}", ""},
        {MANIFEST_PLUGINS, "{\"plugins\": [{\"name\": \"p\", \"build_id\": \"1\"}]}",
         "{\"plugins\": [{\"name\": \"p\", \"build_id\": \"2\"}]}",
         "\"p\": build-id \"1\" | \"2\""},
        {MANIFEST_PLUGINS, "{\"plugins\": [{\"name\": \"p\"}]}",
         "{\"plugins\": [{\"name\": \"p\", \"build_id\": \"2\"}]}",
         "\"p\": build-id (none) | \"2\""},
        {MANIFEST_PLUGINS, "{\"plugins\": [{\"name\": \"p\", \"build_id\": \"1\"}]}",
         "{\"plugins\": []}", "\"p\": build-id \"1\" | (none)"},
        {MANIFEST_PLUGINS, "{}", "{\"plugins\": [{\"name\": \"p\", \"build_id\": \"1\"}]}",
         "\"p\": build-id (none) | \"1\""},
        {MANIFEST_PLUGINS, "{\"plugins\": [{\"version\": \"1\"}, 4]}", "{\"plugins\": 4}", ""},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_difference(all[i].part, all[i].a, all[i].b, all[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_manifest_of_ours_gets_its_entries_where_it_ends),
        cmocka_unit_test(test_an_edited_manifest_is_kept_as_it_is),
        cmocka_unit_test(test_what_is_no_manifest_is_replaced_with_a_warning),
        cmocka_unit_test(test_every_failing_allocation_is_noticed),
        cmocka_unit_test(test_manifests_that_say_the_same_do_not_differ),
        cmocka_unit_test(test_the_first_difference_is_reported),
    };
    return cmocka_run_group_tests_name("manifest", tests, set_up, tear_down);
}
