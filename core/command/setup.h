/* setup.h: what most commands begin with: plugins, configuration, model. */
#ifndef ODEON_CORE_COMMAND_SETUP_H
#define ODEON_CORE_COMMAND_SETUP_H
#include "command/command_line.h"
#include "config/config_load.h"
#include "data/data.h"
#include "plugin/registry.h"
#include "run/notes.h"
#include "run/observers.h"
#include "session/handle.h"

typedef struct setup {
    registry *registry;
    config *config;
    data_fields fields;
    session *session;     /* NULL until setup_session */
    observers *observers; /* NULL until setup_observers */
    FILE *out;            /* borrowed from the command line */
} setup;

/* Reads the INI a->operands[0] with the other operands as overrides, then those that --weights and
 * --dtype stand for, and asks the data set what its samples are. A run's folder in place of the INI
 * is its configuration and, unless others are given, its weights. Opens no data. out can be given
 * to setup_close whatever the answer. */
odeon_status setup_open(const command_line *a, setup *out);
/* The same, and an INI without [train] will do. */
odeon_status setup_open_untrained(const command_line *a, setup *out);
/* The same, and one without [data] will do as well. */
odeon_status setup_open_model(const command_line *a, setup *out);
/* As setup_open, without [data] and [train] too; but plugin files that the INI names are loaded
 * with --trust only, and the weights of a run's folder are left alone. */
odeon_status setup_open_unknown(const command_line *a, setup *out);
/* As setup_open of another INI, which is no folder; operands[0] is not looked at. */
odeon_status setup_open_ini(const command_line *a, const char *ini, setup *out);
/* As setup_open_untrained, with the keys of [sample.NAME] as the first overrides. */
odeon_status setup_open_sample(const command_line *a, setup *out);
/* The same of an INI that may come from anybody, as setup_open_unknown. *has false: it has no such
 * section, and nothing is opened. */
odeon_status setup_open_unknown_sample(const command_line *a, setup *out, bool *has);
/* Loads the configuration again with the keys that phases set until stage (config_stage_after);
 * ini: what it was loaded from. Before a session is there. What s may load stays as it is. */
odeon_status setup_set_stage(const command_line *a, const char *ini, size_t stage, setup *s);
/* Builds the model. */
odeon_status setup_session(setup *s);
odeon_status setup_shapes(setup *s); /* session_create_shapes */
/* Builds it as far as its first ODE block, to be solved. */
odeon_status setup_flow(setup *s);
/* Makes the observers of a run of training, and n further ones (observers.h). */
odeon_status setup_observers(setup *s, size_t n, const char *const *more);
/* Warns of what the configuration may not mean (notes.h). */
void setup_warn(const setup *s, notes_use use);
void setup_close(setup *s);

#endif
