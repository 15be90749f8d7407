/* words.h: a list of different texts, numbered in the order in which they were first seen. */
#ifndef ODEON_DATASET_COMMON_WORDS_H
#define ODEON_DATASET_COMMON_WORDS_H
#include "odeon/host.h"

typedef struct words {
    int64_t n, room;
    char **text;    /* [n] */
    int64_t *table; /* [2 room]: hash table of numbers, -1 where there is none */
} words;

/* *number is that of text, which is added if it is new. ODEON_ERR_NOMEM. */
odeon_status words_add(const odeon_host *host, words *list, const char *text, int64_t *number);
int64_t words_find(const words *list, const char *text); /* -1: not in the list */
void words_free(const odeon_host *host, words *list);

#endif
