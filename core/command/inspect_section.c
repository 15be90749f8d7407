/* The keys of a section that are the host's own, from the same tables of options as the
 * configuration is checked with: what is printed cannot differ from what is accepted. */
#include "command/inspect_section.h"

#include "base/diag.h"
#include "config/config_load.h"
#include "config/options.h"
#include "option/schema_print.h"

/* Made whole before any of it is printed, so that running out of memory leaves no half of an
 * object. */
static odeon_status write_json(const char *section, const odeon_option *const *options, FILE *out)
{
    text_buffer text = {0};
    text_printf(&text, "{\"section\": \"%s\",\n  ", section);
    schema_json_options(&text, options);
    text_add(&text, "}\n");
    odeon_status status =
        text.failed ? diag_fail(ODEON_ERR_NOMEM, "no memory for section %s", section) : ODEON_OK;
    if (status == ODEON_OK) {
        (void)fputs(text.data, out);
    }
    text_fini(&text);
    return status;
}

/* For people: a line of meaning and range for each key. */
odeon_status inspect_section(const char *section, bool json, FILE *out)
{
    const odeon_option *const *options = config_host_options(section);
    if (options == NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "the host has no keys for a section '%s'; SECTION is run, data, "
                         "data.NAME, model, train, train.NAME or plugins",
                         section);
    }
    if (json) {
        return write_json(section, options, out);
    }
    (void)fprintf(out, "[%s]: keys of the host\n\noptions:\n", section);
    for (size_t i = 0; options[i] != NULL; i++) {
        schema_print_option(out, options[i]);
    }
    return ODEON_OK;
}
