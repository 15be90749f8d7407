#include "run/manifest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/checksum.h"
#include "odeon/abi.h"
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

static void add_text(text_buffer *t, const char *indent, const char *key, const char *value)
{
    add_key(t, indent, key);
    if (value != NULL) {
        text_json_string(t, value);
    } else {
        text_add(t, "null");
    }
}

static void add_integer(text_buffer *t, const char *indent, const char *key, long long value)
{
    add_key(t, indent, key);
    text_printf(t, "%lld", value);
}

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

/* Left out where there are none. On one line, for manifest_compare.c. */
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

static void add_data(text_buffer *t, const manifest_facts *facts)
{
    char order[CHECKSUM_TEXT_BYTES], train[CHECKSUM_TEXT_BYTES], test[CHECKSUM_TEXT_BYTES];
    checksum_print(facts->order, order);
    checksum_print((uint64_t)facts->train_data, train);
    checksum_print((uint64_t)facts->test_data, test);
    add_key(t, "  ", "data");
    text_printf(t, "{\n    \"samples\": %lld", (long long)facts->samples);
    add_integer(t, "    ", "test_samples", facts->test_samples);
    add_text(t, "    ", "order", order);
    add_text(t, "    ", "content", train);
    add_text(t, "    ", "test_content", test);
    text_add(t, "\n  }");
}

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

/* Where an object's closing brace stands; NULL: before is not as it is printed here. */
static const char *last_brace(const char *before)
{
    static const char end[] = "\n}\n";
    size_t n = before != NULL ? strlen(before) : 0, m = sizeof end - 1;
    return n > m && strcmp(before + n - m, end) == 0 ? before + n - m : NULL;
}

static void add_resumed(text_buffer *t, const manifest_facts *facts, int64_t step)
{
    text_add(t, "    {\n      \"time\": ");
    add_time(t);
    add_integer(t, "      ", "step", step);
    add_command(t, "      ", facts);
    add_text(t, "      ", "device", facts->device_text);
    add_integer(t, "      ", "workers", facts->workers);
    add_kernels(t, "      ", facts->kernels);
    text_add(t, "\n    }\n  ]\n}\n");
}

void manifest_print_resumed(text_buffer *out, const char *before, const manifest_facts *facts,
                            int64_t step)
{
    static const char key[] = "\n  \"resumed\": [\n", closed[] = "\n  ]";
    text_buffer fresh = {0};
    const char *brace = last_brace(before);
    if (brace == NULL) {
        manifest_print(&fresh, facts);
        before = fresh.failed ? "" : fresh.data;
        brace = fresh.failed ? before : last_brace(before);
    }
    /* a line break cannot be within a string, so this is the key and no text that has its looks */
    if (strstr(before, key) == NULL) {
        text_add_bytes(out, before, (size_t)(brace - before));
        text_add(out, ",");
        text_add(out, key);
    } else {
        text_add_bytes(out, before, (size_t)(brace - before) - (sizeof closed - 1));
        text_add(out, ",\n");
    }
    add_resumed(out, facts, step);
    out->failed |= fresh.failed;
    text_fini(&fresh);
}
