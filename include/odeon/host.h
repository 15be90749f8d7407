/* host.h: what a host gives to a plugin.
 *
 * A plugin links nothing of the host: all services arrive in this table, at the plugin's init and
 * with each instance. Each instance gets a table of its own (self tells the host which), valid
 * until its fini has returned; that of the plugin's init stays valid until shutdown has.
 *
 * Frozen at 1.0. */
#ifndef ODEON_HOST_H
#define ODEON_HOST_H
#include <stdarg.h>
#include <stdio.h>

#include "odeon/abi.h"
#include "odeon/option.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ODEON_LOG_DEBUG = 0, ODEON_LOG_INFO = 1, ODEON_LOG_WARNING = 2 };

/* The six services that plugins of every kind use. Growing; but what only some kinds need comes in
 * a table of its own, by get_extension. */
typedef struct odeon_host {
    uint32_t struct_size;
    uint32_t abi_minor; /* the lower of the host's and the plugin's */
    void *self;         /* the host's; pass the table itself to the slots */

    /* Host memory, aligned to 64 bytes, contents undefined. NULL when there is none (or when a test
     * says so); the plugin then fails with ODEON_ERR_NOMEM. free takes NULL. [any; build] */
    void *(*alloc)(const struct odeon_host *host, uint64_t bytes);
    void (*free)(const struct odeon_host *host, void *memory);

    /* Records why a call is about to fail and returns status unchanged. Text is copied. The host
     * adds the component's path. Of several on one thread the first is kept. [any; step] */
    odeon_status (*fail)(const struct odeon_host *host, odeon_status status, const char *text);
    /* Says something that is no failure. stdout and stderr are the host's alone. [any; batch] */
    void (*log)(const struct odeon_host *host, int32_t level, const char *text);

    /* 1 if the INI gives that option of this instance's component, which has no default, else 0.
     * Not for one with a default: the normal form of a configuration gives every default, and has
     * to mean the same. Anything else is a bug in the plugin: the result is 0 and the host refuses
     * the instance. [main; build], [worker; build] */
    int32_t (*option_given)(const struct odeon_host *host, const char *name);

    /* A further table of services by id, e.g. ODEON_HOST_ODE (container.h), or NULL. It lives as
     * long as this table. [any; build] */
    const void *(*get_extension)(const struct odeon_host *host, const char *id);
} odeon_host;

/* First field of an instance (odeon_component.instance_bytes). */
#define ODEON_INSTANCE const odeon_host *host

#define ODEON_MESSAGE_BYTES 512

/* Formats the reason of a failure, gives it to the host and returns status:
 *   return odeon_fail(host, ODEON_ERR_CONFIG, "conv2d: input has %lld channels", n);
 * Say what, where, why and what to do, in one line. */
__attribute__((format(printf, 3, 4))) static inline odeon_status
odeon_fail(const odeon_host *host, odeon_status status, const char *format, ...)
{
    char text[ODEON_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) >= ODEON_MESSAGE_BYTES) {
        (void)snprintf(text + sizeof text - 4, 4, "..."); /* it is cut, and shows that */
    }
    va_end(arguments);
    return host->fail(host, status, text);
}

#ifdef __cplusplus
}
#endif
#endif
