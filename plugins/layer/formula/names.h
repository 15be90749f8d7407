/* names.h: the symbol table of a formula. */
#ifndef ODEON_LAYER_FORMULA_NAMES_H
#define ODEON_LAYER_FORMULA_NAMES_H
#include "operand.h"
#include "scan.h"

enum { NAMES_MAX = 512 }; /* of a formula */

/* A learnable constant: one of a vector or matrix A is A_0, A_0_1. */
typedef struct formula_param {
    char name[SCAN_MAX_NAME + 16];
    double value; /* at the start */
} formula_param;

/* A name and what it denotes: values of the program, and the constants or components that they are.
 */
typedef struct names_entry {
    scan_name name;    /* points into an option's text */
    operand value;     /* at -1: not defined yet */
    int32_t param;     /* index of its first learnable constant; -1: none */
    int32_t component; /* index of its first component of the input; -1: none */
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
