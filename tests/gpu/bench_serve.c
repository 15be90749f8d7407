#include "bench_serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"

enum { WARM_CALLS = 2, LINE_BYTES = 128 };

bool bench_serve_next(bench_command *out)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "open %c %15s", &out->name, out->what) == 2) {
            return true;
        }
    }
    return false;
}

static odeon_status run_calls(const bench_call *call, long calls)
{
    for (long i = 0; i < calls; i++) {
        ODEON_TRY(call->run(call->context));
    }
    return call->device->ops->wait(call->queue);
}

odeon_status bench_serve_samples(const bench_call *call, int64_t batch,
                                 const int64_t *evals_forward, const int64_t *evals_backward)
{
    char line[LINE_BYTES];
    ODEON_TRY(run_calls(call, WARM_CALLS));
    (void)printf("ready\t%lld\t%lld\t%lld\n", (long long)batch, (long long)*evals_forward,
                 (long long)*evals_backward);
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL && strncmp(line, "go ", 3) == 0) {
        double begin = clock_seconds();
        ODEON_TRY(run_calls(call, strtol(line + 3, NULL, 10)));
        (void)printf("%.9f\n", clock_seconds() - begin);
        (void)fflush(stdout);
    }
    return ODEON_OK;
}
