#include "device/extensions.h"

#include <string.h>

#include "odeon/device.h"
#include "odeon/device_dual.h"
#include "odeon/device_ext.h"
#include "odeon/device_lanes.h"
#include "plugin/calling.h"
#include "plugin/words.h"

/* What the first version of each had: slots are appended. */
static const struct {
    const char *id;
    size_t bytes_first;
} known[] = {
    {ODEON_DEVICE_COUNTERS, ODEON_SIZE_THROUGH(odeon_device_counters, read)},
    {ODEON_DEVICE_MEMORY, ODEON_SIZE_THROUGH(odeon_device_memory, read)},
    {ODEON_DEVICE_PINNED, ODEON_SIZE_THROUGH(odeon_device_pinned, free)},
    {ODEON_DEVICE_CAPTURE, ODEON_SIZE_THROUGH(odeon_device_capture, destroy)},
    {ODEON_DEVICE_DUAL, ODEON_SIZE_THROUGH(odeon_device_dual, workspace)},
    {ODEON_DEVICE_SLICES, ODEON_SIZE_THROUGH(odeon_device_slices, error_sum)},
    {ODEON_DEVICE_LANES, ODEON_SIZE_THROUGH(odeon_device_lanes, move)},
    {ODEON_DEVICE_POISON, ODEON_SIZE_THROUGH(odeon_device_poison, poison)},
};
enum { N_KNOWN = sizeof known / sizeof *known };

static const char slot[] = "get_table";

static odeon_status check(const instance *device, const void *table, int i)
{
    uint32_t bytes;
    char text[WORDS_TEXT_BYTES];
    memcpy(&bytes, table, sizeof bytes); /* all start with struct_size and reserved0 */
    if (bytes < known[i].bytes_first) {
        return calling_blame(device, slot, "%s has struct_size %u, expected %zu at least",
                             known[i].id, (unsigned)bytes, known[i].bytes_first);
    }
    return words_fault(table, words_of_extension, text)
               ? calling_blame(device, slot, "%s: %s", known[i].id, text)
               : ODEON_OK;
}

odeon_status extensions_check(const instance *device)
{
    const odeon_device_ops *ops = device->component->ops;
    for (int i = 0; i < N_KNOWN; i++) {
        calling outer = calling_begin(device, slot);
        const void *table = ops->get_table(device->self, known[i].id);
        calling_leave(outer);
        if (table != NULL) {
            ODEON_TRY(check(device, table, i));
        }
    }
    return ODEON_OK;
}
