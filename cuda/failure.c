/* What is said of a GPU that does not do as it was asked. */
#include "failure.h"

#include <stdio.h>

/* Errors after which, as CUDA's manual has it, a process can do no more on the GPU. Those that came
 * with CUDA 12.8 and 13 are known by number, as older headers have no names for them. */
enum { ERROR_CONTAINED = 226, ERROR_TENSOR_MEMORY_LEAK = 721 };

static int32_t is_last(cudaError_t error)
{
    switch ((int)error) {
    case ERROR_CONTAINED:
    case ERROR_TENSOR_MEMORY_LEAK:
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorMpsClientTerminated:
    case cudaErrorExternalDevice:
        return 1;
    default:
        return 0;
    }
}

/* An error that the context does not outlive is given by every later call too. While this thread
 * records, the call would be refused, and spoil the recording, but for the mode. */
static int32_t is_lost(cudaError_t error)
{
    size_t left, total;
    enum cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    (void)cudaGetLastError(); /* forgets one that is over */
    (void)cudaThreadExchangeStreamCaptureMode(&mode);
    cudaError_t again = cudaMemGetInfo(&left, &total);
    (void)cudaThreadExchangeStreamCaptureMode(&mode);
    (void)cudaGetLastError();
    return is_last(error) || again != cudaSuccess;
}

/* "512 bytes", "3.25 MiB", "79.1 GiB"; text has at least 32 bytes. */
static const char *size_text(uint64_t bytes, char *text)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes / 1024.0;
    size_t unit = 0;
    while (value >= 1024.0 && unit < 3) {
        value /= 1024.0;
        unit++;
    }
    if (bytes < 1024) {
        (void)snprintf(text, 32, "%d bytes", (int)bytes);
    } else {
        (void)snprintf(text, 32, "%.3g %s", value, units[unit]);
    }
    return text;
}

static odeon_status fail_for_memory(const cuda_device *d, const char *what)
{
    size_t left = 0, total = 0;
    char of_left[32], of_total[32], ours[32], known[128] = "";
    if (cudaMemGetInfo(&left, &total) == cudaSuccess) {
        (void)snprintf(known, sizeof known, ": %s of %s are free, this run holds %s",
                       size_text(left, of_left), size_text(total, of_total),
                       size_text((uint64_t)d->live_bytes, ours));
    } else {
        (void)cudaGetLastError();
    }
    return odeon_fail(d->host, ODEON_ERR_NOMEM,
                      "cuda: %s: no memory on the GPU%s; a smaller data.batch or model needs less, "
                      "and nvidia-smi shows who else holds memory",
                      what, known);
}

odeon_status cuda_check(const cuda_device *d, cudaError_t error, const char *what)
{
    if (error == cudaSuccess) {
        return ODEON_OK;
    }
    const char *name = cudaGetErrorName(error), *text = cudaGetErrorString(error);
    if (is_lost(error)) {
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: %s: %s (%s); the GPU's context is lost: this process can do no "
                          "more on it, and dmesg may know why (Xid)",
                          what, text, name);
    }
    return error == cudaErrorMemoryAllocation
               ? fail_for_memory(d, what)
               : odeon_fail(d->host, ODEON_ERR_DEVICE, "cuda: %s: %s (%s)", what, text, name);
}

odeon_status cuda_check_alloc(const cuda_device *d, cudaError_t error, uint64_t bytes)
{
    char what[64], size[32];
    (void)snprintf(what, sizeof what, "asking for %s", size_text(bytes, size));
    return cuda_check(d, error, what);
}

odeon_status cuda_check_card(const cuda_device *d, cudaError_t error, const char *what)
{
    if (error == cudaSuccess) {
        return ODEON_OK;
    }
    (void)cudaGetLastError();
    if (error == cudaErrorMemoryAllocation) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM,
                          "cuda: GPU %d: %s: it has no memory left, not even for that; nvidia-smi "
                          "shows who holds it",
                          (int)d->card, what);
    }
    return odeon_fail(d->host, ODEON_ERR_DEVICE,
                      "cuda: no device: GPU %d: %s: %s (%s); see nvidia-smi, or choose another "
                      "run.device",
                      (int)d->card, what, cudaGetErrorString(error), cudaGetErrorName(error));
}

odeon_status cuda_use_card(const cuda_device *d)
{
    return cuda_check(d, cudaSetDevice((int)d->card), "taking the GPU into use");
}
