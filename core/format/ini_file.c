#include "format/ini_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/label.h"
#include "base/mem.h"
#include "format/ini_lines.h"

/* ---- what has been read ---- */

/* Through lines->status, by which inih is stopped at the next line. */
static void no_memory(ini_lines *lines)
{
    lines->status =
        diag_fail(ODEON_ERR_NOMEM, "%s: out of memory in line %d", lines->name, lines->line);
}

/* Appends a section, whose number is the result. It is what ini_lines puts into the place of the
 * name, whose length inih would cut. The nameless section is number 0 and is added before any line
 * is read. */
static int add_section(ini_lines *lines, const char *name)
{
    ini_file *file = lines->context;
    for (size_t i = 1; i < file->n_sections; i++) {
        if (strcmp(file->sections[i].name, name) == 0) {
            ini_lines_fail(lines, "[%s] is already in line %d: put its keys there", name,
                           file->sections[i].line);
            return -1;
        }
    }
    if (file->n_sections == INI_FILE_MAX_SECTIONS) {
        ini_lines_fail(lines, "more than %d sections", INI_FILE_MAX_SECTIONS);
        return -1;
    }
    /* The old array is gone once growing has succeeded, whatever becomes of the copy. */
    ini_section *grown = mem_grow(file->sections, file->n_sections, sizeof *grown);
    char *copy = mem_strdup(name);
    file->sections = grown != NULL ? grown : file->sections;
    if (grown == NULL || copy == NULL) {
        mem_free(copy);
        no_memory(lines);
        return -1;
    }
    grown[file->n_sections] = (ini_section){.name = copy, .line = lines->line};
    return (int)file->n_sections++;
}

/* Twice the same key would leave it to chance which value a reader of the file believes in. The
 * search is linear; INI_FILE_MAX_KEYS bounds it. */
static bool check_new_key(ini_lines *lines, const ini_section *section, const char *name)
{
    if (!label_is_name(name)) {
        ini_lines_fail(lines, "'%.60s' is no key: keys are letters, digits and underscores", name);
        return false;
    }
    if (section->n_keys == INI_FILE_MAX_KEYS) {
        ini_lines_fail(lines, "more than %d keys in [%s]", INI_FILE_MAX_KEYS, section->name);
        return false;
    }
    for (size_t i = 0; i < section->n_keys; i++) {
        if (strcmp(section->keys[i].name, name) == 0) {
            ini_lines_fail(lines, "'%s' is already in line %d: keep one of the two", name,
                           section->keys[i].line);
            return false;
        }
    }
    return true;
}

/* Counted before its texts are copied, so that ini_file_destroy frees whatever of them is there. */
static void add_key(ini_lines *lines, ini_section *section, const char *name, const char *value)
{
    if (!check_new_key(lines, section, name)) {
        return;
    }
    ini_key *grown = mem_grow(section->keys, section->n_keys, sizeof *grown);
    if (grown == NULL) {
        no_memory(lines);
        return;
    }
    section->keys = grown;
    ini_key *key = &grown[section->n_keys++];
    *key = (ini_key){.name = mem_strdup(name), .value = mem_strdup(value), .line = lines->line};
    if (key->name == NULL || key->value == NULL) {
        no_memory(lines);
    }
}

/* Quadratic in the length of a value, which INI_FILE_MAX_LINE bounds: 16 kB take about a hundred
 * pieces. */
static void append_piece(ini_lines *lines, ini_section *section, const char *piece)
{
    ini_key *key = &section->keys[section->n_keys - 1];
    char *joined = mem_printf("%s%s", key->value, piece);
    if (joined == NULL) {
        no_memory(lines);
        return;
    }
    mem_free(key->value);
    key->value = joined;
}

/* inih's handler: a key of the section with this number, or more of the last one's value. Its
 * result 0 would let inih go on to count the line as faulty; that is why reading ends by the
 * reader, not here. */
static int take_key(void *user, const char *section, const char *name, const char *value)
{
    ini_lines *lines = user;
    ini_file *file = lines->context;
    ini_section *current = &file->sections[strtol(section, NULL, 10)];
    if (lines->piece) {
        append_piece(lines, current, value);
    } else {
        add_key(lines, current, name, value);
    }
    return lines->status == ODEON_OK;
}

/* ---- reading ---- */

/* Also of a file that was not finished: texts of the last key may be missing. */
void ini_file_destroy(ini_file *file)
{
    if (file == NULL) {
        return;
    }
    for (size_t i = 0; i < file->n_sections; i++) {
        ini_section *section = &file->sections[i];
        for (size_t k = 0; k < section->n_keys; k++) {
            mem_free(section->keys[k].name);
            mem_free(section->keys[k].value);
        }
        mem_free(section->keys);
        mem_free(section->name);
    }
    mem_free(file->sections);
    mem_free(file);
}

/* lines is on the heap because of the 16 kB of its line. */
odeon_status ini_file_parse(const char *name, const char *text, size_t bytes, ini_file **out)
{
    *out = NULL;
    ini_file *file = mem_zalloc(1, sizeof *file);
    ini_lines *lines = mem_zalloc(1, sizeof *lines);
    if (file == NULL || lines == NULL) {
        mem_free(file);
        mem_free(lines);
        return diag_fail(ODEON_ERR_NOMEM, "%s: out of memory", name);
    }
    ini_lines_init(lines, name, text, bytes);
    lines->section = add_section;
    lines->context = file;
    /* inih answers with the number of a line that it did not understand. Where a line was refused
     * here, that is what counts. */
    int inih =
        add_section(lines, "") == 0 ? ini_parse_stream(ini_lines_read, lines, take_key, lines) : 0;
    odeon_status status = lines->status;
    if (status == ODEON_OK && inih != 0) { /* GCOVR_EXCL_BR_LINE: Debian's inih takes our lines */
        /* GCOVR_EXCL_START: one built otherwise may not; nothing is guessed then */
        status = diag_fail(ODEON_ERR_INTERNAL, "%s:%d: inih does not understand what it was given",
                           name, lines->line);
        /* GCOVR_EXCL_STOP */
    }
    mem_free(lines);
    if (status != ODEON_OK) {
        ini_file_destroy(file);
        return status;
    }
    *out = file;
    return ODEON_OK;
}

/* Reads until the end, or until more than limit bytes are there; -1: errno says why. One byte more
 * than limit tells a file that is too long from one that just fits, even if it grows meanwhile. */
static ssize_t read_all(int fd, char *buffer, size_t limit)
{
    size_t n = 0;
    while (n <= limit) {
        ssize_t got = read(fd, buffer + n, limit + 1 - n);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        n += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)n;
}

/* The descriptor is looked at, not the path, which may stand for something else by now. */
static odeon_status read_open(int fd, const char *name, size_t *budget, ini_file **out)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        return diag_fail(ODEON_ERR_IO, "%s: not a regular file", name);
    }
    char *text = mem_alloc(*budget + 1);
    if (text == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: out of memory", name);
    }
    odeon_status status;
    ssize_t n = read_all(fd, text, *budget);
    if (n < 0) {
        status = diag_fail(ODEON_ERR_IO, "%s: cannot be read: %s", name, strerror(errno));
    } else if ((size_t)n > *budget) {
        status =
            diag_fail(ODEON_ERR_CONFIG, "%s: an INI and what it includes have at most %d bytes",
                      name, INI_FILE_MAX_BYTES);
    } else {
        *budget -= (size_t)n;
        status = ini_file_parse(name, text, (size_t)n, out);
    }
    mem_free(text);
    return status;
}

/* Messages have name, as the user wrote it, and not the path that it was resolved to. */
odeon_status ini_file_read(const char *path, const char *name, size_t *budget, ini_file **out)
{
    *out = NULL;
    /* Without waiting, so that a FIFO is refused instead of opened at the other end. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot be opened: %s", name, strerror(errno));
    }
    odeon_status status = read_open(fd, name, budget, out);
    (void)close(fd);
    return status;
}
