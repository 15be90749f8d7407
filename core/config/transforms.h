/* transforms.h: the [data.*] sections. */
#ifndef ODEON_CORE_CONFIG_TRANSFORMS_H
#define ODEON_CORE_CONFIG_TRANSFORMS_H
#include "config/loading.h"

/* Fills c->data_nodes. */
odeon_status transforms_read(loading *l);
odeon_status transforms_print(const loading *l, text_buffer *out);

#endif
