#include "solver/capture_key.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "odeon/device_solver.h"

/* The key can be used again, as it starts. */
void key_fini(capture_key *key)
{
    mem_free(key->bytes);
    *key = (capture_key){0};
}

/* The memory of the key before stays. */
void key_begin(capture_key *key, int64_t tag)
{
    key->n = 0;
    key->failed = false;
    key_add_int(key, tag);
}

/* A failure is remembered, so that a key can be built without a check after every field. */
void key_add_bytes(capture_key *key, const void *bytes, size_t n)
{
    char *grown = mem_reserve(key->bytes, &key->capacity, key->n + n, 1024, 1);
    key->bytes = grown != NULL ? grown : key->bytes;
    key->failed = key->failed || grown == NULL;
    if (key->failed || n == 0) {
        return;
    }
    memcpy(key->bytes + key->n, bytes, n);
    key->n += n;
}

/* Numbers of all widths are widened to one, so that a key does not depend on how a field is
 * declared. */
void key_add_int(capture_key *key, int64_t value)
{
    key_add_bytes(key, &value, sizeof value);
}

/* Bits tell 0 from -0 and one NAN from another: calls by them may differ. */
void key_add_real(capture_key *key, double value)
{
    key_add_bytes(key, &value, sizeof value);
}

/* By the bits of the pointer: a recording refers to memory by address. */
void key_add_address(capture_key *key, const void *address)
{
    key_add_bytes(key, &address, sizeof address);
}

/* By their bits, as key_add_real. */
static void add_reals(capture_key *key, size_t n, const double *values)
{
    key_add_bytes(key, values, n * sizeof *values);
}

/* A field that is added to the structure has to be added here, or solves that differ in it alone
 * would share a recording: the size catches that. */
void key_add_control(capture_key *key, const odeon_control *c)
{
    static_assert(sizeof(odeon_control) == 24 + 8 * ODEON_MAX_PARTS + 232, "all fields are here");
    const int64_t whole[] = {c->accept_rule, c->norm,      c->parts_rule,  c->n_parts,
                             c->n_each,      c->log_rows,  c->start_rule,  c->power_rule,
                             c->reject_rule, c->last_rule, c->n_estimates, c->estimate_rule};
    const double reals[] = {c->rtol,
                            c->atol,
                            c->safety,
                            c->factor_min,
                            c->factor_max,
                            c->factor_max_first,
                            c->factor_min_accept,
                            c->beta[0],
                            c->beta[1],
                            c->beta[2],
                            c->beta_reject,
                            c->history_start,
                            c->history_floor,
                            c->steady_low,
                            c->steady_high,
                            c->h_min,
                            c->h_max,
                            c->start_exponent,
                            c->factor_max_reject,
                            c->alpha};
    key_add_bytes(key, whole, sizeof whole);
    key_add_bytes(key, c->count, (size_t)c->n_parts * sizeof *c->count);
    add_reals(key, sizeof reals / sizeof *reals, reals);
    key_add_address(key, c->rtol_each);
    key_add_address(key, c->atol_each);
    key_add_address(key, c->log);
}
