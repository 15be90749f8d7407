#include "command/table_options.h"

#include "base/diag.h"

odeon_status table_options_check(const command_line *a)
{
    return a->value[ARGUMENT_CSV] == NULL || a->value[ARGUMENT_JSON] == NULL
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG, "one of --csv and --json, not both");
}

table_form table_form_of(const command_line *a)
{
    return a->value[ARGUMENT_JSON] != NULL  ? TABLE_JSON
           : a->value[ARGUMENT_CSV] != NULL ? TABLE_CSV
                                            : TABLE_TEXT;
}
