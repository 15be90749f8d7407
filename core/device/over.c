#include "device/over.h"

#include "base/diag.h"
#include "base/mem.h"
#include "option/schema_print.h"
#include "plugin/component.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "run.device: no memory for a device over it");
}

/* The base passes through its text, since a device names its base by text. */
odeon_status device_over(registry *r, const char *over, const odeon_config *base,
                         odeon_config **out)
{
    text_buffer text = {.failed = false};
    *out = NULL;
    odeon_status status = schema_print(&text, base);
    char *expression = NULL;
    if (status == ODEON_OK) {
        expression = text.failed ? NULL : mem_printf("%s(base=%s)", over, text.data);
        status = expression != NULL ? ODEON_OK : no_memory();
    }
    if (status == ODEON_OK) {
        status = component_read(r, ODEON_KIND_DEVICE, expression, base->where, "run", NULL, 0, NULL,
                                out);
    }
    mem_free(expression);
    text_fini(&text);
    return status;
}
