/* A safetensors file of any bytes: refused with a reason, or every tensor lies within it. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/safetensors.h"
#include "fuzz.h"

enum { MAX_ELEMENTS = 4096 };

static void check_entry(const safetensors *file, size_t i, const uint8_t *first,
                        const uint8_t *last)
{
    const safetensors_entry *entry = safetensors_at(file, i);
    const uint8_t *data = entry->data;
    fuzz_demand(data >= first && data <= last && entry->bytes <= (uint64_t)(last - data),
                "a tensor lies within the file");
    fuzz_demand(safetensors_find(file, entry->name) == entry, "a tensor is found by its name");
    fuzz_demand(i == 0 || strcmp(safetensors_at(file, i - 1)->name, entry->name) < 0,
                "tensors are sorted");
    int64_t n = safetensors_elements(entry);
    if (n > MAX_ELEMENTS) {
        return;
    }
    double *values = malloc((size_t)n * sizeof *values + 1);
    fuzz_demand(values != NULL, "there is memory");
    if (safetensors_as_f64(entry, values) != ODEON_OK) {
        fuzz_check_failure(ODEON_ERR_DATA);
    }
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    int64_t blocks = mem_live_blocks();
    uint8_t *unaligned = malloc(bytes + 1);
    fuzz_demand(unaligned != NULL, "there is memory");
    memcpy(unaligned + 1, data, bytes);
    safetensors *file = NULL;
    odeon_status status = safetensors_parse("fuzz", unaligned + 1, bytes, &file);
    fuzz_demand((status == ODEON_OK) == (file != NULL), "there is a result or a failure");
    if (file == NULL) {
        fuzz_check_failure(status);
    } else {
        for (size_t i = 0; i < safetensors_count(file); i++) {
            check_entry(file, i, unaligned + 1, unaligned + 1 + bytes);
        }
        (void)safetensors_metadata(file, "format");
    }
    safetensors_destroy(file);
    free(unaligned);
    fuzz_demand(mem_live_blocks() == blocks, "nothing leaks");
    return 0;
}
