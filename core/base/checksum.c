#include "base/checksum.h"

#include <inttypes.h>
#include <stdio.h>

/* FNV-1a: exclusive or first, then the product. The prime is that of the 64-bit variant; both
 * constants are fixed by the source, as checkpoints hold sums that were made with them. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t bytes)
{
    static const uint64_t prime = UINT64_C(0x100000001b3);
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++) {
        sum = (sum ^ p[i]) * prime;
    }
    return sum;
}

/* All 16 digits, leading zeros too, so that sums can be compared as text. */
void checksum_print(uint64_t sum, char text[CHECKSUM_TEXT_BYTES])
{
    (void)snprintf(text, CHECKSUM_TEXT_BYTES, "%016" PRIx64, sum);
}
