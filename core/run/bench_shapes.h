/* bench_shapes.h: the text of an operator's call, read and completed. */
#ifndef ODEON_CORE_RUN_BENCH_SHAPES_H
#define ODEON_CORE_RUN_BENCH_SHAPES_H
#include "device/operators.h"

/* What a text says of each of the operator's fields. */
typedef struct bench_shapes {
    const operator_info *op;
    bool given[OPERATOR_FIELDS];
    odeon_shape shape[OPERATOR_FIELDS]; /* of tensors; of the entries of a list */
    int64_t number[OPERATOR_FIELDS];    /* of the others */
    int32_t n;                          /* entries of its lists */
} bench_shapes;

/* Reads text, and sets what follows from it: after that every tensor that the operator needs is
 * given, and shapes fit each other. Tensors are of dtype unless the text ends with float64, or the
 * operator wants others.
 * ODEON_ERR_CONFIG says what is wrong, or that the operator cannot be called by itself. */
odeon_status bench_shapes_read(const char *text, uint32_t dtype, bench_shapes *out);

#endif
