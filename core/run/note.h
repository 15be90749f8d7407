/* note.h: one remark, for whoever asks or as a warning. */
#ifndef ODEON_CORE_RUN_NOTE_H
#define ODEON_CORE_RUN_NOTE_H
#include <stdio.h>

/* A line on out, or a warning. */
void note(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
