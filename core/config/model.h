/* model.h: the [model.*] sections. */
#ifndef ODEON_CORE_CONFIG_MODEL_H
#define ODEON_CORE_CONFIG_MODEL_H
#include "config/loading.h"

/* Fills c->nodes and checks what the sections say about one another. */
odeon_status model_read(loading *l);
odeon_status model_print(const loading *l, text_buffer *out);

#endif
