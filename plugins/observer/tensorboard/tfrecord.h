/* tfrecord.h: records of TensorFlow's event files, and the messages in them. */
#ifndef ODEON_OBSERVER_TENSORBOARD_TFRECORD_H
#define ODEON_OBSERVER_TENSORBOARD_TFRECORD_H
#include <stdint.h>

#include "odeon/host.h"

/* Growing bytes; starts as {.host = host}. failed: memory has run out, and some are missing. */
typedef struct tf_bytes {
    const odeon_host *host;
    uint8_t *data;
    uint64_t n, room;
    int32_t failed;
} tf_bytes;
void tf_bytes_add(tf_bytes *b, const void *bytes, uint64_t n);
void tf_bytes_fini(tf_bytes *b);

/* Source: RFC 3720, B.4: the polynomial 0x11EDC6F41, bits reflected. */
uint32_t tf_crc32c(const void *bytes, uint64_t n);
/* A record of n bytes of data: length, its masked CRC, data, its masked CRC. Source: TensorFlow,
 * tensorflow/core/lib/io/record_writer.h and lib/hash/crc32c.h. */
void tf_put_record(tf_bytes *to, const void *data, uint64_t n);

/* Fields of a message by their number. Source: Protocol Buffers, Encoding. */
void tf_put_double(tf_bytes *to, uint32_t field, double value);
void tf_put_float(tf_bytes *to, uint32_t field, float value);
void tf_put_whole(tf_bytes *to, uint32_t field, int64_t value);
void tf_put_bytes(tf_bytes *to, uint32_t field, const void *bytes, uint64_t n);

#endif
