/* sha256.h: SHA-256 of bytes in memory, by which a file is recognized for certain. Source: FIPS
 * 180-4, sections 4.1.2, 5 and 6.2. */
#ifndef ODEON_CORE_BASE_SHA256_H
#define ODEON_CORE_BASE_SHA256_H
#include <stddef.h>

enum { SHA256_TEXT_BYTES = 65 };

/* Writes the hash of data as 64 hexadecimal digits and a NUL. */
void sha256_print(const void *data, size_t bytes, char text[SHA256_TEXT_BYTES]);

#endif
