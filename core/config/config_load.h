/* config_load.h: an INI with its includes, overrides and substitutions, resolved and checked.
 *
 * THE LANGUAGE, on top of what ini_file.h says about lines
 *
 * include = FILE, ...   Before the first section. The files are read first, each once, and merged
 *                       key by key: the includer's value holds, of several files the later one's.
 * [let] name = text     ${name} becomes text in every value, in [let] below the line that sets it.
 * [run] [data] [train] [plugins], [data.NAME], [train.NAME] and [model.NAME...]; the host's keys:
 * config_host_options.
 *
 * A component is NAME or NAME(key=value, ...): lists have blanks between their items, a component
 * may be a value. The options of a section's own component - layer of [model.*], dataset of
 * [data], optimizer of [train] and [train.NAME] - may stand as keys of the section instead. Both is
 * an error within a file; between files, and between a file and an override, the later holds. Where
 * the later gives the section another component, keys of the earlier that only the earlier
 * component has are dropped, and sections of the earlier nested in it where the later component
 * holds none.
 *
 * Model sections stand in order and nest by path: [model.ode.block] is in the body of [model.ode].
 *   then = NAME, ...      layers that follow the section's own
 *   repeat = N            the section N times, each with parameters of its own
 *   enabled = no          leaves the section out, and what is nested below it
 *   share = model.PATH    in place of layer: the section above that lends its parameters and
 * options
 *
 * Sections [data.NAME] are layers as well, in order, through which the data goes on its way into
 * the model: then, repeat and enabled as above. They do not nest, and have no parameters.
 *
 * Sections [train.NAME] are later phases of the run, in order: `after` says when one begins, and
 * its optimizer and schedule take the place of those before.
 *
 * A model that is to be solved and no more needs neither [data] nor [train], of which weights may
 * be left.
 *
 * An override is path.key=value, path that of a section; [let] takes only names that it has.
 * Relative paths count from the folder of the INI that they stand in, in overrides from the working
 * directory. [plugins] load = FILE, ... loads plugins before anything is looked up. */
#ifndef ODEON_CORE_CONFIG_CONFIG_LOAD_H
#define ODEON_CORE_CONFIG_CONFIG_LOAD_H
#include "config/config.h"
#include "plugin/registry.h"

/* Reads ini and applies the overrides ("path.key=value") in order. Every error names file and
 * line (or the override) and says what is allowed; ODEON_ERR_CONFIG, ODEON_ERR_IO,
 * ODEON_ERR_PLUGIN, ODEON_ERR_NOMEM. Loads the plugins that are named and no others. */
odeon_status config_load(registry *r, const char *ini, size_t n_overrides,
                         const char *const *overrides, config **out);
/* The same for a model that is to be asked or solved and not trained: an INI with [data] needs no
 * [train] then, and without one n_losses is 0 and optimizer NULL. */
odeon_status config_load_untrained(registry *r, const char *ini, size_t n_overrides,
                                   const char *const *overrides, config **out);

#endif
