#include "calls.h"

#include <string.h>

call_optional call_optional_of(const odeon_tensor *x)
{
    call_optional out = {.given = x != NULL};
    if (x != NULL) {
        out.tensor = *x;
    }
    return out;
}

const odeon_tensor *call_given(const call_optional *x)
{
    return x->given ? &x->tensor : NULL;
}

void call_terms_of(int32_t n, const odeon_tensor *const *x, const odeon_scalar *coefficient,
                   call_terms *out)
{
    for (int32_t i = 0; i < n && i < ODEON_MAX_STAGES; i++) {
        out->tensor[i] = *x[i];
        out->coefficient[i] = coefficient[i];
    }
}

void call_point(const call_terms *terms, const odeon_tensor **pointers)
{
    for (int32_t i = 0; i < ODEON_MAX_STAGES; i++) {
        pointers[i] = &terms->tensor[i];
    }
}

void call_numbers_of(int32_t n, int32_t most, const double *from, double *to)
{
    for (int32_t i = 0; i < n && i < most; i++) {
        to[i] = from[i];
    }
}

call_epilogue call_epilogue_of(const odeon_epilogue *epilogue)
{
    call_epilogue out = {.given = epilogue != NULL};
    if (epilogue != NULL) {
        out.act = epilogue->act;
        out.bias = call_optional_of(epilogue->bias);
    }
    return out;
}

const odeon_epilogue *call_ending(const call_epilogue *epilogue, odeon_epilogue *storage)
{
    *storage = (odeon_epilogue){.bias = call_given(&epilogue->bias), .act = epilogue->act};
    return epilogue->given ? storage : NULL;
}
