/* JSON of any bytes: refused with a reason, or printed it is read again as the same, and as a
 * manifest it does not differ from itself. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/json.h"
#include "fuzz.h"
#include "run/manifest_compare.h"

static void check_places(const json_value *parent)
{
    size_t at = parent->begin, n = 0;
    for (const json_value *x = json_first(parent); x != NULL; x = json_next(parent, x), n++) {
        fuzz_demand(x->begin > at && x->begin < x->end && x->end < parent->end,
                    "a value lies within the one that it is in, behind the one before it");
        at = x->end - 1;
        check_places(x);
    }
    fuzz_demand(n == parent->n, "all values are found");
}

static void check_printed(const json_value *root)
{
    text_buffer text = {0};
    json again;
    json_print(&text, root);
    fuzz_demand(!text.failed, "there is memory");
    fuzz_demand(strchr(text.data, '\n') == NULL, "it is printed on one line");
    fuzz_demand(json_parse("printed", text.data, text.length, &again) == ODEON_OK,
                "what is printed can be read");
    fuzz_demand(json_equal(root, again.values), "what is printed says the same");
    json_fini(&again);
    text_fini(&text);
}

static void check_manifest(const json_value *root)
{
    text_buffer out = {0};
    for (manifest_part part = MANIFEST_PLUGINS; part <= MANIFEST_DATA; part++) {
        manifest_difference(part, root, root, &out);
    }
    fuzz_demand(out.length == 0 && !out.failed, "a manifest does not differ from itself");
    text_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    int64_t blocks = mem_live_blocks();
    char *exact = malloc(bytes > 0 ? bytes : 1); /* so that a byte too far is noticed */
    json j;
    fuzz_demand(exact != NULL, "there is memory");
    memcpy(exact, data, bytes);
    odeon_status status = json_parse("fuzz", exact, bytes, &j);
    free(exact);
    fuzz_demand((status == ODEON_OK) == (j.values != NULL), "there is a result or a failure");
    if (status != ODEON_OK) {
        fuzz_check_failure(status);
    } else {
        check_places(j.values);
        check_printed(j.values);
        check_manifest(j.values);
    }
    json_fini(&j);
    fuzz_demand(mem_live_blocks() == blocks, "nothing leaks");
    return 0;
}
