#include "records.h"

odeon_status cifar10_count(const odeon_host *host, const char *name, uint64_t bytes, int64_t *count)
{
    if (bytes == 0 || bytes % CIFAR10_RECORD_BYTES != 0) {
        return odeon_fail(host, ODEON_ERR_DATA,
                          "%s: has %llu bytes, expected records of %d: another file, or one that "
                          "is cut off",
                          name, (unsigned long long)bytes, CIFAR10_RECORD_BYTES);
    }
    *count = (int64_t)(bytes / CIFAR10_RECORD_BYTES);
    return ODEON_OK;
}

/* The format has no header, so labels are the only sign of a wrong file. */
odeon_status cifar10_check(const odeon_host *host, const char *name, const uint8_t *records,
                           int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t at = i * CIFAR10_RECORD_BYTES;
        if (records[at] >= CIFAR10_CLASSES) {
            return odeon_fail(host, ODEON_ERR_DATA,
                              "%s: byte %lld, the label of record %lld, is %d, expected 0 to %d: "
                              "not CIFAR-10's binary version",
                              name, (long long)at, (long long)i, records[at], CIFAR10_CLASSES - 1);
        }
    }
    return ODEON_OK;
}
