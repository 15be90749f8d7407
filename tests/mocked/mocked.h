/* mocked.h: the host side of the device `cuda` on a runtime and libraries made for tests.
 *
 * The plugin device/mocked is the sources of device/cuda with functions of CUDA, cuBLAS and cuDNN
 * that compute on the host at once: kernels as `emulated` runs them, products along columns as
 * cuBLAS counts, convolutions from cuDNN's descriptors. They refuse what the real ones refuse, and
 * spoil all scratch that they are given. A stream that captures makes a graph (graph.c), whose
 * launch computes then. A copy is made as late as its order in the stream allows, when the next
 * work comes or the stream is waited for: whoever changes what it reads from is found out.
 *
 * What goes wrong is said by the environment:
 *   ODEON_MOCKED_FAILS=n      call n of the process fails; "count": the next call is call 1
 *   ODEON_MOCKED_LOST=n       so do call n and all later ones, as after an error of the GPU
 *   ODEON_MOCKED_MEMORY=n     bytes that the GPU has
 *   ODEON_MOCKED_DRIVER=n     the driver's version, 12030 for CUDA 12.3; 0: there is none
 *   ODEON_MOCKED_CARDS=n      GPUs that the driver shows
 *   ODEON_MOCKED_BUSY         another process has the GPU for itself
 *   ODEON_MOCKED_NO_CODE      the kernels are of another GPU
 *   ODEON_MOCKED_ALLOCATES    products allocate, as without a workspace
 *   ODEON_MOCKED_NO_GRAPH     the driver makes no launchable graph, for its first kernel's sake
 *   ODEON_MOCKED_NODES=path   a line there for every graph that becomes launchable: its nodes, and
 *                             those of its loops' bodies
 *   ODEON_MOCKED_NO_SHAPE     cuDNN refuses its usual algorithms for every shape; "all": all others
 *                             too
 *   ODEON_MOCKED_NO_EPILOGUE  cuDNN and cuBLASLt have no bias and functions behind their products
 *   ODEON_MOCKED_HIDES_NAN    their ReLU makes 0 of NaN */
#ifndef ODEON_MOCKED_H
#define ODEON_MOCKED_H
#include <cuda_runtime_api.h>
#include <stddef.h>
#include <stdint.h>

/* Counts a call; true if it is to fail. */
int32_t mocked_fails(void);
/* The same as the runtime's error. */
cudaError_t mocked_answer(void);

/* A function of cuBLAS, cuBLASLt or cuDNN by its name, into *address; false if there is none. */
int32_t mocked_blas(const char *name, void *address);
int32_t mocked_blas_lt(const char *name, void *address);
int32_t mocked_dnn(const char *name, void *address);

/* Work for a stream: done at once, or when the graph is launched that the stream captures into.
 * arguments are copied. */
typedef void mocked_run(const void *arguments);
cudaError_t mocked_ask(cudaStream_t stream, mocked_run *run, const void *arguments, size_t bytes);

/* What a cudaStream_t points to. */
struct CUstream_st {
    /* mocked_ask, for other plugins, whose only hold on this one the stream is. */
    cudaError_t (*ask)(cudaStream_t stream, mocked_run *run, const void *arguments, size_t bytes);
    cudaGraph_t graph; /* NULL: captures nothing */
    cudaGraphNode_t *behind;
    size_t n_behind; /* the next node comes behind these */
    int32_t invalid; /* the capture has failed */
    /* A copy that has not been made yet; bytes are 0 where there is none. */
    void *copy_to;
    const void *copy_from;
    size_t copy_bytes;
    struct CUstream_st *following; /* of all there are */
    struct CUstream_st *next;
};

/* Makes the copy that a stream still has to make. */
void mocked_catch_up(cudaStream_t stream);

/* What work a node of a graph is, and its arguments; NULL where it is none. */
const void *mocked_node_work(cudaGraphNode_t node, mocked_run **run);

/* An allocation in the order of a stream, which a loop may not hold. */
cudaError_t mocked_allocate(cudaStream_t stream);

/* For calls that may not be made by a thread whose stream captures: an error, which also ends what
 * is captured; else success. */
cudaError_t mocked_outside_capture(void);

#endif
