/* png.h: one image as PNG, of 8 bits a channel, without compression: deflate's stored blocks are
 * all that a small picture needs. Source: ISO/IEC 15948; RFC 1950, 1951. */
#ifndef ODEON_CORE_FORMAT_PNG_H
#define ODEON_CORE_FORMAT_PNG_H
#include <stdint.h>

#include "odeon/status.h"

/* pixels [height, width, channels], of 1 channel (grey) or 3 (red, green, blue), width and height
 * from 1 to 65535. To what the user names (output_file.h). ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status png_write_output(const char *path, int32_t width, int32_t height, int32_t channels,
                              const uint8_t *pixels);

#endif
