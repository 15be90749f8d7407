/* snapshot.h: all that the next step depends on beside its number, as tensors of a file: every
 * parameter and running state by path and, if moments, the optimizer's as "optimizer/NAME/PATH",
 * all in the run's dtype. */
#ifndef ODEON_CORE_SESSION_SNAPSHOT_H
#define ODEON_CORE_SESSION_SNAPSHOT_H
#include "format/safetensors.h"
#include "net/params.h"
#include "session/handle.h"

#define SNAPSHOT_MOMENTS "optimizer/" /* the names of moments begin so */

typedef struct session_tensor {
    size_t parameter;
    int32_t moment; /* -1: the values */
    int32_t reserved0;
} session_tensor;

/* A list of tensors whose data stays on the device until it is read. */
typedef struct session_tensors {
    session *session;
    size_t n;
    safetensors_entry *entries; /* data NULL */
    char **names;               /* what entries point at; owned */
    session_tensor *sources;    /* entry i is of sources[i] */
    safetensors *weights;       /* of session_start_list: train.weights, or NULL; owned */
} session_tensors;

/* session_tensors_fini takes a list that is {0}, and one of which the listing failed. */
odeon_status session_tensors_list(session *s, bool moments, session_tensors *out);
void session_tensors_fini(session_tensors *x);
/* A safetensors_source: the data of a list, from the device. */
odeon_status session_tensors_read(void *list, size_t index, uint64_t offset, size_t bytes,
                                  void *out);

/* The opposite: takes everything, moments included, from file to the bit. ODEON_ERR_DATA if file
 * has not exactly the tensors that session_tensors_list has, in shape and dtype; what the session
 * holds is then undefined. path is for messages. */
odeon_status session_restore(session *s, const safetensors *file, const char *path);

/* ODEON_ERR_DATA if the tensor has not p's shape. */
odeon_status snapshot_check_shape(const param *p, const safetensors_entry *entry, const char *path);

#endif
