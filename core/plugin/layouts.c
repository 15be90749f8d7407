#include "plugin/layouts.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/layouts.h"
#include "option/kinds.h"
#include "plugin/claims.h"

/* The numbers stand in the note, so that a plugin of other headers is refused before anything of
 * it is mapped. Order and length are those of ODEON_LAYOUTS: BASE, then the
 * interfaces by their numbers. */

enum { NUMBER_DIGITS = 8 };

/* Number index of "01234567.89abcdef...."; false: it is not there. */
static bool read_number(const char *layouts, size_t index, uint32_t *out)
{
    const char *c = layouts;
    for (size_t i = 0; i < index; i++) {
        c = strchr(c, '.');
        if (c == NULL) {
            return false;
        }
        c++;
    }
    return strspn(c, "0123456789abcdef") == NUMBER_DIGITS && sscanf(c, "%8" SCNx32, out) == 1;
}

/* A number that is missing is an old header's, and as wrong as another one. */
static odeon_status check_number(const char *file, const char *layouts, size_t index,
                                 uint32_t expected, const char *what)
{
    uint32_t number = 0;
    if (!read_number(layouts, index, &number)) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: its note does not say with which draft headers of %s it was built: "
                         "build it again with this host's headers",
                         file, what);
    }
    if (number != expected) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: it was built with other draft headers of %s (%08" PRIx32
                         ", this host has %08" PRIx32 "): build it again with this host's headers",
                         file, what, number, expected);
    }
    return ODEON_OK;
}

/* Only the numbers of interfaces that the file has: a change in one draft leaves plugins of others
 * usable. */
odeon_status layouts_check(const char *file, const char *layouts, const char *components)
{
    claim c;
    ODEON_TRY(check_number(file, layouts, 0, ODEON_LAYOUT_BASE, "all plugins"));
    while (claim_next(&components, &c)) {
        if (c.kind != 0 && c.interface == 0) {
            return diag_fail(ODEON_ERR_PLUGIN,
                             "%s: its note does not say which interface of %s it has for %s, or "
                             "this host does not know it: use ODEON_PLUGIN, or write KIND/ID:NAME",
                             file, kind_name(c.kind), c.id);
        }
        if (c.kind != 0) {
            const interface_info *own = interface_of(c.interface);
            ODEON_TRY(check_number(file, layouts, c.interface, own->version, own->name));
        }
    }
    return ODEON_OK;
}
