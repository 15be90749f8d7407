/* body.h: direct convolutions of one dtype. The including source defines real, REAL_BYTES and the
 * table's name CPU_DIRECT. */
#ifndef ODEON_CPU_DIRECT_BODY_H
#define ODEON_CPU_DIRECT_BODY_H
#include "../direct.h"

#include "vectors.h"

#include "outer.h"
#include "tile_filters.h"
#include "tile_places.h"

#include "images.h"
#include "totals.h"
#include "weights.h"

const cpu_direct CPU_DIRECT = {
    .lanes = LANES,
    .bytes = REAL_BYTES,
    .begin = begin,
    .images = images,
    .weights_begin = weights_begin,
    .weights_images = weights_images,
    .weights_end = weights_end,
    .time_sums = time_sums,
};

#endif
