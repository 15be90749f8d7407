/* allocation_sites.h: which allocations of a deterministic program are reached by a chain of calls
 * that has not allocated before. Programs that use it link with ODEON_ALLOCATION_SITES (see
 * tests/CMakeLists.txt), which puts a note before every allocation of mem.h. */
#ifndef ODEON_TESTS_ALLOCATION_SITES_H
#define ODEON_TESTS_ALLOCATION_SITES_H
#include <stdbool.h>
#include <stdint.h>

/* From here to the end every allocation notes the return addresses above it. They will fail alone,
 * or with all that follow. */
void allocation_sites_begin(bool others_fail_too);
void allocation_sites_end(void);

/* Which allocation to fail after the k-th between the two, counted from 1; one beyond the last
 * where no other is left.
 *
 * Each of them once would run the program some thousand times, mostly at a place of the code that
 * has failed before: two thirds are options and names read by the same chain of calls, and commands
 * and runs have most of their chains in common. A chain is the innermost six calls; where all that
 * follow fail, too, the innermost three. So those are chosen that are the first of their chain in
 * this process, by either way of failing, or of which nothing was noted, and one in 32 of the
 * others. Where ODEON_ALLOCATIONS is a number, others are chosen by each, and chains are twice as
 * long: deeper than what cleans up after a failure before it reaches code that many others share.
 * ODEON_ALLOCATIONS=all chooses all, as is done before a release. */
int64_t allocation_sites_next(int64_t k);

/* Of those that are the first of their chain, and of the others, one in n, for programs that take
 * long. Without effect where ODEON_ALLOCATIONS is set. */
void allocation_sites_share(int64_t n);

#endif
