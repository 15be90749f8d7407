/* graph_refusal.h: why the driver does not make a launchable graph of a recording. */
#ifndef ODEON_CUDA_GRAPH_REFUSAL_H
#define ODEON_CUDA_GRAPH_REFUSAL_H
#include "cuda.h"

/* Instantiates graph. A refusal names the node and its kernel, where the driver says which, and
 * writes the graph in DOT's language to the file that the environment's ODEON_GRAPH_DOT names. */
odeon_status cuda_graph_instantiate(const cuda_device *d, cudaGraph_t graph, cudaGraphExec_t *out);

#endif
