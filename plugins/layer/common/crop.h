/* crop.h: layers that take a random window of every image, drawn per sample from layer, epoch and
 * batch: x [B,C,H,W] -> y [B,C,P,Q]. In evaluation the window is centred and not mirrored; where it
 * is the whole image the layer acts in training only. */
#ifndef ODEON_LAYER_CROP_H
#define ODEON_LAYER_CROP_H
#include "odeon/device_random.h"
#include "odeon/host.h"
#include "odeon/layer.h"

/* Each such layer has some of the options and sets the rest in its init. */
typedef struct crop {
    ODEON_INSTANCE;
    odeon_i64_list size;
    int64_t padding;
    double probability;
    const char *id;                 /* for messages */
    int64_t height, width;          /* P, Q; 0: the image's */
    odeon_window_geometry geometry; /* in training */
} crop;

extern const odeon_layer_ops crop_ops;

#endif
