/* What the processor allows: multiply-adds in float32 and bandwidth of memory, of so many threads.
 *   cc -O3 -march=native -ffp-contract=fast -pthread -o peak peak.c && ./peak THREADS
 * prints, tab-separated, GFLOP/s (a multiply-add counts two) and GB/s (two arrays read, one
 * written, each far larger than the caches), the best of several runs. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef __AVX512F__
enum { VECTOR_BYTES = 64 };
#else
enum { VECTOR_BYTES = 32 };
#endif
enum { ACCUMULATORS = 12, MOST_THREADS = 64, RUNS = 5 };
static const long multiplies = 20 * 1000 * 1000;
static const size_t length = (size_t)1 << 23; /* floats of an array: 32 MiB */

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));

typedef struct job {
    pthread_barrier_t *start;
    float *a, *b, *c;
    float result; /* lest the work be left out */
    int of_memory;
} job;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* As many chains as hide the latency of an addition, in registers. */
static float multiply(void)
{
    vector r0 = {0}, r1 = {1}, r2 = {2}, r3 = {3}, r4 = {4}, r5 = {5}, r6 = {6}, r7 = {7}, r8 = {8},
           r9 = {9}, r10 = {10}, r11 = {11}, x = {0}, y = {0};
    x += 0.999999f;
    y += 1e-6f;
    for (long i = 0; i < multiplies; i++) {
        r0 = r0 * x + y, r1 = r1 * x + y, r2 = r2 * x + y, r3 = r3 * x + y;
        r4 = r4 * x + y, r5 = r5 * x + y, r6 = r6 * x + y, r7 = r7 * x + y;
        r8 = r8 * x + y, r9 = r9 * x + y, r10 = r10 * x + y, r11 = r11 * x + y;
    }
    vector sum = r0 + r1 + r2 + r3 + r4 + r5 + r6 + r7 + r8 + r9 + r10 + r11;
    return sum[0];
}

static void add(float *restrict a, const float *restrict b, const float *restrict c)
{
    for (size_t i = 0; i < length; i++) {
        a[i] = b[i] + 3.0f * c[i];
    }
}

static void *run(void *context)
{
    job *j = context;
    (void)pthread_barrier_wait(j->start);
    if (j->of_memory) {
        add(j->a, j->b, j->c);
        j->result = j->a[length / 2];
    } else {
        j->result = multiply();
    }
    return NULL;
}

/* The least seconds that all threads took together; the barrier's last is this one. */
static double best(job *jobs, int n, int of_memory)
{
    double least = 0.0;
    for (int i = 0; i < RUNS; i++) {
        pthread_t threads[MOST_THREADS];
        pthread_barrier_t start;
        (void)pthread_barrier_init(&start, NULL, (unsigned)n + 1);
        for (int k = 0; k < n; k++) {
            jobs[k].start = &start;
            jobs[k].of_memory = of_memory;
            (void)pthread_create(&threads[k], NULL, run, &jobs[k]);
        }
        double begin = now();
        (void)pthread_barrier_wait(&start);
        for (int k = 0; k < n; k++) {
            (void)pthread_join(threads[k], NULL);
        }
        double took = now() - begin;
        least = i == 0 || took < least ? took : least;
        (void)pthread_barrier_destroy(&start);
    }
    return least;
}

int main(int count, char **arguments)
{
    static job jobs[MOST_THREADS];
    int n = count > 1 ? atoi(arguments[1]) : 1;
    if (n < 1 || n > MOST_THREADS) {
        (void)fprintf(stderr, "peak THREADS\n");
        return 2;
    }
    for (int k = 0; k < n; k++) {
        jobs[k].a = calloc(length, sizeof(float));
        jobs[k].b = calloc(length, sizeof(float));
        jobs[k].c = calloc(length, sizeof(float));
        if (jobs[k].a == NULL || jobs[k].b == NULL || jobs[k].c == NULL) {
            (void)fprintf(stderr, "peak: no memory\n");
            return 1;
        }
        for (size_t i = 0; i < length; i++) { /* pages of zeros would all be one */
            jobs[k].a[i] = jobs[k].b[i] = jobs[k].c[i] = 1.0f;
        }
    }
    double work = 2.0 * (double)multiplies * ACCUMULATORS * (VECTOR_BYTES / sizeof(float)) * n;
    double bytes = 3.0 * (double)length * sizeof(float) * n;
    (void)printf("%.1f\t%.2f\n", 1e-9 * work / best(jobs, n, 0), 1e-9 * bytes / best(jobs, n, 1));
    return 0;
}
