/* crop.h: layers that take a random window of every image, drawn per sample from layer, epoch and
 * batch: x [B,C,H,W] -> y [B,C,P,Q]. In evaluation the window is centred and not mirrored; where it
 * is the whole image the layer acts in training only. */
#ifndef ODEON_LAYER_CROP_H
#define ODEON_LAYER_CROP_H
#include "odeon/host.h"
#include "odeon/layer.h"

/* What distinguishes one such layer from another. */
typedef struct crop_choice {
    const char *id;          /* of the layer, for messages; must outlive it */
    int64_t height, width;   /* P, Q; 0: the image's */
    odeon_window2d geometry; /* in training */
} crop_choice;

extern const odeon_layer_ops crop_ops;

/* For the slots create and destroy. */
odeon_status crop_create(const odeon_host *host, const crop_choice *choice, void **out);
void crop_destroy(void *self);

#endif
