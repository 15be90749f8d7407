/* ini_file.h: one INI file as sections, keys and lines.
 *
 * inih parses; a reader of ours feeds it line by line and refuses what it would misread or cut. Its
 * buffer is 200 bytes: longer lines reach it in pieces, as the continuations that it knows how to
 * join, and section names as numbers. What is written is therefore never cut.
 *
 *   ; or # at the start of a line: a comment. ; after a blank: a comment to the end of the line.
 *   key = value                  before the first section: of a nameless one
 *   [section]                    each once
 *   key = value                  each once in its section; not indented, not empty
 *
 * UTF-8 without NUL and other control characters but tabs; a byte order mark may stand first. Lines
 * end in LF or CR LF. */
#ifndef ODEON_CORE_FORMAT_INI_FILE_H
#define ODEON_CORE_FORMAT_INI_FILE_H
#include <stddef.h>

#include "format/ini_limits.h"
#include "odeon/status.h"

/* Texts belong to the file, have no blanks at their ends and are never empty. */
typedef struct ini_key {
    char *name, *value;
    int line;
} ini_key;

typedef struct ini_section {
    char *name; /* "model.ode"; "" for what stands before the first section */
    int line;
    size_t n_keys;
    ini_key *keys;
} ini_section;

typedef struct ini_file {
    size_t n_sections; /* at least 1; sections[0] is the nameless one */
    ini_section *sections;
} ini_file;

/* Reads the regular file at path; name stands for it in messages. budget: bytes that may still be
 * read, less the file's on return. ODEON_ERR_CONFIG with name and line, ODEON_ERR_IO,
 * ODEON_ERR_NOMEM; *out is then NULL. */
odeon_status ini_file_read(const char *path, const char *name, size_t *budget, ini_file **out);
/* The same from memory. */
odeon_status ini_file_parse(const char *name, const char *text, size_t bytes, ini_file **out);
void ini_file_destroy(ini_file *file); /* NULL is allowed */

#endif
