/* The calls of a queue that records, and what it keeps until the recording ends. */
#include "recorder.h"

#include <stdarg.h>
#include <stdio.h>

odeon_status cuda_spoil(cuda_queue *queue, odeon_status status)
{
    if (queue->recording != NULL && queue->recording->status == ODEON_OK) {
        queue->recording->status = status;
    }
    return status;
}

static odeon_status fail(cuda_queue *queue, odeon_status status, const char *format,
                         va_list arguments)
{
    char text[ODEON_MESSAGE_BYTES];
    (void)vsnprintf(text, sizeof text, format, arguments);
    return cuda_spoil(queue, odeon_fail(queue->device->host, status, "cuda: %s", text));
}

odeon_status cuda_fail(cuda_queue *queue, odeon_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fail(queue, status, format, arguments);
    va_end(arguments);
    return status;
}

odeon_status device_fail(odeon_queue *queue, odeon_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fail(cuda_queue_of(queue), status, format, arguments);
    va_end(arguments);
    return status;
}

odeon_status cuda_refuse(cuda_queue *queue, const char *name)
{
    return queue->recording == NULL
               ? ODEON_OK
               : cuda_fail(queue, ODEON_ERR_DEVICE,
                           "%s: cannot be recorded; call it before or after", name);
}

cuda_queue *cuda_recorder(cuda_device *d)
{
    (void)pthread_mutex_lock(&d->lock);
    cuda_queue *q = d->queues;
    while (q != NULL && (q->recording == NULL || !pthread_equal(q->recorder, pthread_self()))) {
        q = q->next;
    }
    (void)pthread_mutex_unlock(&d->lock);
    return q;
}

void cuda_free_later(cuda_queue *queue, cuda_block *block)
{
    block->next = queue->recording->freed;
    queue->recording->freed = block;
}
