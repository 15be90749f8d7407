/* descriptor.h: the host's own, checked copy of a plugin's tables.
 *
 * A plugin may be older or newer than the host: its structures may be shorter or longer than ours.
 * Each is copied, as far as both know it, into memory of the host's size that is zero beyond, so
 * that the rest of the host reads any slot without asking how long the plugin's structure was. */
#ifndef ODEON_CORE_PLUGIN_DESCRIPTOR_H
#define ODEON_CORE_PLUGIN_DESCRIPTOR_H
#include <stddef.h>

#include "odeon/plugin.h"

typedef struct descriptor {
    odeon_plugin root; /* its components, their options and ops are copies as well */
    size_t n_blocks;
    void **blocks; /* what the copies stand in */
} descriptor;

/* Copies and checks everything that root leads to: magic, sizes, ABI, reserved words, texts, ids,
 * kinds, needed slots, option tables (but not that defaults parse). ODEON_ERR_PLUGIN with file,
 * component and field in the message; ODEON_ERR_NOMEM. root's strings and functions are borrowed:
 * a plugin is never unloaded. */
odeon_status descriptor_create(const odeon_plugin *root, const char *file, descriptor **out);
void descriptor_destroy(descriptor *d); /* NULL is allowed */

#endif
