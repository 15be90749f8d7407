/* capture.h: recordings of the calls of a queue. */
#ifndef ODEON_CUDA_CAPTURE_H
#define ODEON_CUDA_CAPTURE_H
#include "cuda.h"
#include "odeon/device_ext.h"

/* Where the driver knows no WHILE nodes, or the INI wants none, without loops. */
const odeon_device_capture *cuda_capture(const cuda_device *d);
/* Ends a recording that nobody will have. */
void cuda_forget_recording(cuda_queue *queue);

#endif
