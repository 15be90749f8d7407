/* Recordings are graphs, captured from the queue's stream; a loop is a WHILE node, whose body is
 * captured from the same stream while the graph around it waits. So whatever is launched on the
 * stream is recorded, libraries' and third parties' kernels too, and no handle has to change its
 * stream, on which a library may keep memory of its own. */
#include "capture.h"

#include "blas.h"
#include "card_memory.h"
#include "failure.h"
#include "graph_refusal.h"
#include "launch.h"
#include "odeon/device_ext.h"
#include "odeon/device_solver.h"
#include "recorder.h"

/* Calls that CUDA 13 renamed. */
#if CUDART_VERSION >= 13000
#define GET_CAPTURE_INFO cudaStreamGetCaptureInfo
#define ADD_NODE         cudaGraphAddNode
#define GO_ON_BEHIND(stream, node)                                                                 \
    cudaStreamUpdateCaptureDependencies(stream, node, NULL, 1, cudaStreamSetCaptureDependencies)
#else
#define GET_CAPTURE_INFO cudaStreamGetCaptureInfo_v3
#define ADD_NODE         cudaGraphAddNode_v2
#define GO_ON_BEHIND(stream, node)                                                                 \
    cudaStreamUpdateCaptureDependencies(stream, node, 1, cudaStreamSetCaptureDependencies)
#endif

/* Other threads may allocate and wait meanwhile. */
static const enum cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal;

/* Of a call of the runtime for the queue. */
static odeon_status check(cuda_queue *queue, cudaError_t error, const char *what)
{
    return cuda_spoil(queue, cuda_check(queue->device, error, what));
}

/* ---- who records ---- */

static void set_recording(cuda_queue *queue, odeon_recording *recording)
{
    (void)pthread_mutex_lock(&queue->device->lock);
    queue->recording = recording;
    queue->recorder = pthread_self();
    (void)pthread_mutex_unlock(&queue->device->lock);
}

static void destroy(odeon_recording *recording)
{
    if (recording == NULL) {
        return;
    }
    cuda_queue *owner = recording->owner;
    if (owner->recording != NULL) { /* which does not let it be waited for */
        recording->next = owner->recording->destroyed;
        owner->recording->destroyed = recording;
        return;
    }
    if (recording->graph != NULL) {
        (void)cudaSetDevice((int)owner->device->card);
        (void)cudaStreamSynchronize(owner->stream);
        (void)cudaGraphExecDestroy(recording->graph);
    }
    owner->device->host->free(owner->device->host, recording);
}

/* The queue records no longer. *out is what was captured, to be destroyed by the caller; NULL on
 * failure: whether the runtime has destroyed it then is nowhere said, so it is left alone. */
static cudaError_t stop(cuda_queue *queue, cudaGraph_t *out)
{
    odeon_recording *r = queue->recording;
    cudaGraph_t captured = NULL;
    cudaError_t error = r->capturing ? cudaStreamEndCapture(queue->stream, &captured) : cudaSuccess;
    *out = r->around != NULL ? r->around : captured; /* the body of a loop belongs to its node */
    set_recording(queue, NULL);
    while (r->freed != NULL) {
        cuda_block *block = r->freed;
        r->freed = block->next;
        cuda_free_block(queue->device, block);
    }
    while (r->destroyed != NULL) {
        odeon_recording *destroyed = r->destroyed;
        r->destroyed = destroyed->next;
        destroy(destroyed);
    }
    return error;
}

void cuda_forget_recording(cuda_queue *queue)
{
    odeon_recording *recording = queue->recording;
    cudaGraph_t graph;
    if (recording != NULL) {
        (void)stop(queue, &graph);
        if (graph != NULL) {
            (void)cudaGraphDestroy(graph);
        }
        (void)cudaGetLastError(); /* what spoilt it is of no interest */
        destroy(recording);
    }
}

/* ---- begin, end ---- */

static int32_t has_loops(const cuda_device *d)
{
    static const int driver_with_loops = 12040; /* the first with WHILE nodes */
    int driver = 0;
    return d->loops == CUDA_LOOPS_YES && cudaDriverGetVersion(&driver) == cudaSuccess &&
           driver >= driver_with_loops;
}

/* A kernel comes to the GPU when it is first launched, which older drivers refuse while a stream
 * captures. */
static odeon_status load_kernels(cuda_device *d)
{
    struct cudaFuncAttributes attributes;
    int32_t loops = has_loops(d);
    for (int32_t i = 0; i < KERNEL_COUNT && !atomic_load(&d->loaded); i++) {
        int32_t is_of_loops =
            i == KERNEL_loop_pass || i == KERNEL_judge_pass || i == KERNEL_back_pass;
        if (!is_of_loops || loops) {
            ODEON_TRY(cuda_check(d, cudaFuncGetAttributes(&attributes, d->functions[i]),
                                 "bringing a kernel to the GPU"));
        }
    }
    atomic_store(&d->loaded, 1);
    return ODEON_OK;
}

static odeon_status begin(odeon_queue *queue)
{
    cuda_queue *q = cuda_queue_of(queue);
    cuda_device *d = q->device;
    ODEON_TRY(cuda_refuse(q, "begin"));
    ODEON_TRY(cuda_use_card(d));
    ODEON_TRY(load_kernels(d));
    ODEON_TRY(cuda_blas_open(q));
    odeon_recording *recording = d->host->alloc(d->host, sizeof *recording);
    if (recording == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes",
                          sizeof *recording);
    }
    *recording = (odeon_recording){.owner = q, .capturing = 1};
    odeon_status status =
        cuda_check(d, cudaStreamBeginCapture(q->stream, mode), "beginning a recording");
    if (status != ODEON_OK) {
        d->host->free(d->host, recording);
        return status;
    }
    set_recording(q, recording);
    return ODEON_OK;
}

/* Makes a graph that can be launched, and has the driver prepare its first launch. */
static odeon_status instantiate(cuda_queue *queue, cudaGraph_t graph, odeon_recording *recording)
{
    const cuda_device *d = queue->device;
    ODEON_TRY(cuda_graph_instantiate(d, graph, &recording->graph));
    return cuda_check(d, cudaGraphUpload(recording->graph, queue->stream),
                      "bringing a recording to the GPU");
}

static odeon_status end(odeon_queue *queue, odeon_recording **out)
{
    cuda_queue *q = cuda_queue_of(queue);
    odeon_recording *recording = q->recording;
    cudaGraph_t graph = NULL;
    *out = NULL;
    if (recording == NULL) {
        return cuda_fail(q, ODEON_ERR_DEVICE, "end: nothing is being recorded");
    }
    odeon_status status = recording->status;
    if (recording->node != NULL) {
        status = cuda_fail(q, ODEON_ERR_DEVICE, "end: a loop is still open");
    } else if (status != ODEON_OK) {
        (void)cuda_fail(q, status, "end: a call before it could not be recorded");
    }
    cudaError_t error = stop(q, &graph);
    if (status == ODEON_OK) {
        status = cuda_check(q->device, error, "ending a recording");
    } else {
        (void)cudaGetLastError(); /* the error that invalidated it has been reported */
    }
    if (status == ODEON_OK) {
        status = instantiate(q, graph, recording);
    }
    if (graph != NULL) {
        (void)cudaGraphDestroy(graph);
    }
    if (status != ODEON_OK) {
        destroy(recording);
        return status;
    }
    *out = recording;
    return ODEON_OK;
}

static odeon_status replay(odeon_queue *queue, const odeon_recording *recording)
{
    cuda_queue *q = cuda_queue_of(queue);
    ODEON_TRY(cuda_refuse(q, "replay"));
    if (recording->owner != q) {
        return cuda_fail(q, ODEON_ERR_DEVICE, "replay: another q made the recording");
    }
    ODEON_TRY(cuda_begin(q));
    return cuda_check(q->device, cudaGraphLaunch(recording->graph, q->stream),
                      "replaying a recording");
}

/* ---- loops ---- */

static odeon_status launch_pass(cuda_queue *queue, int32_t first)
{
    queue->recording->pass.first = first;
    return cuda_launch(queue, KERNEL_loop_pass, &queue->recording->pass, (kernel_shape){1, 1, 0});
}

/* Goes over from what is captured into *captured (NULL: of no interest) to another graph, behind
 * node (NULL: from its beginning). */
static odeon_status change_graph(cuda_queue *queue, cudaGraph_t *captured, cudaGraph_t to,
                                 const cudaGraphNode_t *node)
{
    cudaGraph_t before = NULL;
    queue->recording->capturing = 0;
    ODEON_TRY(check(queue, cudaStreamEndCapture(queue->stream, &before), "recording a loop"));
    if (captured != NULL) {
        *captured = before;
    }
    cudaError_t error =
        cudaStreamBeginCaptureToGraph(queue->stream, to, node, NULL, node != NULL ? 1 : 0, mode);
    ODEON_TRY(check(queue, error, "recording a loop"));
    queue->recording->capturing = 1;
    return ODEON_OK;
}

/* What a stream has captured: the graph so far, and the nodes that the next one comes behind. */
typedef struct progress {
    cudaGraph_t graph;
    const cudaGraphNode_t *behind;
    const cudaGraphEdgeData *edges;
    size_t n;
} progress;

static odeon_status look(cuda_queue *queue, progress *p)
{
    enum cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
    ODEON_TRY(check(
        queue,
        GET_CAPTURE_INFO(queue->stream, &capturing, NULL, &p->graph, &p->behind, &p->edges, &p->n),
        "recording a loop"));
    return capturing == cudaStreamCaptureStatusActive
               ? ODEON_OK
               : cuda_fail(queue, ODEON_ERR_DEVICE,
                           "loop_begin: a call before it could not be recorded");
}

/* Puts a WHILE node behind what is captured so far, and in front of it the kernel that decides on
 * the first pass. */
static odeon_status add_node(cuda_queue *queue, cudaGraph_t *body)
{
    odeon_recording *r = queue->recording;
    progress p;
    cudaGraphConditionalHandle condition;
    struct cudaGraphNodeParams node = {.type = cudaGraphNodeTypeConditional};
    ODEON_TRY(look(queue, &p));
    ODEON_TRY(check(queue, cudaGraphConditionalHandleCreate(&condition, p.graph, 0, 0),
                    "making the condition of a loop"));
    r->pass.condition = condition;
    ODEON_TRY(launch_pass(queue, 1));
    ODEON_TRY(look(queue, &p));
    node.conditional.handle = condition;
    node.conditional.type = cudaGraphCondTypeWhile;
    node.conditional.size = 1;
    ODEON_TRY(
        check(queue, ADD_NODE(&r->node, p.graph, p.behind, p.edges, p.n, &node), "making a loop"));
    *body = node.conditional.phGraph_out[0];
    return check(queue, GO_ON_BEHIND(queue->stream, &r->node), "recording a loop");
}

static odeon_status loop_begin(odeon_queue *queue, const double *slots, int32_t slot,
                               int64_t passes)
{
    cuda_queue *q = cuda_queue_of(queue);
    odeon_recording *r = q->recording;
    cudaGraph_t body;
    if (r == NULL) {
        return cuda_fail(q, ODEON_ERR_DEVICE, "loop_begin: nothing is being recorded");
    }
    if (r->node != NULL) {
        return cuda_fail(q, ODEON_ERR_DEVICE, "loop_begin: loops do not nest");
    }
    if (slot < 0 || slot >= ODEON_SLOTS || passes < 0) {
        return cuda_fail(q, ODEON_ERR_INTERNAL, "loop_begin: the slot or the passes are no number");
    }
    r->pass = (loop_args){.slots = slots, .left = q->passes_left, .passes = passes, .slot = slot};
    r->decided = 0;
    odeon_status status = add_node(q, &body);
    if (status == ODEON_OK) {
        status = change_graph(q, &r->around, body, NULL);
    }
    if (status != ODEON_OK) {
        r->node = NULL; /* no loop is open */
    }
    return status;
}

/* Of two kernels that would decide neither does: a pass that comes after both will. */
int32_t queue_decides_pass(odeon_queue *queue, const double *slots, loop_args *out)
{
    odeon_recording *r = cuda_queue_of(queue)->recording;
    if (r == NULL || r->node == NULL || r->pass.slots != slots || r->pass.slot != ODEON_SLOT_STOP) {
        return 0;
    }
    r->decided = !r->decided;
    *out = r->pass;
    out->first = 0;
    return r->decided;
}

/* Nodes that a loop may not hold, and what puts them into one. A graph with such a node would be
 * refused without a reason. */
static const char *const strangers[] = {
    [cudaGraphNodeTypeHost] = "a call of the host",
    [cudaGraphNodeTypeWaitEvent] = "a wait for an event",
    [cudaGraphNodeTypeEventRecord] = "the record of an event",
    [cudaGraphNodeTypeMemAlloc] = "an allocation",
    [cudaGraphNodeTypeMemFree] = "the end of an allocation",
};

static odeon_status check_nodes(cuda_queue *queue, const cudaGraphNode_t *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum cudaGraphNodeType type = cudaGraphNodeTypeKernel;
        size_t known = sizeof strangers / sizeof *strangers;
        if (cudaGraphNodeGetType(nodes[i], &type) != cudaSuccess) {
            (void)cudaGetLastError(); /* of a kind that the runtime has no name for */
        } else if ((size_t)type < known && strangers[type] != NULL) {
            return cuda_fail(queue, ODEON_ERR_DEVICE, "a loop on the GPU cannot hold %s",
                             strangers[type]);
        }
    }
    return ODEON_OK;
}

static odeon_status check_body(cuda_queue *queue, cudaGraph_t body)
{
    const odeon_host *host = queue->device->host;
    size_t n = 0;
    ODEON_TRY(check(queue, cudaGraphGetNodes(body, NULL, &n), "looking at a loop"));
    cudaGraphNode_t *nodes = host->alloc(host, n * sizeof(cudaGraphNode_t));
    if (nodes == NULL) {
        return cuda_fail(queue, ODEON_ERR_NOMEM, "no memory for %zu nodes", n);
    }
    odeon_status status = check(queue, cudaGraphGetNodes(body, nodes, &n), "looking at a loop");
    if (status == ODEON_OK) {
        status = check_nodes(queue, nodes, n);
    }
    host->free(host, nodes);
    return status;
}

static odeon_status loop_end(odeon_queue *queue)
{
    cuda_queue *q = cuda_queue_of(queue);
    odeon_recording *r = q->recording;
    cudaGraph_t body = NULL;
    if (r == NULL || r->node == NULL) {
        return cuda_fail(q, ODEON_ERR_DEVICE, "loop_end: no loop was begun");
    }
    ODEON_TRY(r->decided ? ODEON_OK : launch_pass(q, 0));
    ODEON_TRY(change_graph(q, &body, r->around, &r->node));
    r->node = NULL;
    r->around = NULL;
    return check_body(q, body);
}

const odeon_device_capture *cuda_capture(const cuda_device *d)
{
    static const odeon_device_capture without_loops = {
        .struct_size = sizeof without_loops,
        .begin = begin,
        .end = end,
        .replay = replay,
        .destroy = destroy,
    };
    static const odeon_device_capture with_loops = {
        .struct_size = sizeof with_loops,
        .begin = begin,
        .end = end,
        .replay = replay,
        .destroy = destroy,
        .loop_begin = loop_begin,
        .loop_end = loop_end,
    };
    return has_loops(d) ? &with_loops : &without_loops;
}
