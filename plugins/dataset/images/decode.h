/* decode.h: PNG and JPEG files as bytes, by the libpng and libturbojpeg of the system, which are
 * loaded when the first file of their kind is read. */
#ifndef ODEON_DATASET_IMAGES_DECODE_H
#define ODEON_DATASET_IMAGES_DECODE_H
#include <stdbool.h>

#include "odeon/host.h"

/* Size of the images wanted: channels 1 (grey) or 3 (red, green, blue). */
typedef struct image_size {
    int64_t channels, height, width;
} image_size;

/* Does the name end as that of such a file? */
bool image_has_name(const char *name);
/* Reads the file into pixels [channels,height,width]. ODEON_ERR_DATA: no such image, another size,
 * with both; ODEON_ERR_UNSUPPORTED without the library; ODEON_ERR_IO, ODEON_ERR_NOMEM. Several
 * threads may call at once. */
odeon_status image_read(const odeon_host *host, const char *path, const image_size *size,
                        uint8_t *pixels);

#endif
