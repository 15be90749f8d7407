/* Graphs: nodes and what they come behind. A launch takes of all nodes that are ready the one added
 * last, so that an order which nothing asks for shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mocked.h"

enum { ENDLESS = 1 << 20, UNDEFINED = 0xbad };

/* Conditions are known by address, which is their handle. */
typedef struct condition {
    uint32_t value; /* first */
    int32_t used;   /* by nodes */
    struct condition *next;
} condition;

struct CUgraph_st {
    struct CUgraphNode_st *first, **end; /* in the order in which they were added */
    condition *conditions;
    int32_t references; /* a body has one, of its node */
    int32_t is_body;
    cudaGraph_t parent; /* of a body: that of its node */
};

struct CUgraphNode_st {
    struct CUgraphNode_st *next;
    struct CUgraphNode_st **behind;
    size_t n_behind;
    int32_t done;
    enum cudaGraphNodeType type;
    condition *condition; /* of a loop, else NULL */
    cudaGraph_t body;
    mocked_run *run;
    max_align_t arguments[];
};

struct CUgraphExec_st {
    cudaGraph_t graph;
};

/* This thread's streams that capture, and whether it may do what they forbid. */
static _Thread_local cudaStream_t capturing;
static _Thread_local enum cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

static cudaError_t answer(void)
{
    return mocked_fails() ? cudaErrorInvalidValue : cudaSuccess;
}

/* ---- graphs ---- */

static cudaGraph_t make_graph(cudaGraph_t parent)
{
    cudaGraph_t g = calloc(1, sizeof *g);
    if (g != NULL) {
        g->end = &g->first;
        g->references = 1;
        g->is_body = parent != NULL;
        g->parent = parent;
    }
    return g;
}

static void drop_graph(cudaGraph_t graph)
{
    if (graph == NULL || --graph->references > 0) {
        return;
    }
    for (cudaGraphNode_t node = graph->first, next; node != NULL; node = next) {
        next = node->next;
        drop_graph(node->body);
        free(node->behind);
        free(node);
    }
    for (condition *c = graph->conditions, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    free(graph);
}

static cudaGraphNode_t append(cudaGraph_t graph, const cudaGraphNode_t *behind, size_t n,
                              size_t bytes)
{
    cudaGraphNode_t node = calloc(1, sizeof *node + bytes);
    if (node != NULL && n > 0) {
        node->behind = malloc(n * sizeof *behind);
        if (node->behind == NULL) {
            free(node);
            return NULL;
        }
        memcpy(node->behind, behind, n * sizeof *behind);
        node->n_behind = n;
    }
    if (node != NULL) {
        *graph->end = node;
        graph->end = &node->next;
    }
    return node;
}

static int32_t has_node(cudaGraph_t graph, cudaGraphNode_t node)
{
    cudaGraphNode_t n = graph->first;
    while (n != NULL && n != node) {
        n = n->next;
    }
    return n != NULL;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    if (graph->is_body) {
        return cudaErrorInvalidValue;
    }
    drop_graph(graph);
    return cudaSuccess;
}

cudaError_t cudaGraphConditionalHandleCreate(cudaGraphConditionalHandle *handle, cudaGraph_t graph,
                                             unsigned value, unsigned flags)
{
    condition *c = answer() == cudaSuccess ? calloc(1, sizeof *c) : NULL;
    if (c == NULL || value != 0 || flags != 0) {
        free(c);
        return cudaErrorInvalidValue;
    }
    c->next = graph->conditions;
    graph->conditions = c;
    *handle = (cudaGraphConditionalHandle)(uintptr_t)&c->value;
    return cudaSuccess;
}

static condition *find_condition(cudaGraph_t graph, cudaGraphConditionalHandle handle)
{
    condition *c = graph->conditions;
    while (c != NULL && (uintptr_t)&c->value != (uintptr_t)handle) {
        c = c->next;
    }
    return c;
}

#if CUDART_VERSION >= 13000
cudaError_t cudaGraphAddNode(
#else
cudaError_t cudaGraphAddNode_v2(
#endif
    cudaGraphNode_t *out, cudaGraph_t graph, const cudaGraphNode_t *behind,
    const cudaGraphEdgeData *edges, size_t n, struct cudaGraphNodeParams *parameters)
{
    struct cudaConditionalNodeParams *loop = &parameters->conditional;
    condition *c = find_condition(graph, loop->handle);
    (void)edges;
    if (parameters->type != cudaGraphNodeTypeConditional || loop->size != 1 || c == NULL ||
        loop->type != cudaGraphCondTypeWhile || answer() != cudaSuccess) {
        return cudaErrorInvalidValue;
    }
    cudaGraphNode_t node = append(graph, behind, n, 0);
    if (node == NULL) {
        return cudaErrorMemoryAllocation;
    }
    node->body = make_graph(graph);
    node->type = cudaGraphNodeTypeConditional;
    node->condition = c;
    c->used++;
    loop->phGraph_out = &node->body;
    *out = node;
    return node->body != NULL ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *n)
{
    size_t room = *n;
    *n = 0;
    for (cudaGraphNode_t node = graph->first; node != NULL; node = node->next, ++*n) {
        if (nodes != NULL && *n < room) {
            nodes[*n] = node;
        }
    }
    return answer();
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, enum cudaGraphNodeType *type)
{
    *type = node->type;
    return answer();
}

/* ---- launches ---- */

static int32_t has_allocation(cudaGraph_t graph)
{
    cudaGraphNode_t node = graph->first;
    while (node != NULL && node->type != cudaGraphNodeTypeMemAlloc &&
           (node->body == NULL || !has_allocation(node->body))) {
        node = node->next;
    }
    return node != NULL;
}

/* Why a graph is refused, and for which node's sake; success where it is not. */
static cudaGraphInstantiateResult find_fault(cudaGraph_t graph, cudaGraphNode_t *at)
{
    *at = NULL;
    for (cudaGraphNode_t node = graph->first; node != NULL; node = node->next) {
        int32_t is_kernel = node->body == NULL && node->type == cudaGraphNodeTypeKernel;
        if ((node->body != NULL && has_allocation(node->body)) ||
            (is_kernel && getenv("ODEON_MOCKED_NO_GRAPH") != NULL)) {
            *at = node;
            return cudaGraphInstantiateNodeOperationNotSupported;
        }
    }
    for (const condition *c = graph->conditions; c != NULL; c = c->next) {
        if (c->used != 1) {
            return cudaGraphInstantiateInvalidStructure;
        }
    }
    return cudaGraphInstantiateSuccess;
}

/* Nodes of a graph, and of the loops within it. */
static void count_nodes(cudaGraph_t graph, int32_t *nodes, int32_t *within)
{
    for (cudaGraphNode_t node = graph->first; node != NULL; node = node->next) {
        int32_t none = 0;
        ++*nodes;
        if (node->body != NULL) {
            count_nodes(node->body, within, &none);
        }
    }
}

static void tell_nodes(cudaGraph_t graph)
{
    const char *path = getenv("ODEON_MOCKED_NODES");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    int32_t nodes = 0, within = 0;
    if (file != NULL) {
        count_nodes(graph, &nodes, &within);
        (void)fprintf(file, "%d %d\n", (int)nodes, (int)within);
        (void)fclose(file);
    }
}

cudaError_t cudaGraphInstantiateWithParams(cudaGraphExec_t *out, cudaGraph_t graph,
                                           cudaGraphInstantiateParams *parameters)
{
    parameters->result_out = find_fault(graph, &parameters->errNode_out);
    *out = parameters->result_out == cudaGraphInstantiateSuccess && parameters->flags == 0 &&
                   answer() == cudaSuccess
               ? malloc(sizeof **out)
               : NULL;
    if (*out == NULL) {
        return cudaErrorInvalidValue;
    }
    (*out)->graph = graph;
    graph->references++;
    tell_nodes(graph);
    return cudaSuccess;
}

const void *mocked_node_work(cudaGraphNode_t node, mocked_run **run)
{
    *run = node->run;
    return node->run != NULL ? node->arguments : NULL;
}

cudaError_t cudaGraphDebugDotPrint(cudaGraph_t graph, const char *path, unsigned flags)
{
    FILE *file = fopen(path, "w");
    int n = 0;
    if (file == NULL || flags != cudaGraphDebugDotFlagsVerbose) {
        return cudaErrorInvalidValue;
    }
    for (cudaGraphNode_t node = graph->first; node != NULL; node = node->next) {
        n++;
    }
    int wrote = fprintf(file, "digraph { label = \"%d nodes\" }\n", n);
    return fclose(file) == 0 && wrote > 0 ? cudaSuccess : cudaErrorUnknown;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph)
{
    cudaError_t error = mocked_outside_capture();
    if (error == cudaSuccess) {
        drop_graph(graph->graph);
        free(graph);
    }
    return error;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t graph, cudaStream_t stream)
{
    return graph != NULL && stream->graph == NULL ? answer() : cudaErrorInvalidValue;
}

static int32_t is_ready(cudaGraphNode_t node)
{
    for (size_t i = 0; i < node->n_behind; i++) {
        if (!node->behind[i]->done) {
            return 0;
        }
    }
    return !node->done;
}

static cudaError_t run_graph(cudaGraph_t graph);

static cudaError_t run_node(cudaGraphNode_t node)
{
    if (node->condition == NULL) {
        node->run(node->arguments);
        return cudaSuccess;
    }
    cudaError_t error = cudaSuccess;
    for (int32_t i = 0; node->condition->value != 0 && error == cudaSuccess; i++) {
        error = i < ENDLESS ? run_graph(node->body) : cudaErrorLaunchTimeout;
    }
    return error;
}

static cudaError_t run_graph(cudaGraph_t graph)
{
    for (cudaGraphNode_t node = graph->first; node != NULL; node = node->next) {
        node->done = 0;
    }
    for (;;) {
        cudaGraphNode_t next = NULL;
        for (cudaGraphNode_t node = graph->first; node != NULL; node = node->next) {
            next = is_ready(node) ? node : next;
        }
        if (next == NULL) {
            return cudaSuccess;
        }
        cudaError_t error = run_node(next);
        if (error != cudaSuccess) {
            return error;
        }
        next->done = 1;
    }
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream)
{
    if (graph == NULL || stream->graph != NULL || answer() != cudaSuccess) {
        return cudaErrorInvalidValue;
    }
    mocked_catch_up(stream);
    for (condition *c = graph->graph->conditions; c != NULL; c = c->next) {
        c->value = UNDEFINED; /* as no default was asked for */
    }
    return run_graph(graph->graph);
}

/* ---- capture ---- */

cudaError_t mocked_outside_capture(void)
{
    if (capturing == NULL || thread_mode == cudaStreamCaptureModeRelaxed) {
        return cudaSuccess;
    }
    for (cudaStream_t s = capturing; s != NULL; s = s->next) {
        s->invalid = 1;
    }
    return cudaErrorStreamCaptureUnsupported;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode)
{
    enum cudaStreamCaptureMode before = thread_mode;
    thread_mode = *mode;
    *mode = before;
    return cudaSuccess;
}

static cudaError_t set_behind(cudaStream_t stream, const cudaGraphNode_t *behind, size_t n)
{
    cudaGraphNode_t *copy = NULL;
    if (n > 0) {
        copy = malloc(n * sizeof *copy);
        if (copy == NULL) {
            return cudaErrorMemoryAllocation;
        }
        memcpy(copy, behind, n * sizeof *copy);
    }
    free(stream->behind);
    stream->behind = copy;
    stream->n_behind = n;
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCaptureToGraph(cudaStream_t stream, cudaGraph_t graph,
                                          const cudaGraphNode_t *behind,
                                          const cudaGraphEdgeData *edges, size_t n,
                                          enum cudaStreamCaptureMode mode)
{
    (void)edges;
    if (stream->graph != NULL || mode != cudaStreamCaptureModeThreadLocal ||
        answer() != cudaSuccess) {
        return cudaErrorInvalidValue;
    }
    for (size_t i = 0; i < n; i++) {
        if (!has_node(graph, behind[i])) {
            return cudaErrorInvalidValue;
        }
    }
    stream->graph = graph;
    stream->invalid = 0;
    stream->next = capturing;
    capturing = stream;
    return set_behind(stream, behind, n);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    cudaGraph_t graph = make_graph(NULL);
    cudaError_t error = graph == NULL
                            ? cudaErrorMemoryAllocation
                            : cudaStreamBeginCaptureToGraph(stream, graph, NULL, NULL, 0, mode);
    if (error != cudaSuccess) {
        drop_graph(graph);
    }
    return error;
}

/* False where another thread's stream captures. */
static int32_t leave(cudaStream_t stream)
{
    for (cudaStream_t *link = &capturing; *link != NULL; link = &(*link)->next) {
        if (*link == stream) {
            *link = stream->next;
            return 1;
        }
    }
    return 0;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out)
{
    *out = NULL;
    if (stream->graph == NULL) {
        return cudaErrorIllegalState;
    }
    if (!leave(stream)) {
        return cudaErrorStreamCaptureWrongThread;
    }
    cudaGraph_t graph = stream->graph;
    stream->graph = NULL;
    (void)set_behind(stream, NULL, 0);
    if (stream->invalid || mocked_fails()) {
        if (!graph->is_body) {
            drop_graph(graph);
        }
        return cudaErrorStreamCaptureInvalidated;
    }
    *out = graph;
    return cudaSuccess;
}

#if CUDART_VERSION >= 13000
cudaError_t cudaStreamGetCaptureInfo(
#else
cudaError_t cudaStreamGetCaptureInfo_v3(
#endif
    cudaStream_t stream, enum cudaStreamCaptureStatus *status, unsigned long long *id,
    cudaGraph_t *graph, const cudaGraphNode_t **behind, const cudaGraphEdgeData **edges, size_t *n)
{
    if (id != NULL || answer() != cudaSuccess) {
        return cudaErrorInvalidValue;
    }
    *status = stream->graph == NULL ? cudaStreamCaptureStatusNone
              : stream->invalid     ? cudaStreamCaptureStatusInvalidated
                                    : cudaStreamCaptureStatusActive;
    if (*status == cudaStreamCaptureStatusActive) {
        *graph = stream->graph;
        *behind = stream->behind;
        *edges = NULL;
        *n = stream->n_behind;
    }
    return cudaSuccess;
}

#if CUDART_VERSION >= 13000
cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t stream, cudaGraphNode_t *behind,
                                                const cudaGraphEdgeData *edges, size_t n,
                                                unsigned flags)
{
    (void)edges;
#else
cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t stream, cudaGraphNode_t *behind,
                                                size_t n, unsigned flags)
{
#endif
    if (stream->graph == NULL || flags != cudaStreamSetCaptureDependencies ||
        answer() != cudaSuccess) {
        return cudaErrorIllegalState;
    }
    return set_behind(stream, behind, n);
}

static void do_nothing(const void *arguments)
{
    (void)arguments;
}

cudaError_t mocked_allocate(cudaStream_t stream)
{
    cudaError_t error = stream->graph != NULL ? mocked_ask(stream, do_nothing, "", 1) : cudaSuccess;
    if (error == cudaSuccess && stream->graph != NULL) {
        (*stream->behind)->type = cudaGraphNodeTypeMemAlloc;
    }
    return error;
}

cudaError_t mocked_ask(cudaStream_t stream, mocked_run *run, const void *arguments, size_t bytes)
{
    if (stream->graph == NULL) {
        mocked_catch_up(stream);
        run(arguments);
        return cudaSuccess;
    }
    if (stream->invalid) {
        return cudaErrorStreamCaptureInvalidated;
    }
    cudaGraphNode_t node = append(stream->graph, stream->behind, stream->n_behind, bytes);
    if (node == NULL) {
        return cudaErrorMemoryAllocation;
    }
    node->run = run;
    memcpy(node->arguments, arguments, bytes);
    return set_behind(stream, &node, 1);
}
