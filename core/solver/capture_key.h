/* capture_key.h: what a recording is found by: a tag that says what was recorded, then every number
 * and address that the recorded calls depend on, appended one after the other.
 *
 * Two keys of one tag must not be equal bytes by chance: a list of variable length is preceded by
 * its length. */
#ifndef ODEON_CORE_SOLVER_CAPTURE_KEY_H
#define ODEON_CORE_SOLVER_CAPTURE_KEY_H
#include <stdbool.h>
#include <stddef.h>

#include "odeon/device.h"
#include "odeon/device_solver.h"

/* What is recorded under a key. */
enum {
    KEY_STEPS = 1, /* a solve whose steps are known beforehand */
    KEY_TAPE = 2,  /* the reverse of a tape */
    KEY_LOOP = 3,  /* an adaptive solve */
    KEY_ROWS = 4   /* the reverse of rows */
};

/* Starts as {0}. The memory is kept from key to key. */
typedef struct capture_key {
    char *bytes;
    size_t n, capacity;
    bool failed; /* out of memory: the key is not complete and must not be used */
} capture_key;

void key_fini(capture_key *key);

void key_begin(capture_key *key, int64_t tag);
void key_add_bytes(capture_key *key, const void *bytes, size_t n); /* without gaps */
void key_add_int(capture_key *key, int64_t value);
void key_add_real(capture_key *key, double value); /* by its bits */
void key_add_address(capture_key *key, const void *address);
/* Fields that step_control and error_sum read, but for rows, which only limits what lies in device
 * memory. */
void key_add_control(capture_key *key, const odeon_control *control);

#endif
