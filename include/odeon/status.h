/* status.h: what a call answers.
 *
 * 0 is success. VOID_STEP, the only positive status, voids the trial step in which it occurs: an
 * adaptive solve takes a smaller step and tries again; with fixed steps it is fatal. A negative
 * status ends the solve, and the run with it. The words that explain a status go to the host once,
 * where the failure happens (odeon_fail, host.h); callers only pass the number up. Where a slot
 * fails without words, or with a number that is not listed here, which is a bug, the host names the
 * component, its file and the slot.
 *
 * Frozen at 1.0. */
#ifndef ODEON_STATUS_H
#define ODEON_STATUS_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t odeon_status;

/* X(name, value, exit code of the program, text) */
#define ODEON_STATUS_LIST(X)                                                                       \
    X(OK, 0, 0, "success")                                                                         \
    X(VOID_STEP, 1, 6, "this trial step is void")                                                  \
    X(ERR_INTERNAL, -1, 1, "internal error")                                                       \
    X(ERR_CONFIG, -2, 2, "wrong usage or configuration")                                           \
    X(ERR_DATA, -3, 3, "unusable data")                                                            \
    X(ERR_PLUGIN, -4, 4, "unusable plugin")                                                        \
    X(ERR_IO, -5, 5, "input or output failed")                                                     \
    X(ERR_NUMERIC, -6, 6, "numerical failure")                                                     \
    X(ERR_DEVICE, -7, 7, "device failure")                                                         \
    X(ERR_NOMEM, -8, 7, "out of memory")                                                           \
    X(ERR_CANCELLED, -9, 130, "interrupted")                                                       \
    X(ERR_UNSUPPORTED, -10, 2, "not supported")

#define ODEON_STATUS_ENTRY(name, value, exit_code, text) ODEON_##name = value,
enum { ODEON_STATUS_LIST(ODEON_STATUS_ENTRY) };
#undef ODEON_STATUS_ENTRY

/* Passes a failure up: ODEON_TRY(call()); inside a function that returns odeon_status. */
#define ODEON_TRY(call)                                                                            \
    do {                                                                                           \
        odeon_status odeon_try_ = (call);                                                          \
        if (odeon_try_ != 0) {                                                                     \
            return odeon_try_;                                                                     \
        }                                                                                          \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
