/* case_run.h: runs an operator of a device on prepared numbers and keeps what came out.
 *
 * A case is a function that makes tensors, calls operators and keeps results. Run on two devices it
 * makes the same tensors, so that the results can be compared. It may try many variants; each
 * starts with case_variant, which also looks after the one before:
 * - every tensor lies between guard bytes that must not change;
 * - an output is NaN before the call, so that an element that nobody wrote shows;
 * - a tensor that is not kept is an input and must have kept its bytes. */
#ifndef ODEON_TESTS_CASE_RUN_H
#define ODEON_TESTS_CASE_RUN_H
#include <stdbool.h>

#include "support.h"

typedef struct case_run case_run;

typedef struct device_case {
    const char *name;
    void (*run)(case_run *run);
} device_case;

typedef struct case_shape {
    int32_t ndim;
    int64_t dim[ODEON_MAX_DIMS];
} case_shape;

case_shape shape1(int64_t a);
case_shape shape2(int64_t a, int64_t b);
case_shape shape3(int64_t a, int64_t b, int64_t c);
case_shape shape4(int64_t a, int64_t b, int64_t c, int64_t d);

/* Runs c on d; mem_free-like: release with case_destroy. Fails the test where an operator fails or
 * writes what it must not. Tensors begin where data says; empty ones have none. */
case_run *case_execute(const device_case *c, support_device *d);
/* The same with tensors that begin at a byte offset from data, which is no multiple of 64. */
case_run *case_execute_at_offset(const device_case *c, support_device *d);

/* Operators by name, each once. */
enum { CASE_NAMES = 64 };
typedef struct case_names {
    int32_t n;
    const char *name[CASE_NAMES];
} case_names;
/* Runs c with a bit of flags set in every call, another one each time, or, with each_bit, with
 * every call made once for each bit. Fails the test unless the calls are refused, for that, and
 * write nothing; adds who refused. */
void case_refuse(const device_case *c, support_device *d, bool each_bit, case_names *refused);
/* Fails unless the results of a are those of b. relative bounds ||a - b|| / ||b|| of each result,
 * or |a - b| / |b| of each element where the case asked for that; what is not finite must be the
 * same. */
void case_compare(const case_run *a, const case_run *b, double relative);
/* Fails if a result is not finite in a variant that does not expect it. */
void case_assert_finite(const case_run *run);
void case_destroy(case_run *run);

/* All cases draw other numbers from now on. */
enum { CASE_SEED = 7 };
void case_seed(uint64_t seed);

/* ---- for the cases ---- */

const odeon_device *case_device(const case_run *run);
odeon_queue *case_queue(const case_run *run);
uint32_t case_dtype(const case_run *run);

/* Ends the variant before and starts one of this name. */
void case_variant(case_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Results of this variant may hold what is not finite. */
void case_expect_nonfinite(case_run *run);
/* Fails the test if an operator did. */
void case_check(case_run *run, odeon_status status);
/* Calls an operator; what follows it names fields of its structure, and may be evaluated again. */
#define case_do(run, family, operator_, ...)                                                       \
    do {                                                                                           \
    } while (case_done((run), #operator_,                                                          \
                       ODEON_DO(case_device(run), family, operator_, case_queue(run),              \
                                .flags = case_flags(run, #operator_), __VA_ARGS__)))
/* Parts of case_do: the flags of the next call, and what it answered; true: call again. */
uint32_t case_flags(case_run *run, const char *name);
bool case_done(case_run *run, const char *name, odeon_status status);

/* Tensors of the dtype under test, or of the one named. Values are rounded to float32, so that they
 * are the same in each. They live until the variant ends. */
odeon_tensor case_random(case_run *run, case_shape shape); /* in [-1, 1) */
odeon_tensor case_between(case_run *run, case_shape shape, double low, double high);
odeon_tensor case_values(case_run *run, case_shape shape, const double *values);
odeon_tensor case_values_as(case_run *run, uint32_t dtype, case_shape shape, const double *values);
odeon_tensor case_random_as(case_run *run, uint32_t dtype, case_shape shape);
odeon_tensor case_output(case_run *run, case_shape shape); /* NaN */
odeon_tensor case_output_as(case_run *run, uint32_t dtype, case_shape shape);
/* NaN bytes that an operator may do anything with. */
void *case_scratch(case_run *run, uint64_t bytes);
/* A block of slots that holds values, or random numbers where that is NULL. */
double *case_slots(case_run *run, const double *values);

/* Keeps the contents of a tensor, or of one that the operator worked in place on, as a result. */
void case_keep(case_run *run, const char *what, const odeon_view *x);
/* The same, compared element by element. */
void case_keep_each(case_run *run, const char *what, const odeon_view *x);
/* Slots first to first + n - 1, element by element; the others must not have changed. */
void case_keep_slots(case_run *run, const char *what, const double *slots, int32_t first,
                     int32_t n);

/* The next number in [-1, 1) of this variant, the same on every device. */
double case_number(case_run *run);

#endif
