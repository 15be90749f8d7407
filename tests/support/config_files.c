#include "config_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/config_load.h"
#include "config/document_load.h"

registry *config_files_plugins;
char config_files_folder[] = "/tmp/odeon-config-XXXXXX";

static const char *const files[] = {"t.ini", "base.ini", "more.ini", "sub/inner.ini"};

int config_files_open(void **state)
{
    (void)state;
    config_files_plugins = support_registry();
    char sub[64];
    if (mkdtemp(config_files_folder) == NULL) {
        return -1;
    }
    (void)snprintf(sub, sizeof sub, "%s/sub", config_files_folder);
    return mkdir(sub, 0700);
}

int config_files_close(void **state)
{
    (void)state;
    registry_destroy(config_files_plugins);
    char name[64];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", config_files_folder, files[i]);
        (void)unlink(name);
    }
    (void)snprintf(name, sizeof name, "%s/sub", config_files_folder);
    (void)rmdir(name);
    return rmdir(config_files_folder);
}

void config_files_write(const char *name, const char *text)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", config_files_folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

odeon_status config_files_try(size_t n, const char *const *overrides, config **out)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/t.ini", config_files_folder);
    diag_clear();
    return config_load(config_files_plugins, path, n, overrides, out);
}

config *config_files_load_with(const char *text, size_t n, const char *const *overrides)
{
    config *c = NULL;
    config_files_write("t.ini", text);
    if (config_files_try(n, overrides, &c) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return c;
}

config *config_files_load(const char *text)
{
    return config_files_load_with(text, 0, NULL);
}

void config_files_expect(odeon_status status, odeon_status expected, const char *message)
{
    if (status != expected || strstr(diag_message(), message) == NULL) {
        fail_msg("expected %d '%s', got %d '%s'", (int)expected, message, (int)status,
                 diag_message());
    }
}

void config_files_refuse(const char *text, const char *override, const char *message)
{
    config *c = NULL;
    config_files_write("t.ini", text);
    config_files_expect(config_files_try(override != NULL, &override, &c), ODEON_ERR_CONFIG,
                        message);
    assert_null(c);
}

const char *config_files_own_text(const config_node *node, const char *option)
{
    return schema_value(node->items[0], option)->text;
}

loading config_files_begin(const char *text)
{
    char path[64];
    loading l = {.r = config_files_plugins, .c = mem_zalloc(1, sizeof(config))};
    assert_non_null(l.c);
    config_files_write("t.ini", text);
    (void)snprintf(path, sizeof path, "%s/t.ini", config_files_folder);
    diag_clear();
    if (document_load(path, 0, NULL, NULL, &l.document) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    l.c->document = l.document;
    l.c->ini = mem_strdup(l.document->ini);
    return l;
}

void config_files_end(loading *l)
{
    text_fini(&l->effective);
    config_destroy(l->c);
}
