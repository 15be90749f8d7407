/* `odeon inspect`: what is shown, by the number of words and the options. What
 * each of them prints is in the file of its name, inspect_*.c. */
#include "command/command.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "command/inspect_component.h"
#include "command/inspect_devices.h"
#include "command/inspect_reference.h"
#include "command/inspect_section.h"
#include "device/device_auto.h"
#include "option/kinds.h"
#include "plugin/registry.h"

/* At most one of the words that say what to show. */
static odeon_status check_usage(const command_line *a)
{
    bool reference = a->value[ARGUMENT_REFERENCE] != NULL;
    bool exists = a->value[ARGUMENT_EXISTS] != NULL, json = a->value[ARGUMENT_JSON] != NULL;
    if (reference && (exists || json || a->n_operands > 0)) {
        return diag_fail(ODEON_ERR_CONFIG, "inspect: --reference takes no other argument");
    }
    if (exists && (json || a->n_operands != 2)) {
        return diag_fail(ODEON_ERR_CONFIG, "usage: odeon inspect KIND ID --exists");
    }
    if (!reference && a->n_operands == 0) {
        return diag_fail(ODEON_ERR_CONFIG, "usage: odeon inspect %s (odeon help inspect)",
                         command_inspect.operands);
    }
    return ODEON_OK;
}

/* The kinds are named in the message, in the order of an INI's sections. */
static odeon_status find_kind(const char *name, int32_t *out)
{
    *out = kind_by_name(name);
    return *out != 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "inspect: '%s' is no kind; kinds are device, dataset, layer, "
                           "integrator, gradient, optimizer, loss, schedule, observer and view",
                           name);
}

/* kind 0 is that of --reference. auto is a device's name that no plugin has: what stands for it is
 * shown. */
static odeon_status inspect(registry *r, const command_line *a, int32_t kind)
{
    bool json = a->value[ARGUMENT_JSON] != NULL;
    if (kind == 0) {
        return inspect_reference(r, a->out);
    }
    const char *id = a->operands[1];
    if (a->value[ARGUMENT_EXISTS] != NULL) {
        return inspect_exists(r, kind, id);
    }
    return kind == ODEON_KIND_DEVICE && strcmp(id, DEVICE_AUTO) == 0
               ? inspect_devices(r, json, a->out)
               : inspect_component(r, kind, id, json, a->out);
}

/* The keys of a section need no plugins; all else looks at files of the search path. */
static odeon_status run_inspect(const command_line *a)
{
    bool json = a->value[ARGUMENT_JSON] != NULL;
    int32_t kind = 0;
    ODEON_TRY(check_usage(a));
    if (a->n_operands == 1) {
        return inspect_section(a->operands[0], json, a->out);
    }
    if (a->n_operands == 2) {
        ODEON_TRY(find_kind(a->operands[0], &kind));
    }
    registry *r = NULL;
    ODEON_TRY(registry_create(a->n_plugin_paths, a->plugin_paths, &r));
    odeon_status status = inspect(r, a, kind);
    registry_destroy(r);
    return status;
}

const command command_inspect = {
    .name = "inspect",
    .operands = "KIND ID | SECTION | --reference",
    .summary = "show a component or the keys of a section",
    .help =
        "  inspect KIND ID     what a component is and every option with type, default and range;\n"
        "                      KIND is device, dataset, layer, integrator, gradient, optimizer,\n"
        "                      loss, schedule, observer or view; aliases are what others\n"
        "                      call it: hints know them, an INI does not\n"
        "  inspect device auto which devices this machine can use, and which run.device=auto is\n"
        "  inspect SECTION     the keys of [run], [data], [data.*], [train], [model.*] or "
        "[plugins]:\n"
        "                      SECTION is run, data, data.NAME, train, train.NAME, model or "
        "plugins\n"
        "  --json              either of them as JSON\n"
        "  --exists            print nothing; exit code 0 if component KIND ID can be used, else "
        "4\n"
        "  --reference         all sections, components, keys and defaults as a commented INI\n",
    .options = 1U << ARGUMENT_JSON | 1U << ARGUMENT_EXISTS | 1U << ARGUMENT_REFERENCE,
    .max_operands = 2,
    .run = run_inspect,
};
