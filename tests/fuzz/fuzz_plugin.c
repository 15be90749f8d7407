/* Any bytes in the place of a plugin: refused with a reason, or the note has been read. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "plugin/elf_check.h"

static void check_text(const char *text, size_t bytes)
{
    fuzz_demand(memchr(text, '\0', bytes) != NULL, "texts end");
    for (const char *c = text; *c != '\0'; c++) {
        fuzz_demand(*c >= ' ' && *c <= '~', "texts can be printed");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    uint8_t *unaligned = malloc(bytes + 1);
    fuzz_demand(unaligned != NULL, "there is memory");
    memcpy(unaligned + 1, data, bytes);
    elf_info info;
    odeon_status status = elf_check(unaligned + 1, bytes, &info);
    fuzz_demand(status == ODEON_OK || status == ODEON_ERR_PLUGIN, "a plugin is good or refused");
    fuzz_demand((status == ODEON_OK) == (info.reason[0] == '\0'), "what is refused has a reason");
    check_text(info.reason, sizeof info.reason);
    check_text(info.components, sizeof info.components);
    check_text(info.build_id, sizeof info.build_id);
    free(unaligned);
    return 0;
}
