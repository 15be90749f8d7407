/* small_net.h: a network on one worker made of the wings up to core/net and core/ode, without a
 * session: float64 on the device reference, whose memory is the host's. Every function fails the
 * test on an error that it does not answer. */
#ifndef ODEON_TESTS_SMALL_NET_H
#define ODEON_TESTS_SMALL_NET_H
#include "data/batch_fields.h"
#include "device/buffer.h"
#include "device/open.h"
#include "net/net.h"
#include "support.h"

enum { SMALL_NET_CLASSES = 3 };

typedef struct small_net {
    registry *registry;
    config *config;
    open_device opened;
    const odeon_device *device; /* opened's */
    collective *workers;
    worker_group group;
    params params;
    net_site site;
    odeon_net *net;
    double *values, *grads, *states; /* the flat vectors, zero at first */
    batch_fields fields;
    odeon_layer_call call; /* of training, without update of running state */
    device_buffer frame;
} small_net;

/* text: sections [model.*]. Input [1, dims...]. The network is built and bound. */
small_net *small_net_open(const char *text, int32_t ndim, const int64_t *dims);
/* Answers the status of net_create; s->net is NULL unless that is 0. Not bound. */
small_net *small_net_try(const char *text, int32_t ndim, const int64_t *dims, odeon_status *status);
/* As small_net_try with a change to the site before the network is built. */
small_net *small_net_try_with(const char *text, int32_t ndim, const int64_t *dims,
                              void (*change)(net_site *), odeon_status *status);
void small_net_bind(small_net *s);
void small_net_close(small_net *s);

/* Where a parameter's elements, and those of its gradient, lie. */
double *small_net_values(small_net *s, const char *path);
double *small_net_grads(small_net *s, const char *path);

/* n samples; keeps a frame for the vjp. */
void small_net_forward(small_net *s, int64_t n, const double *in, double *out);
void small_net_vjp(small_net *s, int64_t n, const double *d_out, double *d_in);

#endif
