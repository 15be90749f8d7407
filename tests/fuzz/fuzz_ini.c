/* An INI of any bytes with the plugins of the build, resolved as far as before any data is opened:
 * refused with a reason, or its normal form says the same again. Lines behind one that is "---" are
 * overrides. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/config_load.h"
#include "fuzz.h"
#include "plugin/registry.h"

enum { MAX_OVERRIDES = 8 };

typedef struct input {
    char *text; /* the overrides' lines, each ending in NUL */
    size_t n_overrides;
    const char *overrides[MAX_OVERRIDES];
    size_t ini_bytes;
} input;

static void split_overrides(const uint8_t *data, size_t bytes, input *out)
{
    static const char mark[] = "\n---\n";
    const uint8_t *found = memmem(data, bytes, mark, sizeof mark - 1);
    *out = (input){.ini_bytes = found != NULL ? (size_t)(found - data) + 1 : bytes};
    size_t start = found != NULL ? out->ini_bytes + sizeof mark - 2 : bytes;
    out->text = malloc(bytes - start + 1);
    fuzz_demand(out->text != NULL, "there is memory");
    memcpy(out->text, data + start, bytes - start);
    out->text[bytes - start] = '\0';
    for (char *line = out->text;
         line != NULL && *line != '\0' && out->n_overrides < MAX_OVERRIDES;) {
        out->overrides[out->n_overrides++] = line;
        line = strchr(line, '\n');
        if (line != NULL) {
            *line++ = '\0';
        }
    }
}

static void write_all(const char *path, const void *text, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_demand(fd >= 0 && write(fd, text, bytes) == (ssize_t)bytes, "the INI can be written");
    (void)close(fd);
}

/* Plugins stay loaded, so that one registry serves all inputs; so does one folder. */
static registry *plugins(void)
{
    static registry *all;
    static const char *const paths[] = {ODEON_BUILD "/plugins"};
    if (all == NULL) {
        fuzz_demand(registry_create(1, paths, &all) == ODEON_OK, "there are plugins");
    }
    return all;
}

/* Two files in a folder of their own; relative paths in them count from there. */
static char folder[] = "/tmp/odeon_fuzz_XXXXXX", input_path[64], again_path[64];

static void remove_folder(void)
{
    (void)unlink(input_path);
    (void)unlink(again_path);
    (void)rmdir(folder);
}

static void make_folder(void)
{
    if (input_path[0] == '\0') {
        fuzz_demand(mkdtemp(folder) != NULL, "there is a folder");
        (void)snprintf(input_path, sizeof input_path, "%s/input.ini", folder);
        (void)snprintf(again_path, sizeof again_path, "%s/again.ini", folder);
        (void)atexit(remove_folder);
    }
}

static void check_normal_form(const config *c)
{
    config *again = NULL;
    write_all(again_path, c->effective, strlen(c->effective));
    odeon_status status = config_load(plugins(), again_path, 0, NULL, &again);
    fuzz_demand(status == ODEON_OK, "the normal form is accepted");
    if (strcmp(c->effective, again->effective) != 0) {
        fprintf(stderr, "%s---\n%s", c->effective, again->effective);
        fuzz_demand(false, "the normal form stays the same");
    }
    config_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    make_folder();
    input in;
    split_overrides(data, bytes, &in);
    write_all(input_path, data, in.ini_bytes);
    config *c = NULL;
    odeon_status status = config_load(plugins(), input_path, in.n_overrides, in.overrides, &c);
    fuzz_demand((status == ODEON_OK) == (c != NULL), "there is a result or a failure");
    if (c == NULL) {
        fuzz_check_failure(status);
    } else {
        check_normal_form(c);
    }
    config_destroy(c);
    free(in.text);
    return 0;
}
