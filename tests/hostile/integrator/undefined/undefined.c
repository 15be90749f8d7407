/* Needs a function that nobody has. */
#define HOSTILE_ID   "undefined"
#define HOSTILE_INIT odeon_no_such_function
#include "odeon/host.h"

odeon_status odeon_no_such_function(const odeon_host *host);

#include "../common/hostile.h"
