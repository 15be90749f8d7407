/* names.h: what the names of a formula stand for. */
#ifndef ODEON_LAYER_FORMULA_NAMES_H
#define ODEON_LAYER_FORMULA_NAMES_H
#include "scan.h"

enum { NAMES_MAX = 512 }; /* of a formula */

/* A learnable constant. */
typedef struct formula_param {
    char name[SCAN_MAX_NAME + 1];
    double value; /* at the start */
} formula_param;

typedef struct names_entry {
    scan_name name;    /* within an option's text */
    int32_t value;     /* of the program */
    int32_t param;     /* learnable constant; -1: it is none */
    int32_t component; /* of the input; -1: it is none */
} names_entry;

typedef struct names {
    int32_t n;
    names_entry entries[NAMES_MAX];
} names;

names_entry *names_find(names *table, const scan_name *name); /* NULL: not there */
/* A new entry, of no value (-1) yet; NULL: the table is full. */
names_entry *names_add(names *table, const scan_name *name);
/* " x y a b", as much as there is room for. */
void names_list(const names *table, char *text, size_t bytes);

#endif
