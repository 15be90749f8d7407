/* losses.h: train.loss: one loss, or several that add up. */
#ifndef ODEON_CORE_CONFIG_LOSSES_H
#define ODEON_CORE_CONFIG_LOSSES_H
#include "config/section.h"

/* train.loss: fills c->losses and puts the normal form in the place of what was typed. */
odeon_status losses_read(loading *l, host_section *h);

#endif
