/* Arrays as numpy saves them, or a gzip file, of any bytes: refused with a reason, or all numbers
 * are within the memory that the file takes. The first byte of the input says which:
 *   bit 0  a gzip file, unpacked to at most 1 MiB; else .npy or .npz */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "fuzz.h"
#include "plugin/instance.h"

/* A plugin's sources, which no library offers. */
#include "dataset/common/arrays.c"
#include "dataset/common/gzip.c"
#include "dataset/common/regular_file.c"

enum { GZIP_LIMIT = 1 << 20 };

static void read_gzip(const odeon_host *host, const char *data, size_t bytes)
{
    char *out;
    uint64_t out_bytes = 0;
    odeon_status status = gzip_unpack(host, "fuzz", data, bytes, GZIP_LIMIT, &out, &out_bytes);
    fuzz_demand((status == ODEON_OK) == (out != NULL), "there is a result or a failure");
    if (status != ODEON_OK) {
        fuzz_check_failure(status);
        return;
    }
    fuzz_demand(out_bytes < GZIP_LIMIT && out[out_bytes] == '\0', "it is within the limit");
    host->free(host, out);
}

/* ASan sees a number that is read elsewhere. */
static void look_at(const array *a)
{
    char text[128];
    fuzz_demand(a->count >= 0 && a->ndim <= ARRAY_MAX_DIMS, "it has a shape");
    fuzz_demand(strlen(array_shape(a, text, sizeof text)) > 0, "which can be written");
    if (a->count > 0) {
        (void)array_number(a, 0);
        (void)array_number(a, a->count - 1);
    }
}

static void read_arrays(const odeon_host *host, const char *data, size_t bytes)
{
    array_file file;
    char *memory = host->alloc(host, bytes + 1);
    fuzz_demand(memory != NULL, "there is memory");
    memcpy(memory, data, bytes);
    memory[bytes] = '\0';
    odeon_status status = array_file_read(host, "fuzz", memory, bytes, &file);
    if (status != ODEON_OK) {
        fuzz_check_failure(status);
        return;
    }
    fuzz_demand(file.packed_bytes <= bytes && file.unpacked_bytes <= 1032 * (uint64_t)bytes,
                "memory is bounded by the file");
    for (int32_t i = 0; i < file.n; i++) {
        look_at(&file.of[i]);
    }
    array_file_free(host, &file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static char nowhere[] = "";
    static instance host_instance = {.path = nowhere};
    if (bytes < 1) {
        return 0;
    }
    instance_host(&host_instance);
    int64_t blocks = mem_live_blocks();
    if ((data[0] & 1) != 0) {
        read_gzip(&host_instance.host, (const char *)data + 1, bytes - 1);
    } else {
        read_arrays(&host_instance.host, (const char *)data + 1, bytes - 1);
    }
    fuzz_demand(mem_live_blocks() == blocks, "nothing leaks");
    return 0;
}
