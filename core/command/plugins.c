/* `odeon plugins`: what is there, and why some of it cannot be used. It is where a message about a
 * component that is missing sends its reader. */
#include "command/command.h"

#include <stdio.h>

#include "command/inspect_notes.h"
#include "command/inspect_plugins.h"
#include "plugin/registry.h"

/* The registry only gives the search path: every plugin is loaded by a child (inspect_list.h), so
 * that one that crashes does not end the list. */
static odeon_status run_plugins(const command_line *a)
{
    registry *r = NULL;
    ODEON_TRY(registry_create(a->n_plugin_paths, a->plugin_paths, &r));
    bool json = a->value[ARGUMENT_JSON] != NULL;
    odeon_status status = a->value[ARGUMENT_LOAD] != NULL ? inspect_plugins(r, json, a->out)
                                                          : inspect_notes(r, json, a->out);
    registry_destroy(r);
    return status;
}

const command command_plugins = {
    .name = "plugins",
    .operands = "",
    .summary = "list the plugins and why some cannot be used",
    .help =
        "Plugins are files KIND/ID.so in the folders of --plugin-path, of $ODEON_PLUGIN_PATH\n"
        "(separated by colons), $XDG_DATA_HOME/odeon/plugins (~/.local/share/odeon/plugins),\n"
        "and of the build or the installation; the first that has one counts. Its file and all\n"
        "folders above it must belong to root or to you, and nobody else may write to them.\n"
        "What is listed stands in the files' notes: no code of a plugin runs.\n\n"
        "  --load    load each in a process of its own, at most one second long, for version and\n"
        "            summary, and to see whether it can be used\n"
        "  --json    as JSON; with --load with all options\n",
    .options = 1U << ARGUMENT_JSON | 1U << ARGUMENT_LOAD,
    .run = run_plugins,
};
