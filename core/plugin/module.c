#include "plugin/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "option/kinds.h"
#include "plugin/calling.h"
#include "plugin/claims.h"
#include "plugin/crash.h"
#include "plugin/layouts.h"
#include "plugin/process_state.h"
#include "plugin/trust.h"

/* In this order: who may write to the file (trust.c), what it is (elf_check.c), for which headers
 * it was built (layouts.c), all without running anything of it; then the code is loaded
 * (library.c), its tables are copied and checked (descriptor.c), and init is called. */

/* ---- before loading ---- */

/* By its note and its segments; and what it is recognized by later. */
static odeon_status check_contents(module *m, uint64_t bytes)
{
    const char *file = m->file;
    elf_info *info = &m->elf;
    if (bytes == 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: it is empty", file);
    }
    void *data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, m->library.fd, 0);
    if (data == MAP_FAILED) {
        return diag_fail(ODEON_ERR_IO, "%s: %s", file, strerror(errno));
    }
    odeon_status status = elf_check(data, bytes, info);
    if (status == ODEON_OK && info->build_id[0] == '\0') {
        sha256_print(data, bytes, m->sha256);
    }
    (void)munmap(data, bytes);
    if (status != ODEON_OK) {
        return diag_fail(status, "%s: %s", file, info->reason);
    }
    if (info->abi_major != ODEON_ABI_MAJOR) {
        return diag_fail(
            ODEON_ERR_PLUGIN, "%s: it is made for ABI %d.%d, this host has %d.%d: build it again",
            file, (int)info->abi_major, (int)info->abi_minor, ODEON_ABI_MAJOR, ODEON_ABI_MINOR);
    }
    return layouts_check(file, info->layouts, info->components);
}

/* All of it by one descriptor, which is loaded from, too: a file that takes its place meanwhile is
 * neither looked at nor run. */
static odeon_status examine(module *m, bool own)
{
    int fd = open(m->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make us wait */
    m->library = (library_file){.file = m->file, .fd = fd};
    struct stat *s = &m->library.seen;
    if (fd < 0 || fstat(fd, s) != 0) {
        return diag_fail(ODEON_ERR_IO, "%s: %s", m->file, strerror(errno));
    }
    if (!S_ISREG(s->st_mode)) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: it is no plain file", m->file);
    }
    ODEON_TRY(trust_check_open(m->file, fd, own));
    ODEON_TRY(check_contents(m, (uint64_t)s->st_size));
    m->library.by_name = m->elf.by_origin;
    m->plugin.file = m->file;
    m->plugin.build_id = m->elf.build_id;
    m->plugin.sha256 = m->sha256;
    m->plugin.replaces = "";
    m->plugin.bytes = (long long)s->st_size;
    return ODEON_OK;
}

static module *create(const char *resolved, const char *folder)
{
    module *m = mem_zalloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    m->library.fd = -1;
    m->folder = folder;
    m->file = mem_strdup(resolved);
    if (m->file == NULL) {
        mem_free(m);
        return NULL;
    }
    return m;
}

odeon_status module_open(const char *file, const char *folder, bool own, module **out)
{
    *out = NULL;
    ODEON_TRY(trust_check(file, folder, own));
    char *resolved = realpath(file, NULL);
    if (resolved == NULL && errno != ENOMEM) {
        return diag_fail(ODEON_ERR_IO, "%s: %s", file, strerror(errno));
    }
    module *m = resolved != NULL ? create(resolved, folder) : NULL;
    free(resolved);
    if (m == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to load it", file);
    }
    odeon_status status = examine(m, own);
    if (status != ODEON_OK) {
        module_destroy(m);
        return status;
    }
    *out = m;
    return ODEON_OK;
}

/* ---- loading ---- */

/* Runs the file's own start-up code. */
static odeon_status open_library(const module *m, const odeon_plugin **out)
{
    void *library = NULL;
    ODEON_TRY(library_open(&m->library, &library));
    *out = dlsym(library, ODEON_PLUGIN_SYMBOL);
    if (*out == NULL) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: it does not export %s", m->file,
                         ODEON_PLUGIN_SYMBOL);
    }
    return ODEON_OK;
}

/* A positive status means a void trial step, and none is under way. */
static odeon_status start(module *m)
{
    instance_host(&m->starter);
    odeon_status (*init)(const odeon_host *) = m->tables->root.init;
    odeon_status status = ODEON_OK;
    if (init != NULL) {
        calling outer = calling_begin(&m->starter, "init");
        status = calling_end(outer, init(&m->starter.host));
    }
    if (status != ODEON_OK) {
        return status > 0 ? ODEON_ERR_PLUGIN : status; /* no trial step is under way */
    }
    m->started = true;
    return ODEON_OK;
}

/* Who may offer what has been judged by the note; a table that holds more would be past that. */
static odeon_status check_note(const module *m)
{
    const odeon_component *const *list = m->tables->root.components;
    for (size_t i = 0; list[i] != NULL; i++) {
        if (!claim_has(m->elf.components, list[i])) {
            return diag_fail(ODEON_ERR_PLUGIN,
                             "%s: it holds %s %s, interface %s, which its note does not name: "
                             "write it into ODEON_PLUGIN_NOTE, too",
                             m->file, kind_name(list[i]->kind), list[i]->id,
                             interface_of(list[i]->interface)->name);
        }
    }
    return ODEON_OK;
}

static odeon_status load_and_start(module *m)
{
    const odeon_plugin *root = NULL;
    m->starter.path = m->file;
    calling outer = calling_begin(&m->starter, "start-up code");
    odeon_status status = open_library(m, &root);
    calling_leave(outer);
    ODEON_TRY(status);
    crash_know(root, m->file);
    ODEON_TRY(descriptor_create(root, m->file, &m->tables));
    if (strcmp(m->tables->root.layouts, m->elf.layouts) != 0) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: the layouts of " ODEON_PLUGIN_SYMBOL
                         " are not those of its note: set them to ODEON_LAYOUTS",
                         m->file);
    }
    ODEON_TRY(check_note(m));
    m->plugin.root = &m->tables->root;
    return start(m);
}

static void close_file(module *m)
{
    if (m->library.fd >= 0) {
        (void)close(m->library.fd);
        m->library.fd = -1;
    }
}

/* The descriptor is of no use any more, whether the file was loaded or not. */
odeon_status module_start(module *m)
{
    process_state before;
    process_state_save(&before);
    odeon_status status = load_and_start(m);
    process_state_restore(&before, m->file);
    close_file(m);
    return status;
}

void module_destroy(module *m)
{
    if (m == NULL) {
        return;
    }
    if (m->started && m->tables->root.shutdown != NULL) {
        calling outer = calling_begin(&m->starter, "shutdown");
        m->tables->root.shutdown();
        calling_leave(outer);
    }
    close_file(m);
    descriptor_destroy(m->tables);
    text_fini(&m->replaces);
    mem_free(m->file);
    mem_free(m);
}
