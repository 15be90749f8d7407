/* caller.h: on whose behalf a worker makes a call, for messages about it. */
#ifndef ODEON_CORE_DEVICE_CALLER_H
#define ODEON_CORE_DEVICE_CALLER_H
#include <stdbool.h>
#include <stddef.h>

#include "odeon/status.h"
#include "plugin/calling.h"

/* Whether a call stems from the host itself. A device only acts on behalf of its caller, so its
 * calls count as the host's. */
bool caller_is_host(const calling *c);
/* Describes the caller for messages: "forward of ode.block (faulty)", or "the host". May use text
 * as its buffer. */
const char *caller_text(const calling *c, char *text, size_t bytes);
/* If a plugin's call is involved, the plugin is at fault; if only the host's are, it is an internal
 * error. */
odeon_status caller_fault(const calling *a, const calling *b);

#endif
