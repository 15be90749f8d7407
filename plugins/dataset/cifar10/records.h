/* records.h: CIFAR-10's binary layout: records of one label byte and 3072 pixels, red, green, blue,
 * each 32 rows of 32. Source: https://www.cs.toronto.edu/~kriz/cifar.html */
#ifndef ODEON_DATASET_CIFAR10_RECORDS_H
#define ODEON_DATASET_CIFAR10_RECORDS_H
#include "odeon/host.h"

enum {
    CIFAR10_CHANNELS = 3,
    CIFAR10_EDGE = 32,
    CIFAR10_CLASSES = 10,
    CIFAR10_IMAGE_BYTES = CIFAR10_CHANNELS * CIFAR10_EDGE * CIFAR10_EDGE,
    CIFAR10_RECORD_BYTES = 1 + CIFAR10_IMAGE_BYTES
};

/* How many records a file of so many bytes has; name is for messages. ODEON_ERR_DATA if that is no
 * whole number, or none. */
odeon_status cifar10_count(const odeon_host *host, const char *name, uint64_t bytes,
                           int64_t *count);

/* ODEON_ERR_DATA, naming record and byte, unless all count labels are classes. */
odeon_status cifar10_check(const odeon_host *host, const char *name, const uint8_t *records,
                           int64_t count);

#endif
