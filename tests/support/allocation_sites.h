/* allocation_sites.h: which allocations of a deterministic program are reached by a chain of calls
 * that has not allocated before. Programs that use it link with ODEON_ALLOCATION_SITES (see
 * tests/CMakeLists.txt), which puts a note before every allocation of mem.h. */
#ifndef ODEON_TESTS_ALLOCATION_SITES_H
#define ODEON_TESTS_ALLOCATION_SITES_H
#include <stdbool.h>
#include <stdint.h>

/* From here to the end every allocation notes the return addresses above it. */
void allocation_sites_begin(void);
void allocation_sites_end(void);

/* Was the k-th allocation between the two, counted from 1, the first of its chain of calls? True as
 * well for one of which nothing was noted. */
bool allocation_sites_is_first(int64_t k);

#endif
