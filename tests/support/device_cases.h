/* device_cases.h: every operator of a device on inputs that are hard to get right: odd sizes, sizes
 * 1 and 0, what is not finite, and every aliasing that device.h permits. Each list ends with a NULL
 * name. */
#ifndef ODEON_TESTS_DEVICE_CASES_H
#define ODEON_TESTS_DEVICE_CASES_H
#include "case_run.h"

extern const device_case moving_cases[];
extern const device_case solver_cases[];
extern const device_case control_cases[];
extern const device_case pairs_cases[];
extern const device_case pointwise_cases[];
extern const device_case product_cases[];
extern const device_case conv_cases[];
extern const device_case norm_cases[];
extern const device_case batch_norm_cases[];
extern const device_case random_cases[];
extern const device_case loss_cases[];
extern const device_case optimizer_cases[];

#endif
