/* notes.h: what a configuration that works may not mean, said once before the work: keys that
 * change nothing, times that count from the start of each sample, a schedule that the run cuts
 * short. */
#ifndef ODEON_CORE_RUN_NOTES_H
#define ODEON_CORE_RUN_NOTES_H
#include "config/config.h"
#include "session/handle.h"
#include <stdio.h>

/* What a command does with the data set's samples. */
typedef struct notes_use {
    bool data;       /* it takes them, or will; else numbers from elsewhere */
    int64_t samples; /* of the split that it takes; 0: not known */
    bool trains;
} notes_use;

/* One line each, on out or, where out is NULL, as warnings; answers how many. Warnings leave out
 * keys of a file that are given their default, as all are in a normal form; overrides never. */
size_t notes_give(FILE *out, const config *c, const session *s, notes_use use);

#endif
