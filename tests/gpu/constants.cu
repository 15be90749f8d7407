// Five constants of a GPU and its driver, and the two rates that floors are made of:
//   launch        of an empty kernel, one of many in a row
//   graph node    of an empty kernel in a captured graph, one of many in a row
//   WHILE pass    of a conditional node whose body is one kernel
//   wait          for one kernel, from its launch to the host's return
//   copy          of the GPU's memory, bytes read and written; and from pinned memory of the host
//   float32, float64: multiply-adds of independent chains in registers; gemm: cuBLAS, 4096 x 4096 x
//   4096
// Prints lines "constant<TAB>NAME<TAB>VALUE<TAB>UNIT"; each value is the median of many. Exit code
// 3: no GPU.
//
// nvcc -O2 -std=c++17 -arch=native -Werror all-warnings constants.cu -lcublas -o constants
// With -DWITHOUT_CUBLAS there is no gemm.
#ifndef WITHOUT_CUBLAS
#include <cublas_v2.h>
#endif
#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace
{

void check(cudaError_t error, const char *what)
{
    if (error != cudaSuccess) {
        std::fprintf(stderr, "constants: %s: %s\n", what, cudaGetErrorString(error));
        std::exit(error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver ? 3 : 1);
    }
}
#define CHECK(call) check(call, #call)

#ifndef WITHOUT_CUBLAS
void check_blas(cublasStatus_t status, const char *what)
{
    if (status != CUBLAS_STATUS_SUCCESS) {
        std::fprintf(stderr, "constants: %s: %s\n", what, cublasGetStatusString(status));
        std::exit(1);
    }
}
#define CHECK_BLAS(call) check_blas(call, #call)
#endif

void print(const char *name, double value, const char *unit)
{
    std::printf("constant\t%s\t%.6g\t%s\n", name, value, unit);
    std::fflush(stdout);
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

using work = std::function<void(cudaStream_t)>;

// Seconds between two events around what do_it asks for.
double by_events(cudaStream_t stream, int samples, const work &do_it)
{
    cudaEvent_t begin, end;
    std::vector<double> seconds;
    CHECK(cudaEventCreate(&begin));
    CHECK(cudaEventCreate(&end));
    for (int i = 0; i < samples + 3; i++) { // the first three warm up
        float milliseconds = 0.0f;
        CHECK(cudaEventRecord(begin, stream));
        do_it(stream);
        CHECK(cudaEventRecord(end, stream));
        CHECK(cudaEventSynchronize(end));
        CHECK(cudaEventElapsedTime(&milliseconds, begin, end));
        if (i >= 3) {
            seconds.push_back(1e-3 * static_cast<double>(milliseconds));
        }
    }
    CHECK(cudaEventDestroy(begin));
    CHECK(cudaEventDestroy(end));
    return median(seconds);
}

double by_clock(cudaStream_t stream, int samples, const work &do_it)
{
    std::vector<double> seconds;
    for (int i = 0; i < samples + 3; i++) {
        CHECK(cudaStreamSynchronize(stream));
        auto begin = std::chrono::steady_clock::now();
        do_it(stream);
        CHECK(cudaStreamSynchronize(stream));
        std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        if (i >= 3) {
            seconds.push_back(took.count());
        }
    }
    return median(seconds);
}

__global__ void nothing()
{
}

__global__ void set(int *left, int passes)
{
    *left = passes;
}

__global__ void pass(int *left, cudaGraphConditionalHandle handle)
{
    *left -= 1;
    cudaGraphSetConditional(handle, *left > 0 ? 1u : 0u);
}

// ---- launches ----

const int many = 1000;

void launch_many(cudaStream_t stream)
{
    for (int i = 0; i < many; i++) {
        nothing<<<1, 32, 0, stream>>>();
    }
    CHECK(cudaGetLastError());
}

double graph_seconds(cudaStream_t stream, cudaGraph_t graph)
{
    cudaGraphExec_t ready;
    CHECK(cudaGraphInstantiate(&ready, graph, 0));
    double seconds =
        by_events(stream, 20, [&](cudaStream_t s) { CHECK(cudaGraphLaunch(ready, s)); });
    CHECK(cudaGraphExecDestroy(ready));
    CHECK(cudaGraphDestroy(graph));
    return seconds;
}

double node_seconds(cudaStream_t stream)
{
    cudaGraph_t graph;
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    launch_many(stream);
    CHECK(cudaStreamEndCapture(stream, &graph));
    return graph_seconds(stream, graph) / many;
}

cudaGraphNode_t add_node(cudaGraph_t graph, cudaGraphNode_t before, cudaGraphNodeParams *params)
{
    cudaGraphNode_t node;
#if CUDART_VERSION >= 13000
    CHECK(cudaGraphAddNode(&node, graph, &before, nullptr, 1, params));
#else
    CHECK(cudaGraphAddNode(&node, graph, &before, 1, params));
#endif
    return node;
}

double while_seconds(cudaStream_t stream, int *left, int passes)
{
    cudaGraph_t graph;
    cudaGraphNode_t first;
    cudaGraphConditionalHandle handle;
    CHECK(cudaGraphCreate(&graph, 0));
    CHECK(cudaGraphConditionalHandleCreate(&handle, graph, 1, cudaGraphCondAssignDefault));
    void *arguments[] = {&left, &passes};
    cudaKernelNodeParams start = {};
    start.func = reinterpret_cast<void *>(set);
    start.gridDim = start.blockDim = dim3(1, 1, 1);
    start.kernelParams = arguments;
    CHECK(cudaGraphAddKernelNode(&first, graph, nullptr, 0, &start));
    cudaGraphNodeParams loop = {};
    loop.type = cudaGraphNodeTypeConditional;
    loop.conditional.handle = handle;
    loop.conditional.type = cudaGraphCondTypeWhile;
    loop.conditional.size = 1;
    add_node(graph, first, &loop);
    CHECK(cudaStreamBeginCaptureToGraph(stream, loop.conditional.phGraph_out[0], nullptr, nullptr,
                                        0, cudaStreamCaptureModeThreadLocal));
    pass<<<1, 1, 0, stream>>>(left, handle);
    CHECK(cudaGetLastError());
    CHECK(cudaStreamEndCapture(stream, nullptr));
    return graph_seconds(stream, graph);
}

void print_launches(cudaStream_t stream)
{
    int *left, driver = 0;
    print("launch", 1e6 * by_events(stream, 20, launch_many) / many, "us");
    print("graph node", 1e6 * node_seconds(stream), "us");
    CHECK(cudaDriverGetVersion(&driver));
    if (driver < 12040) {
        std::printf(
            "skip\tconstants\tWHILE pass\tthe driver is for CUDA %d.%d, 12.4 is the least\n",
            driver / 1000, driver % 1000 / 10);
    } else {
        CHECK(cudaMalloc(&left, sizeof *left));
        double longer = while_seconds(stream, left, 2 * many),
               shorter = while_seconds(stream, left, many);
        print("WHILE pass", 1e6 * (longer - shorter) / many, "us");
        CHECK(cudaFree(left));
    }
    print("wait", 1e6 * by_clock(stream, 500, [](cudaStream_t s) { nothing<<<1, 32, 0, s>>>(); }),
          "us");
}

// ---- memory ----

void print_copies(cudaStream_t stream)
{
    const size_t bytes = size_t{1} << 30, sent = size_t{64} << 20;
    char *from, *to, *host;
    CHECK(cudaMalloc(&from, bytes));
    CHECK(cudaMalloc(&to, bytes));
    CHECK(cudaMallocHost(&host, sent));
    CHECK(cudaMemset(from, 1, bytes));
    double seconds = by_events(stream, 20, [&](cudaStream_t s) {
        CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, s));
    });
    print("copy", 2e-9 * static_cast<double>(bytes) / seconds, "GB/s");
    seconds = by_events(stream, 20, [&](cudaStream_t s) {
        CHECK(cudaMemcpyAsync(to, host, sent, cudaMemcpyHostToDevice, s));
    });
    print("copy from the host", 1e-9 * static_cast<double>(sent) / seconds, "GB/s");
    CHECK(cudaFree(from));
    CHECK(cudaFree(to));
    CHECK(cudaFreeHost(host));
}

// ---- arithmetic ----

template <typename number> __global__ void chains(number *out, number a, number b, int rounds)
{
    number x[8];
    for (int i = 0; i < 8; i++) {
        x[i] = static_cast<number>(threadIdx.x + i);
    }
    for (int k = 0; k < rounds; k++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            x[i] = x[i] * a + b;
        }
    }
    number sum = 0;
    for (int i = 0; i < 8; i++) {
        sum += x[i];
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

template <typename number> void print_chains(cudaStream_t stream, const char *name, int rounds)
{
    cudaDeviceProp card;
    number *out;
    CHECK(cudaGetDeviceProperties(&card, 0));
    int blocks = 8 * card.multiProcessorCount, threads = 256;
    CHECK(cudaMalloc(&out, sizeof *out * static_cast<size_t>(blocks * threads)));
    double seconds = by_events(stream, 20, [&](cudaStream_t s) {
        chains<number><<<blocks, threads, 0, s>>>(out, static_cast<number>(0.999),
                                                  static_cast<number>(0.001), rounds);
        CHECK(cudaGetLastError());
    });
    print(name, 16e-12 * static_cast<double>(rounds) * blocks * threads / seconds, "TFLOP/s");
    CHECK(cudaFree(out));
}

#ifndef WITHOUT_CUBLAS
void print_gemm(cudaStream_t stream, const char *name, cublasMath_t math)
{
    const int n = 4096;
    const float one = 1.0f, zero = 0.0f;
    std::vector<float> values(static_cast<size_t>(n) * n);
    unsigned drawn = 1;
    for (float &value : values) { // zeros would run faster than numbers do
        drawn = drawn * 1664525u + 1013904223u;
        value = static_cast<float>(drawn >> 8) * 0x1p-24f - 0.5f;
    }
    float *matrix[3];
    for (float *&m : matrix) {
        CHECK(cudaMalloc(&m, values.size() * sizeof *m));
        CHECK(cudaMemcpy(m, values.data(), values.size() * sizeof *m, cudaMemcpyHostToDevice));
    }
    cublasHandle_t blas;
    CHECK_BLAS(cublasCreate(&blas));
    CHECK_BLAS(cublasSetStream(blas, stream));
    CHECK_BLAS(cublasSetMathMode(blas, math));
    double seconds = by_events(stream, 20, [&](cudaStream_t) {
        CHECK_BLAS(cublasSgemm(blas, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, matrix[0], n,
                               matrix[1], n, &zero, matrix[2], n));
    });
    print(name, 2e-12 * n * n * n / seconds, "TFLOP/s");
    CHECK_BLAS(cublasDestroy(blas));
    for (float *m : matrix) {
        CHECK(cudaFree(m));
    }
}

#endif

} // namespace

int main()
{
    int cards = 0;
    cudaStream_t stream;
    CHECK(cudaGetDeviceCount(&cards));
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    print_launches(stream);
    print_copies(stream);
    print_chains<float>(stream, "float32", 20000);
    print_chains<double>(stream, "float64", 4000);
#ifndef WITHOUT_CUBLAS
    print_gemm(stream, "gemm float32", CUBLAS_PEDANTIC_MATH);
    print_gemm(stream, "gemm tf32", CUBLAS_TF32_TENSOR_OP_MATH);
#endif
    CHECK(cudaStreamDestroy(stream));
    return 0;
}
