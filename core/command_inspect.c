#include "command.h"

#include <stdio.h>

#include "diag.h"
#include "inspect.h"
#include "registry.h"

static odeon_status run_inspect(const command_line *a)
{
    if (a->n_operands == 1) {
        return inspect_section(a->operands[0], stdout);
    }
    int32_t kind = kind_by_name(a->operands[0]);
    if (kind == 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "inspect: '%s' is no kind; kinds are device, dataset, layer, integrator, "
                         "gradient, optimizer and loss",
                         a->operands[0]);
    }
    registry *r = NULL;
    ODEON_TRY(registry_create(a->n_plugin_paths, a->plugin_paths, &r));
    odeon_status status = inspect_component(r, kind, a->operands[1], stdout);
    registry_destroy(r);
    return status;
}

const command command_inspect = {
    .name = "inspect",
    .operands = "KIND ID | SECTION",
    .summary = "show a component or the keys of a section",
    .help =
        "  inspect KIND ID     what a component is and every option with its default; KIND is\n"
        "                      device, dataset, layer, integrator, gradient, optimizer or loss\n"
        "  inspect SECTION     the keys of [run], [data], [train], [model.*] or [plugins]:\n"
        "                      SECTION is run, data, train, model or plugins\n",
    .min_operands = 1,
    .max_operands = 2,
    .run = run_inspect,
};
