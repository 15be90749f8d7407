/* vectors.h: vectors of the compiler, so that one text serves every instruction set. The including
 * source defines real. VECTOR_BYTES may be given by the build; a vector wider than the machine's is
 * split by the compiler, which is how the tests run the widest text on any machine. */
#ifndef ODEON_CPU_VECTORS_H
#define ODEON_CPU_VECTORS_H
#include "least.h"

#define ALWAYS_INLINE __attribute__((always_inline)) static inline
#define NOT_INLINE    __attribute__((noinline)) static

#if defined(VECTOR_BYTES)
#elif defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

typedef real vec __attribute__((vector_size(VECTOR_BYTES)));
typedef real vec_in_memory
    __attribute__((vector_size(VECTOR_BYTES), aligned(__alignof__(real)), may_alias));

ALWAYS_INLINE vec load(const real *p)
{
    return (vec) * (const vec_in_memory *)p;
}

ALWAYS_INLINE void store(real *p, vec v)
{
    *(vec_in_memory *)p = (vec_in_memory)v;
}

#endif
