/* allocation_sites.h: which allocations of a deterministic program are reached by a chain of calls
 * that has not allocated before. Programs that use it link with ODEON_ALLOCATION_SITES (see
 * tests/CMakeLists.txt), which puts a note before every allocation of mem.h. */
#ifndef ODEON_TESTS_ALLOCATION_SITES_H
#define ODEON_TESTS_ALLOCATION_SITES_H
#include <stdint.h>

/* From here to the end every allocation notes the return addresses above it. */
void allocation_sites_begin(void);
void allocation_sites_end(void);

/* Which allocation to fail after the k-th between the two, counted from 1; one beyond the last
 * where no other is left.
 *
 * Each of them once would run the program some thousand times, mostly at a place of the code that
 * has failed before: two thirds are options and names read by the same chain of calls. So those are
 * chosen that are the first of their chain, or of which nothing was noted, and one in sixteen of
 * the others: different ones when ODEON_ALLOCATIONS is another number. ODEON_ALLOCATIONS=all
 * chooses all. */
int64_t allocation_sites_next(int64_t k);

#endif
