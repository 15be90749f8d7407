/* variants.h: a command line's model to be opened several times (run/variant.h). */
#ifndef ODEON_CORE_COMMAND_VARIANTS_H
#define ODEON_CORE_COMMAND_VARIANTS_H
#include "command/setup.h"
#include "run/axes.h"
#include "run/variant.h"

typedef struct variants {
    variant_base base;
    char *ini, *own, *weights, *dtype; /* texts that base points to */
    const char **overrides;
} variants;

/* What setup_open has made of a, in order, as overrides. registry is borrowed. ODEON_ERR_IO,
 * ODEON_ERR_NOMEM; out can be given to variants_close whatever the answer. */
odeon_status variants_open(const command_line *a, registry *r, variants *out);
void variants_close(variants *v);

/* The values of an option that lists them, "a|b|c" (axes.h); none where it is not given. out can be
 * given to axis_fini. */
odeon_status variants_list(const command_line *a, int option, const char *name, axis *out);
/* The same, positive numbers; the caller frees *out. */
odeon_status variants_numbers(const command_line *a, int option, const char *name, size_t *n,
                              double **out);
/* A whole number from least to most; preset where it is not given. */
odeon_status variants_count(const command_line *a, int option, const char *name, int64_t preset,
                            int64_t least, int64_t most, int64_t *out);

#endif
