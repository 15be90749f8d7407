#include "run/bench_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

const char *const bench_names[BENCH_WHATS] = {"step", "evaluate", "solve", "operators"};

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "bench: no memory for the results");
}

odeon_status bench_result_init(bench_result *r, size_t n_sides)
{
    *r = (bench_result){.n_sides = n_sides};
    r->sides = mem_zalloc(n_sides, sizeof *r->sides);
    return r->sides != NULL ? ODEON_OK : no_memory();
}

void bench_result_fini(bench_result *r)
{
    for (size_t i = 0; r->sides != NULL && i < r->n_sides; i++) {
        mem_free(r->sides[i].device);
    }
    for (size_t i = 0; i < r->n; i++) {
        mem_free(r->rows[i].name);
    }
    mem_free(r->sides);
    mem_free(r->rows);
    *r = (bench_result){.n = 0};
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

odeon_status bench_add(bench_result *r, const bench_row *row, size_t n, double *samples)
{
    bench_row *grown = mem_grow(r->rows, r->n, sizeof *grown);
    if (grown == NULL) {
        return no_memory();
    }
    r->rows = grown;
    char *name = row->name != NULL ? mem_strdup(row->name) : NULL;
    if (row->name != NULL && name == NULL) {
        return no_memory();
    }
    qsort(samples, n, sizeof *samples, ascending);
    bench_row *added = &r->rows[r->n++];
    *added = *row;
    added->name = name;
    added->samples = n;
    added->low = samples[n / 4];
    added->median = samples[n / 2];
    added->high = samples[3 * n / 4];
    return ODEON_OK;
}

const bench_row *bench_find(const bench_result *r, int32_t what, size_t variant, const char *name)
{
    for (size_t i = 0; i < r->n; i++) {
        const bench_row *row = &r->rows[i];
        if (row->what == what && row->variant == variant && (row->name == NULL) == (name == NULL) &&
            (name == NULL || strcmp(row->name, name) == 0)) {
            return row;
        }
    }
    return NULL;
}

/* How a row stands among those of its kind: by the first variant's time, a name's variants one
 * after the other. Names that the first variant has not come last. */
typedef struct place {
    double first; /* seconds of the first variant's row; -1: none */
    bench_row row;
} place;

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->row.what != y->row.what) {
        return x->row.what < y->row.what ? -1 : 1;
    }
    if (x->first < y->first || x->first > y->first) {
        return x->first > y->first ? -1 : 1;
    }
    int names = x->row.name != NULL && y->row.name != NULL ? strcmp(x->row.name, y->row.name) : 0;
    return names != 0 ? names
                      : (x->row.variant > y->row.variant) - (x->row.variant < y->row.variant);
}

void bench_order(bench_result *r)
{
    place *places = mem_zalloc(r->n + 1, sizeof *places);
    for (size_t i = 0; i < r->n; i++) {
        bench_row *row = &r->rows[i];
        const bench_row *first = bench_find(r, row->what, 0, row->name);
        row->ratio = first != NULL ? row->median / first->median : (double)NAN;
        if (places != NULL) {
            places[i] = (place){first != NULL ? first->median : -1.0, *row};
        }
    }
    if (places != NULL) { /* else they stay in the order in which they came */
        qsort(places, r->n, sizeof *places, by_place);
        for (size_t i = 0; i < r->n; i++) {
            r->rows[i] = places[i].row;
        }
    }
    mem_free(places);
}

static double share(const bench_result *r, const bench_row *row, double work, double peak)
{
    const bench_side *side = &r->sides[row->variant];
    double workers = row->what == BENCH_OPERATORS ? (double)side->workers : 1.0;
    return work > 0.0 && peak > 0.0 ? workers * work / row->median / peak : (double)NAN;
}

double bench_of_gemm(const bench_result *r, const bench_row *row)
{
    return share(r, row, row->operations, r->sides[row->variant].peak.gemm);
}

double bench_of_lincomb(const bench_result *r, const bench_row *row)
{
    return share(r, row, row->bytes, r->sides[row->variant].peak.lincomb);
}
