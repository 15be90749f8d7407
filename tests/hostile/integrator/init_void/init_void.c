/* Answers its init as if that were a trial step, and gives no reason. */
#define HOSTILE_ID   "init_void"
#define HOSTILE_INIT init
#include "odeon/host.h"

static odeon_status init(const odeon_host *host)
{
    (void)host;
    return ODEON_VOID_STEP;
}

#include "../common/hostile.h"
