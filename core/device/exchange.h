/* exchange.h: the step that all collectives consist of. */
#ifndef ODEON_CORE_DEVICE_EXCHANGE_H
#define ODEON_CORE_DEVICE_EXCHANGE_H
#include "device/collective_state.h"

/* Publishes this worker's status and data, and returns the offers of all workers and the worst
 * status. What data points to is read by the others until they enter their next exchange. */
odeon_status exchange_offers(worker_group *group, uint32_t kind, odeon_status mine,
                             const void *data, const offer **all);

#endif
