/* elf_check.h: looks at a shared object without loading it, so that nothing of a file runs, and no
 * loader stumbles over it, before it is known to be an Odeon plugin for this machine. Source:
 * System V ABI, generic and x86-64 parts; notes as in elf(5). */
#ifndef ODEON_CORE_PLUGIN_ELF_CHECK_H
#define ODEON_CORE_PLUGIN_ELF_CHECK_H
#include <stdbool.h>
#include <stdint.h>

#include "odeon/abi.h"
#include "odeon/status.h"

enum { ELF_BUILD_ID_BYTES = 64, ELF_REASON_BYTES = 160, ELF_NOTE_BYTES = 4096 };

typedef struct elf_info {
    int32_t abi_major, abi_minor;    /* that the plugin was built for */
    char layouts[ELF_NOTE_BYTES];    /* ODEON_LAYOUTS as the note says; "" if it does not */
    char components[ELF_NOTE_BYTES]; /* "layer/a,layer/b", as the note says */
    char build_id[2 * ELF_BUILD_ID_BYTES + 1]; /* hexadecimal; "" if there is none */
    bool by_origin;                            /* it looks for libraries beside itself */
    char reason[ELF_REASON_BYTES];             /* why the file was refused; "" if it was not */
} elf_info;

/* Is data, the whole contents of a file, a shared object for this machine, all there, that carries
 * one Odeon note? ODEON_ERR_PLUGIN with out->reason if not. Any bytes may be given; data needs no
 * alignment. [any] */
odeon_status elf_check(const void *data, uint64_t bytes, elf_info *out);

#endif
