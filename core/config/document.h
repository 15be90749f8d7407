/* document.h: an INI, what it includes and the overrides as one list of sections, [let] replaced.
 * What the keys mean is config_load.h's. */
#ifndef ODEON_CORE_CONFIG_DOCUMENT_H
#define ODEON_CORE_CONFIG_DOCUMENT_H
#include <limits.h>

#include "base/location.h"
#include "base/nearest.h"
#include "option/schema.h"

enum { DOCUMENT_OVERRIDE = INT_MAX };

/* A key with the value that holds. Invariants: name and value are there and not empty; where.file
 * and folder point to texts of the document. */
typedef struct document_key {
    char *name, *value;
    location where;
    const char *folder; /* what relative paths count from; NULL: the working directory */
    int level;          /* what has the larger one holds: a file's is larger than those of the files
                           that it includes, DOCUMENT_OVERRIDE is the largest */
    bool used;          /* of [let]: a value has it */
    size_t n_replaced;
    char **replaced; /* values that this one holds over, the earliest first, ${} as typed */
} document_key;

/* Invariant: keys differ in their names, and stand in the order in which they were first set. Keys
 * move while a section grows, and sections while the document does: neither is pointed to before
 * all is loaded. */
typedef struct document_section {
    char *name; /* "run", "model.ode.block" */
    location where;
    size_t n_keys;
    document_key *keys;
} document_section;

/* Owns every text that a configuration points to. Invariants: sections differ in their names;
 * expanded is at most what one file may have; level is that of the file to be read next. */
typedef struct document {
    size_t n_sections; /* run, data, train, let and plugins come first and always exist */
    document_section *sections;
    char *ini;    /* absolute */
    char *folder; /* of ini */
    size_t n_strings, n_paths;
    char **strings; /* files and folders that keys and sections point at */
    char **paths;   /* absolute, of the files read so far */
    int level;
    size_t budget;   /* bytes that may still be read */
    size_t expanded; /* bytes that ${} has become so far */
} document;

void document_destroy(document *d); /* NULL is allowed */

document_section *document_find(const document *d, const char *name);
document_key *document_find_key(const document_section *section, const char *name);

/* The nearest section's name as a hint, as nearest_suggest. */
odeon_status document_suggest(const document *d, const char *name, char *hint, size_t bytes);

/* A value is copied; where.file and folder of source must live as long as the document. */
odeon_status document_set(document_section *section, const char *name, const char *value,
                          document_key source);
/* Keeps text, which is the document's from now on even on failure, until the end; NULL: fails. */
odeon_status document_keep(document *d, char *text);
/* The same of the absolute path of a file that is being read. */
odeon_status document_keep_path(document *d, char *path);

#endif
