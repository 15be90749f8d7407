/* ini_limits.h: how large an INI may be. */
#ifndef ODEON_CORE_FORMAT_INI_LIMITS_H
#define ODEON_CORE_FORMAT_INI_LIMITS_H

enum {
    INI_FILE_MAX_BYTES = 1 << 20, /* of a file and all that it includes */
    INI_FILE_MAX_LINE = 16383,    /* bytes of a line */
    INI_FILE_MAX_NAME = 127,      /* bytes of a section's name or a key */
    INI_FILE_MAX_SECTIONS = 1024, /* of a file */
    INI_FILE_MAX_KEYS = 256       /* of a section */
};

#endif
