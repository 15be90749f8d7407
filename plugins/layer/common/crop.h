/* crop.h: layers that take a window of every image by chance, drawn per sample from layer, epoch
 * and batch: x[B,C,H,W], y[B,C,P,Q]. In evaluation the window stands in the middle, unmirrored;
 * where that is the whole image, the layer is of training alone. */
#ifndef ODEON_LAYER_CROP_H
#define ODEON_LAYER_CROP_H
#include "odeon/host.h"
#include "odeon/layer.h"

typedef struct crop_choice {
    const char *id;          /* of the layer, for messages; must live as long as it */
    int64_t height, width;   /* P, Q; 0: the image's */
    odeon_window2d geometry; /* in training */
} crop_choice;

extern const odeon_layer_ops crop_ops;

/* For the slots create and destroy. */
odeon_status crop_create(const odeon_host *host, const crop_choice *choice, void **out);
void crop_destroy(void *self);

#endif
