/* inspect_notes.h: what plugins there are, by their notes alone: nothing of them runs. */
#ifndef ODEON_CORE_COMMAND_INSPECT_NOTES_H
#define ODEON_CORE_COMMAND_INSPECT_NOTES_H
#include <stdbool.h>
#include <stdio.h>

#include "plugin/registry.h"

/* Writes for every component of every plugin file under the search path kind, id, ABI and file;
 * then the files that are refused unread, with the reason, a kernel without its layer's file among
 * them. As JSON: an object of two lists, "plugins" (kind, id, file, build_id, abi) and "refused"
 * (kind, id, file, reason). A refused plugin is no failure; ODEON_ERR_IO, ODEON_ERR_NOMEM are.
 * [main] */
odeon_status inspect_notes(registry *r, bool json, FILE *out);

#endif
