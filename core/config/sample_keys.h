/* sample_keys.h: the section [sample]: keys of the model, with their paths, that have other values
 * when samples are drawn from it than in training.
 *
 *   [sample]
 *   model.flow.layer = ode */
#ifndef ODEON_CORE_CONFIG_SAMPLE_KEYS_H
#define ODEON_CORE_CONFIG_SAMPLE_KEYS_H
#include "config/config.h"
#include "config/loading.h"

/* Operands of a command line: the first as it is, those of [sample], the others. */
typedef struct sample_keys {
    size_t n;
    char **list; /* [n] */
} sample_keys;

/* Adds the section to the normal form. ODEON_ERR_CONFIG where a key is none of a [model.NAME]. */
odeon_status sample_keys_print(loading *l);
/* operands [n], n >= 1. out is for sample_keys_fini, on failure too. */
odeon_status sample_keys_merge(const config *c, size_t n, const char *const *operands,
                               sample_keys *out);
void sample_keys_fini(sample_keys *keys);

#endif
