#include "config.h"
#include "diag.h"
#include "inspect.h"

odeon_status inspect_section(const char *section, FILE *out)
{
    const odeon_option *const *options = config_host_options(section);
    if (options == NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "the host has no keys for a section '%s'", section);
    }
    (void)fprintf(out, "[%s]: keys of the host\n\noptions:\n", section);
    for (size_t i = 0; options[i] != NULL; i++) {
        schema_print_option(out, options[i]);
    }
    return ODEON_OK;
}
