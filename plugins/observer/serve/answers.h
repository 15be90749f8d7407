/* answers.h: what a server answers, as bytes to be sent. */
#ifndef ODEON_OBSERVER_SERVE_ANSWERS_H
#define ODEON_OBSERVER_SERVE_ANSWERS_H
#include <stddef.h>

#include "odeon/host.h"
#include "request.h"

/* Memory of the host's; data NULL: there was none. */
typedef struct answer {
    char *data;
    size_t n;
} answer;

/* To any request but an unfinished one; file: the page. */
answer answer_make(const odeon_host *host, request r, const char *file);
/* 503, to whom there is no place for. */
const char *answer_full(void);

#endif
