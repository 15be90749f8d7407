/* records.h: the binary layout of CIFAR-10: records of one label byte and 3072 bytes of pixels
 * [3,32,32], red, green, blue. Source: https://www.cs.toronto.edu/~kriz/cifar.html */
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

/* Computes the number of records in a file of the given size; name is for messages. ODEON_ERR_DATA
 * if it is not whole or 0. */
odeon_status cifar10_count(const odeon_host *host, const char *name, uint64_t bytes,
                           int64_t *count);

/* ODEON_ERR_DATA, with record and byte, if a label is no class. */
odeon_status cifar10_check(const odeon_host *host, const char *name, const uint8_t *records,
                           int64_t count);

#endif
