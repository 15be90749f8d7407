/* sample_keys.h: sections [sample.NAME]: keys of [model.NAME] that have other values when samples
 * are drawn from the model than in training.
 *
 *   [sample.flow]
 *   layer = ode ; in place of model.flow.layer */
#ifndef ODEON_CORE_CONFIG_SAMPLE_KEYS_H
#define ODEON_CORE_CONFIG_SAMPLE_KEYS_H
#include "config/config.h"
#include "config/loading.h"

/* Operands of a command line: the first as it is, then model.NAME.KEY=VALUE for every key of
 * [sample.NAME], then the others. */
typedef struct sample_keys {
    size_t n;
    char **list; /* [n] */
} sample_keys;

/* Adds the sections to the normal form. ODEON_ERR_CONFIG where the model has no such section. */
odeon_status sample_keys_print(loading *l);
/* Reads the INI for its sections alone: a key that follows among the operands may be one of what
 * they choose. operands [n], n >= 1, of which the first is not looked at. out is for
 * sample_keys_fini, on failure too. */
odeon_status sample_keys_read(const char *ini, size_t n, const char *const *operands,
                              sample_keys *out);
void sample_keys_fini(sample_keys *keys);

#endif
