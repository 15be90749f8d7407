/* names.h: the symbol table of a formula. */
#ifndef ODEON_LAYER_FORMULA_NAMES_H
#define ODEON_LAYER_FORMULA_NAMES_H
#include "scan.h"

enum { NAMES_MAX = 512 }; /* of a formula */

/* A learnable constant. */
typedef struct formula_param {
    char name[SCAN_MAX_NAME + 1];
    double value; /* at the start */
} formula_param;

/* A name and what it denotes: a value of the program, and the constant or component that it is. */
typedef struct names_entry {
    scan_name name;    /* points into an option's text */
    int32_t value;     /* number of a value of the program; -1: not defined yet */
    int32_t param;     /* index of a learnable constant; -1: none */
    int32_t component; /* index of a component of the input; -1: none */
} names_entry;

typedef struct names {
    int32_t n;
    names_entry entries[NAMES_MAX];
} names;

names_entry *names_find(names *table, const scan_name *name); /* NULL: not found */
/* Adds an entry without a value (-1) yet; NULL: the table is full. */
names_entry *names_add(names *table, const scan_name *name);
/* Writes the names as " x y a b", as many as fit. */
void names_list(const names *table, char *text, size_t bytes);

#endif
