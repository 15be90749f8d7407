/* checksum.h: FNV-1a, 64 bits: detects accidental damage, not forgery. Source: Fowler, Noll, Vo:
 * http://www.isthe.com/chongo/tech/comp/fnv; RFC 9923. */
#ifndef ODEON_CORE_BASE_CHECKSUM_H
#define ODEON_CORE_BASE_CHECKSUM_H
#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_START UINT64_C(0xcbf29ce484222325)

/* Extends the checksum sum by data; start with CHECKSUM_START. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t bytes);

enum { CHECKSUM_TEXT_BYTES = 17 };
/* Writes sum as 16 hexadecimal digits and a NUL. */
void checksum_print(uint64_t sum, char text[CHECKSUM_TEXT_BYTES]);

#endif
