/* Finds itself unusable when it is started. */
#define HOSTILE_ID   "init_fails"
#define HOSTILE_INIT init
#include "odeon/host.h"

static odeon_status init(const odeon_host *host)
{
    return odeon_fail(host, ODEON_ERR_DEVICE, "no such hardware here");
}

#include "../common/hostile.h"
