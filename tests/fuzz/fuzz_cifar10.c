/* CIFAR-10's records of any bytes: refused with a reason, or every record is one. A file of records
 * would be too long to vary, so the first byte says how many there are (0 to 15), two more how many
 * bytes too few or too many the file has, and the rest are their labels, the pixels zeros. */
#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "fuzz.h"
#include "plugin/instance.h"

/* A plugin's sources, which no library offers. */
#include "dataset/cifar10/records.c"

static void read_records(const odeon_host *host, const uint8_t *file, uint64_t bytes)
{
    int64_t count = -1;
    odeon_status status = cifar10_count(host, "fuzz", bytes, &count);
    fuzz_demand((status == ODEON_OK) == (count > 0), "there is a count or a failure");
    if (status == ODEON_OK) {
        fuzz_demand((uint64_t)count * CIFAR10_RECORD_BYTES == bytes, "records are all there is");
        status = cifar10_check(host, "fuzz", file, count);
    }
    if (status != ODEON_OK) {
        fuzz_check_failure(status);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        fuzz_demand(file[i * CIFAR10_RECORD_BYTES] < CIFAR10_CLASSES, "labels are classes");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static char nowhere[] = "";
    static instance host_instance = {.path = nowhere};
    if (bytes < 3) {
        return 0;
    }
    instance_host(&host_instance);
    size_t n = data[0] & 15, whole = n * CIFAR10_RECORD_BYTES, file_bytes = whole + data[1];
    file_bytes -= data[2] < file_bytes ? data[2] : file_bytes;
    uint8_t *file = calloc(file_bytes + 1, 1);
    fuzz_demand(file != NULL, "there is memory");
    for (size_t i = 0; i < n && i + 3 < bytes && i * CIFAR10_RECORD_BYTES < file_bytes; i++) {
        file[i * CIFAR10_RECORD_BYTES] = data[i + 3];
    }
    int64_t blocks = mem_live_blocks();
    read_records(&host_instance.host, file, file_bytes);
    fuzz_demand(mem_live_blocks() == blocks, "nothing leaks");
    free(file);
    return 0;
}
