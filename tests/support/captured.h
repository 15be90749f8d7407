/* captured.h: what is written to stderr meanwhile. Fails the test on error. */
#ifndef ODEON_TESTS_CAPTURED_H
#define ODEON_TESTS_CAPTURED_H
#include <stdio.h>

typedef struct captured {
    FILE *file;
    int saved;
    char text[4096];
} captured;

void captured_start(captured *c);
void captured_stop(captured *c); /* c->text holds it, cut to its size */

#endif
