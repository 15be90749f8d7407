/* instance.h: a live component and the host table that it was given. */
#ifndef ODEON_CORE_PLUGIN_INSTANCE_H
#define ODEON_CORE_PLUGIN_INSTANCE_H
#include "plugin/instance_type.h"

/* Makes an instance of what config chose, which outlives it. Messages of its failures start with
 * path. An init that asks whether an option is given which its table lacks, or which has a default,
 * is ODEON_ERR_PLUGIN. */
odeon_status instance_create(const odeon_config *config, const char *path, instance **out);
/* The same with a config that is the instance's from now on, also where it fails. */
odeon_status instance_take(odeon_config *config, const char *path, instance **out);
/* The same as instance_create, but of component of file, a kernel, which gets the options of
 * config's; abi_minor is that of the kernel's plugin. */
odeon_status instance_create_as(const odeon_component *component, const char *file,
                                uint32_t abi_minor, const odeon_config *config, const char *path,
                                instance **out);
void instance_destroy(instance *x); /* NULL is allowed */

/* Fills x->host, with the host's minor for abi_minor; of x only path is looked at by the services
 * that it gives. For a plugin's init, which belongs to no instance. */
void instance_host(instance *x);

/* The kind's table, e.g. const odeon_layer_ops *ops = x->component->ops. */

#endif
