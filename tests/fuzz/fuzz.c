#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"

void fuzz_demand(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "not so: %s (%s)\n", what, diag_message());
        abort();
    }
}

void fuzz_check_failure(odeon_status status)
{
    fuzz_demand(status < 0 && status != ODEON_ERR_INTERNAL, "bad input is no internal error");
    const char *message = diag_message();
    fuzz_demand(message[0] != '\0', "a failure has a reason");
    for (const char *c = message; *c != '\0'; c++) {
        fuzz_demand((unsigned char)*c >= 0x20 && *c != 0x7f, "a reason is one line");
    }
    diag_clear();
}
