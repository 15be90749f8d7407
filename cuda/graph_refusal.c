/* The runtime's own answer is "invalid argument", whatever is wrong with a graph. */
#include "graph_refusal.h"

#include <stdio.h>
#include <stdlib.h>

#include "failure.h"

enum { NODE_TEXT = 256 };

static const char *result_text(enum cudaGraphInstantiateResult result)
{
    switch (result) {
    case cudaGraphInstantiateInvalidStructure:
        return "its structure is not valid";
    case cudaGraphInstantiateNodeOperationNotSupported:
        return "a node's operation is not supported there";
    case cudaGraphInstantiateMultipleDevicesNotSupported:
        return "nodes are of several GPUs";
    default:
        return "the driver gives no reason";
    }
}

static const char *type_text(enum cudaGraphNodeType type)
{
    static const char *const texts[] = {
        [cudaGraphNodeTypeKernel] = "a kernel",
        [cudaGraphNodeTypeMemcpy] = "a copy",
        [cudaGraphNodeTypeMemset] = "a fill",
        [cudaGraphNodeTypeHost] = "a call of the host",
        [cudaGraphNodeTypeGraph] = "a graph within the graph",
        [cudaGraphNodeTypeEmpty] = "an empty node",
        [cudaGraphNodeTypeWaitEvent] = "a wait for an event",
        [cudaGraphNodeTypeEventRecord] = "the record of an event",
        [cudaGraphNodeTypeMemAlloc] = "an allocation",
        [cudaGraphNodeTypeMemFree] = "the end of an allocation",
        [cudaGraphNodeTypeConditional] = "a loop",
    };
    size_t n = sizeof texts / sizeof *texts;
    return (size_t)type < n && texts[type] != NULL ? texts[type] : "a node without a name";
}

/* "; the node is a kernel, lincomb_f32", or nothing where the driver does not say which node. */
static void describe_node(cudaGraphNode_t node, char *text)
{
    enum cudaGraphNodeType type = cudaGraphNodeTypeCount;
    struct cudaKernelNodeParams kernel;
    const char *name = NULL;
    text[0] = '\0';
    if (node == NULL || cudaGraphNodeGetType(node, &type) != cudaSuccess) {
        return;
    }
    if (type == cudaGraphNodeTypeKernel &&
        cudaGraphKernelNodeGetParams(node, &kernel) == cudaSuccess) {
        (void)cudaFuncGetName(&name, kernel.func);
    }
    (void)snprintf(text, NODE_TEXT, "; the node is %s%s%s", type_text(type),
                   name != NULL ? ", " : "", name != NULL ? name : "");
}

/* " (drawn in FILE)", or nothing where no drawing is wanted. */
static void draw(cudaGraph_t graph, char *text)
{
    const char *file = getenv("ODEON_GRAPH_DOT");
    text[0] = '\0';
    if (file != NULL && file[0] != '\0') {
        cudaError_t error = cudaGraphDebugDotPrint(graph, file, cudaGraphDebugDotFlagsVerbose);
        (void)snprintf(text, NODE_TEXT,
                       error == cudaSuccess ? " (drawn in %s)" : " (%s could not be written)",
                       file);
    }
}

odeon_status cuda_graph_instantiate(const cuda_device *d, cudaGraph_t graph, cudaGraphExec_t *out)
{
    struct cudaGraphInstantiateParams_st how = {.flags = 0};
    char node[NODE_TEXT], drawn[NODE_TEXT], what[2 * NODE_TEXT + 128];
    cudaError_t error = cudaGraphInstantiateWithParams(out, graph, &how);
    if (error == cudaSuccess) {
        return ODEON_OK;
    }
    *out = NULL;
    describe_node(how.errNode_out, node);
    draw(graph, drawn);
    (void)cudaGetLastError(); /* of the questions */
    (void)snprintf(what, sizeof what, "making a graph of a recording: %s%s%s",
                   result_text(how.result_out), node, drawn);
    return cuda_check(d, error, what);
}
