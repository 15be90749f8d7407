#include "command/named_split.h"

#include <string.h>

#include "base/diag.h"

odeon_status named_split_check(const char *name)
{
    static const char *const names[] = {"train", "validation", "test"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return ODEON_OK;
        }
    }
    return diag_fail(ODEON_ERR_CONFIG, "--split %s: must be train, validation or test", name);
}

static odeon_status open_validation(const config *c, named_split *out)
{
    ODEON_TRY(data_open(c, ODEON_SPLIT_TRAIN, &out->lender));
    ODEON_TRY(data_open_validation(c, out->lender, &out->source));
    return out->source != NULL
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG, "--split validation: there is none: set "
                                             "data.validation, such as data.validation = 0.1");
}

odeon_status named_split_open(const config *c, const char *name, named_split *out)
{
    *out = (named_split){.source = NULL};
    ODEON_TRY(named_split_check(name));
    if (strcmp(name, "validation") == 0) {
        return open_validation(c, out);
    }
    bool train = strcmp(name, "train") == 0;
    return data_open(c, train ? ODEON_SPLIT_TRAIN : ODEON_SPLIT_TEST, &out->source);
}

void named_split_close(named_split *split)
{
    data_close(split->source);
    data_close(split->lender);
}
