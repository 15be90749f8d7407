/* manifest.json: what a run was made of, beside its configuration. It is written once, before the
 * first step, and gets an entry for each time that the run went on; nothing in it is needed to go
 * on. Whoever compares runs reads it (manifest_compare.h). */
#include "run/manifest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/diag.h"
#include "format/json.h"
#include "odeon/abi.h"
#include "odeon/host.h"
#include "odeon/tensor.h"
#include "option/schema_print.h"
#include "plugin/registry.h"

/* Starts a member of an object that has one already. */
static void add_key(text_buffer *t, const char *indent, const char *key)
{
    text_printf(t, ",\n%s", indent);
    text_json_string(t, key);
    text_add(t, ": ");
}

/* value NULL becomes null. */
static void add_text(text_buffer *t, const char *indent, const char *key, const char *value)
{
    add_key(t, indent, key);
    if (value != NULL) {
        text_json_string(t, value);
    } else {
        text_add(t, "null");
    }
}

/* In full: whole numbers of JSON are not rounded where they are read by json.h. */
static void add_integer(text_buffer *t, const char *indent, const char *key, long long value)
{
    add_key(t, indent, key);
    text_printf(t, "%lld", value);
}

/* UTC, to the second, as ISO 8601 has it: manifests of several machines can be sorted. */
static void add_time(text_buffer *t)
{
    char when[32] = "";
    struct tm parts;
    time_t now = time(NULL);
    if (gmtime_r(&now, &parts) != NULL) {
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    text_json_string(t, when);
}

/* Word by word, so that blanks and quotes in a word need no shell to be read back. */
static void add_command(text_buffer *t, const char *indent, const manifest_facts *facts)
{
    add_key(t, indent, "command");
    text_add(t, "[");
    for (int i = 0; i < facts->argc; i++) {
        text_add(t, i > 0 ? ", " : "");
        text_json_string(t, facts->argv[i]);
    }
    text_add(t, "]");
}

/* The processor as Linux calls it: the first such line; "" where there is none. */
static void processor_name(char *name, size_t bytes)
{
    static const char label[] = "model name";
    char text[4096];
    name[0] = '\0';
    int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, label);
    const char *colon = line != NULL ? strchr(line, ':') : NULL;
    if (colon != NULL) {
        const char *value = colon + 1 + strspn(colon + 1, " \t");
        size_t length = strcspn(value, "\n");
        length = length < bytes ? length : bytes - 1;
        memcpy(name, value, length);
        name[length] = '\0';
    }
}

/* What may make two runs of one configuration differ in their last bits, and what helps to find the
 * machine again. */
static void add_machine(text_buffer *t)
{
    struct utsname system;
    char processor[256];
    bool known = uname(&system) == 0;
    processor_name(processor, sizeof processor);
    add_key(t, "  ", "machine");
    text_add(t, "{\n    \"host\": ");
    text_json_string(t, known ? system.nodename : "");
    add_text(t, "    ", "system", known ? system.sysname : "");
    add_text(t, "    ", "release", known ? system.release : "");
    add_text(t, "    ", "architecture", known ? system.machine : "");
    add_text(t, "    ", "processor", processor);
    add_integer(t, "    ", "processors", sysconf(_SC_NPROCESSORS_ONLN));
    add_integer(t, "    ", "memory_bytes",
                (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
    text_add(t, "\n  }");
}

/* What may have put other code into the process than the files below say. */
static void add_environment(text_buffer *t)
{
    static const char *const names[] = {"LD_LIBRARY_PATH", "ODEON_PLUGIN_PATH"};
    add_key(t, "  ", "environment");
    text_add(t, "{\n    \"LD_PRELOAD\": ");
    const char *preload = getenv("LD_PRELOAD");
    if (preload != NULL) {
        text_json_string(t, preload);
    } else {
        text_add(t, "null");
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        add_text(t, "    ", names[i], getenv(names[i]));
    }
    text_add(t, "\n  }");
}

/* Only those in use: what else a folder holds has had no part in the run. The build-id tells two
 * builds of one version apart. */
static void add_plugins(text_buffer *t, const registry *r)
{
    add_key(t, "  ", "plugins");
    text_add(t, "[");
    const char *separator = "";
    for (size_t i = 0; i < registry_plugin_count(r); i++) {
        registry_plugin plugin = registry_plugin_at(r, i);
        if (!plugin.in_use) {
            continue;
        }
        text_add(t, separator);
        separator = ",";
        text_add(t, "\n    {\"name\": ");
        text_json_string(t, plugin.root->name);
        text_add(t, ", \"version\": ");
        text_json_string(t, plugin.root->version);
        text_add(t, ", \"vendor\": ");
        text_json_string(t, plugin.root->vendor);
        text_printf(t, ", \"bytes\": %lld, \"build_id\": ", plugin.bytes);
        text_json_string(t, plugin.build_id);
        if (plugin.sha256[0] != '\0') {
            text_add(t, ", \"sha256\": ");
            text_json_string(t, plugin.sha256);
        }
        if (plugin.replaces[0] != '\0') {
            text_add(t, ", \"replaces\": ");
            text_json_string(t, plugin.replaces);
        }
        text_add(t, ", \"file\": ");
        text_json_string(t, plugin.file);
        text_add(t, "}");
    }
    text_add(t, "\n  ]");
}

/* What the INI asks of the device, and whether run.device = auto chose it. */
static void add_device(text_buffer *t, const manifest_facts *facts)
{
    const config *c = facts->config;
    text_buffer options = {0};
    bool known = c->device != NULL && schema_print(&options, c->device) == ODEON_OK;
    add_text(t, "  ", "device", facts->device_text);
    add_text(t, "  ", "device_options", known && !options.failed ? options.data : NULL);
    add_key(t, "  ", "device_auto");
    text_add(t, c->auto_device ? "true" : "false");
    t->failed |= options.failed;
    text_fini(&options);
}

/* Left out where there are none. */
static void add_kernels(text_buffer *t, const char *indent, const kernel_list *k)
{
    size_t n = kernels_count(k);
    if (n == 0) {
        return;
    }
    add_key(t, indent, "kernels");
    for (size_t i = 0; i < n; i++) {
        text_add(t, i == 0 ? "[" : ", ");
        text_json_string(t, kernels_at(k, i)->id);
    }
    text_add(t, "]");
}

/* Checksums of the samples in use and of their order in the first epoch, so that another copy of
 * the same data is seen to be the same. */
static void add_data(text_buffer *t, const manifest_facts *facts)
{
    char order[CHECKSUM_TEXT_BYTES], train[CHECKSUM_TEXT_BYTES], test[CHECKSUM_TEXT_BYTES];
    checksum_print(facts->order, order);
    checksum_print((uint64_t)facts->train_data, train);
    checksum_print((uint64_t)facts->test_data, test);
    add_key(t, "  ", "data");
    text_printf(t, "{\n    \"samples\": %lld", (long long)facts->samples);
    add_integer(t, "    ", "test_samples", facts->test_samples);
    if (facts->validation_samples > 0) {
        add_integer(t, "    ", "validation_samples", facts->validation_samples);
    }
    add_text(t, "    ", "order", order);
    add_text(t, "    ", "content", train);
    add_text(t, "    ", "test_content", test);
    text_add(t, "\n  }");
}

/* A failure of memory is in out->failed, which the caller looks at once. */
void manifest_print(text_buffer *out, const manifest_facts *facts)
{
    const config *c = facts->config;
    text_add(out, "{\n  \"odeon\": ");
    text_json_string(out, ODEON_VERSION);
    add_text(out, "  ", "abi", ODEON_TEXT(ODEON_ABI_MAJOR) "." ODEON_TEXT(ODEON_ABI_MINOR));
    add_key(out, "  ", "started");
    add_time(out);
    add_command(out, "  ", facts);
    add_text(out, "  ", "ini", c->ini);
    add_key(out, "  ", "seed");
    text_printf(out, "%llu", (unsigned long long)c->seed);
    add_text(out, "  ", "dtype", c->dtype == ODEON_DTYPE_F64 ? "float64" : "float32");
    add_integer(out, "  ", "workers", facts->workers);
    add_device(out, facts);
    add_kernels(out, "  ", facts->kernels);
    add_data(out, facts);
    add_machine(out);
    add_environment(out);
    add_plugins(out, facts->registry);
    text_add(out, "\n}\n");
}

/* ---- a run that goes on ---- */

/* One element of "resumed". */
static void add_resumed(text_buffer *t, const manifest_facts *facts, int64_t step)
{
    text_add(t, "    {\n      \"time\": ");
    add_time(t);
    add_integer(t, "      ", "step", step);
    add_command(t, "      ", facts);
    add_text(t, "      ", "device", facts->device_text);
    add_integer(t, "      ", "workers", facts->workers);
    add_kernels(t, "      ", facts->kernels);
    text_add(t, "\n    }");
}

/* Where the element goes into a manifest, and what it needs around it. */
typedef struct insertion {
    size_t at; /* bytes of the manifest before it */
    const char *before, *behind;
} insertion;

/* The end of the last value in parent, or, if it is empty, the byte behind its bracket. */
static size_t end_of_children(const json_value *parent)
{
    size_t at = parent->begin + 1;
    for (const json_value *x = json_first(parent); x != NULL; x = json_next(parent, x)) {
        at = x->end;
    }
    return at;
}

/* The manifest stays as it was but for the element: it may hold members of a later version, which
 * are kept. */
static odeon_status find_insertion(const json_value *root, insertion *out)
{
    const json_value *list = json_member(root, "resumed");
    if (root->kind != JSON_OBJECT || (list != NULL && list->kind != JSON_ARRAY)) {
        return diag_fail(ODEON_ERR_DATA, "manifest.json: %s",
                         list != NULL ? "\"resumed\" is no array" : "no object");
    }
    out->at = end_of_children(list != NULL ? list : root);
    if (list != NULL) {
        out->before = list->n > 0 ? ",\n" : "\n";
        out->behind = list->n > 0 ? "" : "\n  ";
    } else {
        out->before = root->n > 0 ? ",\n  \"resumed\": [\n" : "\n  \"resumed\": [\n";
        out->behind = root->n > 0 ? "\n  ]" : "\n  ]\n";
    }
    return ODEON_OK;
}

/* ODEON_ERR_DATA where before is no manifest; nothing is added to out then. */
static odeon_status insert_resumed(text_buffer *out, const char *manifest,
                                   const manifest_facts *facts, int64_t step)
{
    json j;
    insertion where = {.at = 0};
    ODEON_TRY(json_parse("manifest.json", manifest, strlen(manifest), &j));
    odeon_status status = find_insertion(j.values, &where);
    json_fini(&j);
    ODEON_TRY(status);
    text_add_bytes(out, manifest, where.at);
    text_add(out, where.before);
    add_resumed(out, facts, step);
    text_add(out, where.behind);
    text_add(out, manifest + where.at);
    return ODEON_OK;
}

/* The manifest of a run that began without one, or whose manifest cannot be read. */
static void insert_into_fresh(text_buffer *out, const manifest_facts *facts, int64_t step)
{
    text_buffer fresh = {0};
    manifest_print(&fresh, facts);
    out->failed |= fresh.failed || insert_resumed(out, fresh.data, facts, step) != ODEON_OK;
    text_fini(&fresh);
}

/* A manifest that cannot be read does not stop the run; that it is replaced is said. */
void manifest_print_resumed(text_buffer *out, const char *before, const manifest_facts *facts,
                            int64_t step)
{
    odeon_status status =
        before != NULL ? insert_resumed(out, before, facts, step) : ODEON_ERR_DATA;
    if (status == ODEON_ERR_DATA) {
        if (before != NULL) {
            diag_log(ODEON_LOG_WARNING, "%s; a manifest of now takes its place", diag_message());
        }
        diag_clear();
        insert_into_fresh(out, facts, step);
    }
    out->failed |= status == ODEON_ERR_NOMEM;
}
