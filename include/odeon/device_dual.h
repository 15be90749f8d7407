/* device_dual.h: derivatives along a direction, of whatever is computed by operators.
 *
 * The device `dual` computes with dual numbers over another device, its base: beside every number
 * lies its TANGENT, the derivative of that number along one direction that the caller chooses. An
 * operator computes values by one call of the base, with the arguments that it got, so that values
 * have the base's bits; and tangents by further calls. So a layer's forward gives J v beside its
 * output and its vjp the derivative of J^T w beside d_in, without the layer's knowing of it.
 * Source: Pearlmutter, Fast exact multiplication by the Hessian, 1994.
 *
 * What has no tangent. Integers have none. Slots steer: what slots_write, stage_times,
 * step_control, step_start and error_sum write is constant, so that steps of a solve are frozen,
 * and coefficients read from slots are constants; a slot that dot writes has a tangent, to be read
 * by tangent_get alone. fill, upload and updates of optimizers begin anew: what they write is
 * constant. At a kink (relu at 0, equal maxima) the tangent is that of the side that the vjp takes.
 *
 * Memory. The base is in memory twice: all that the device allocates has room for its tangents,
 * which are 0 then, at one distance from the values for all of them. So what plugins add to an
 * address, tangents follow. Addresses belong to both, the device and its base: calls whose tangents
 * nobody wants go to `plain`, at the base's speed, on the same memory.
 *
 * Extension of the device `dual`.
 *
 * Draft. To be seen before it is frozen: a layer of somebody else with operators that it cannot
 * carry, and second derivatives in a loss. */
#ifndef ODEON_DEVICE_DUAL_H
#define ODEON_DEVICE_DUAL_H
#include "odeon/device.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_DEVICE_DUAL "odeon.device.dual/1"
typedef struct odeon_device_dual {
    uint32_t struct_size, reserved0;
    /* Host memory to the tangents of the bytes at value, and back, in the dtype of the values.
     * tangent_get has waited. [worker; batch] */
    odeon_status (*tangent_set)(odeon_queue *queue, void *value, const void *source,
                                uint64_t bytes);
    odeon_status (*tangent_get)(odeon_queue *queue, void *destination, const void *value,
                                uint64_t bytes);
    /* Where the tangents of what is at value are: an address for operators of plain alone.
     * [any; evaluation] */
    void *(*tangent)(const odeon_device *device, const void *value);
    /* Declares that tangents of these bytes are and stay 0, so that operators on this queue leave
     * their terms out. One range a queue, that of the last call; 0 bytes: none.
     * [worker; evaluation] */
    odeon_status (*constant)(odeon_queue *queue, const void *begin, uint64_t bytes);
    /* The base, and the base's queue behind a queue: calls on both of them take effect in call
     * order. They touch no tangents. Borrowed for the life of the device, of the queue. What plain
     * itself allocates has no tangents. [any; build], [worker; build] */
    const odeon_device *(*plain)(const odeon_device *device);
    odeon_queue *(*plain_queue)(odeon_queue *queue);
    /* Temporaries of operators lie in a workspace of the queue, which an operator that finds it too
     * small enlarges: that allocates and waits, and is the one exception to REPLAYABLE. Gives it
     * at_least bytes beforehand; *bytes (NULL: not wanted) is what it has. [worker; solve] */
    odeon_status (*workspace)(odeon_queue *queue, uint64_t at_least, uint64_t *bytes);
} odeon_device_dual;

#ifdef __cplusplus
}
#endif
#endif
