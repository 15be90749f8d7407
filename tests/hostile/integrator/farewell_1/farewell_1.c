/* Says when it is shut down. */
#define HOSTILE_ID       "farewell_1"
#define HOSTILE_INIT     init
#define HOSTILE_SHUTDOWN say_farewell
#include "odeon/host.h"

static const odeon_host *host_of_plugin; /* lives until shutdown has returned */

static odeon_status init(const odeon_host *host)
{
    host_of_plugin = host;
    return ODEON_OK;
}

static void say_farewell(void)
{
    host_of_plugin->log(host_of_plugin, ODEON_LOG_INFO, "farewell 1");
}

#include "../common/hostile.h"
