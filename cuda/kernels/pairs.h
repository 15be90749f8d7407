/* pairs.h: pairs of tensors that are copied or not as a slot says. What is copied are words of four
 * bytes, whatever they mean; a thread takes neighbours, 16 bytes, at once. */
#ifndef ODEON_CUDA_KERNELS_PAIRS_H
#define ODEON_CUDA_KERNELS_PAIRS_H
#include "moving.h"
#include "odeon/device_solver.h"
#include "vector.h"

enum { PAIR_WORDS = VECTOR_BYTES / 4 };

typedef struct pair_words {
    VECTOR_ALIGNED uint32_t at[PAIR_WORDS];
} pair_words;

/* aligned: both lie where vectors may, with all their rows. */
typedef struct kernel_pair {
    const uint32_t *from;
    uint32_t *to;
    int64_t words;
    int32_t aligned, reserved0;
} kernel_pair;

/* rows: of which a slot names one, in to if is_store, else in from. */
typedef struct pairs_args {
    const double *slots;
    int64_t rows;
    int32_t slot, is_store, n, reserved0;
    kernel_pair pair[ODEON_MAX_STAGES];
} pairs_args;

/* Neighbours i of a pair, up to its end. */
KERNEL_FN void pair_load(const kernel_pair *p, const uint32_t *from, int64_t i, pair_words *out)
{
#ifdef __CUDACC__
    if (p->aligned && (i + 1) * PAIR_WORDS <= p->words) {
        *out = ((const pair_words *)from)[i];
        return;
    }
#endif
    VECTOR_UNROLL
    for (int32_t l = 0; l < PAIR_WORDS; l++) {
        if (i * PAIR_WORDS + l < p->words) {
            out->at[l] = vector_may(from, p->aligned) ? from[i * PAIR_WORDS + l] : UINT32_MAX;
        }
    }
}

KERNEL_FN void pair_store(const kernel_pair *p, uint32_t *to, int64_t i, const pair_words *words)
{
#ifdef __CUDACC__
    if (p->aligned && (i + 1) * PAIR_WORDS <= p->words) {
        ((pair_words *)to)[i] = *words;
        return;
    }
#endif
    VECTOR_UNROLL
    for (int32_t l = 0; l < PAIR_WORDS; l++) {
        if (i * PAIR_WORDS + l < p->words) {
            to[i * PAIR_WORDS + l] = vector_may(to, p->aligned) ? words->at[l] : UINT32_MAX;
        }
    }
}

/* The most neighbours that a pair has. */
KERNEL_FN int64_t pairs_longest(const pairs_args *a)
{
    int64_t most = 0;
    for (int32_t k = 0; k < a->n; k++) {
        int64_t units = (a->pair[k].words + PAIR_WORDS - 1) / PAIR_WORDS;
        most = units > most ? units : most;
    }
    return most;
}

/* Copies if the slot is not 0. A thread has all its elements in shared memory before it writes one:
 * what one pair writes another may read. */
KERNEL_FN void choose(int32_t phase, const pairs_args *a, kernel_thread w, void *shared)
{
    pair_words *held = (pair_words *)shared;
    int64_t units = a->slots[a->slot] != 0.0 ? pairs_longest(a) : 0;
    (void)phase;
    KERNEL_EACH (i, units) {
        for (int32_t k = 0; k < a->n; k++) {
            pair_load(&a->pair[k], a->pair[k].from, i, &held[k * w.threads + w.thread]);
        }
        for (int32_t k = 0; k < a->n; k++) {
            pair_store(&a->pair[k], a->pair[k].to, i, &held[k * w.threads + w.thread]);
        }
    }
}

/* Copies to or from the row that the slot names, if there is one. */
KERNEL_FN void move_row(int32_t phase, const pairs_args *a, kernel_thread w, void *shared)
{
    double row = a->slots[a->slot];
    (void)phase;
    (void)shared;
    if (!(row >= 0.0 && row < (double)a->rows && floor(row) == row)) {
        return;
    }
    for (int32_t k = 0; k < a->n; k++) {
        const kernel_pair *p = &a->pair[k];
        int64_t at = (int64_t)row * p->words;
        const uint32_t *from = p->from + (a->is_store ? 0 : at);
        uint32_t *to = p->to + (a->is_store ? at : 0);
        for (int64_t i = kernel_first(w); i * PAIR_WORDS < p->words; i += kernel_stride(w)) {
            pair_words words;
            pair_load(p, from, i, &words);
            pair_store(p, to, i, &words);
        }
    }
}

#endif
