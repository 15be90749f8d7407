#include "run/bench_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"

/* What a variant is called: what differs from the first, or, of the first, what it is. */
static const char *name_of(const bench_plan *plan, size_t variant)
{
    const char *text = plan->variants[variant].text;
    return text[0] != '\0' ? text : "as configured";
}

/* ---- for people ---- */

static void print_side(FILE *out, const bench_plan *plan, const bench_result *r, size_t i)
{
    const bench_side *s = &r->sides[i];
    (void)fprintf(out, "[%zu] %s: %s; %d worker%s, %s\n", i, name_of(plan, i), s->device,
                  (int)s->workers, s->workers == 1 ? "" : "s",
                  plan->variants[i].config->dtype == ODEON_DTYPE_F64 ? "float64" : "float32");
    (void)fprintf(out,
                  "    best of its own operators here: %.1f GFLOP/s (gemm of %" PRId64
                  "), %.1f GB/s (lincomb of %" PRId64 ")\n",
                  1e-9 * s->peak.gemm, s->peak.edge, 1e-9 * s->peak.lincomb, s->peak.length);
}

/* A rate and its share; blank where there is none. */
static void print_rate(FILE *out, double rate, double of_best)
{
    if (rate > 0.0) {
        (void)fprintf(out, " %8.1f %5.0f %%", rate, 100.0 * of_best);
    } else {
        (void)fprintf(out, " %8s %7s", "-", "");
    }
}

static void print_ratio(FILE *out, const bench_row *row)
{
    if (isnan(row->ratio)) {
        (void)fprintf(out, " %7s", "-");
    } else {
        (void)fprintf(out, " %7.2f", row->ratio);
    }
}

static void print_figures(FILE *out, const bench_result *r, const bench_row *row)
{
    print_rate(out, 1e-9 * row->operations / row->median, bench_of_gemm(r, row));
    print_rate(out, 1e-9 * row->bytes / row->median, bench_of_lincomb(r, row));
    print_ratio(out, row);
}

static void print_whole(FILE *out, const bench_result *r, const bench_row *row)
{
    (void)fprintf(out, "[%zu] %10.3f %10.3f %10.3f %7zu", row->variant, 1e3 * row->median,
                  1e3 * row->low, 1e3 * row->high, row->samples);
    print_figures(out, r, row);
    (void)fprintf(out, " %6" PRId64 " / %-5" PRId64 " %9" PRId64 "\n", row->evals_forward,
                  row->evals_backward, row->calls);
}

static double operators_seconds(const bench_result *r, size_t variant)
{
    double sum = 0.0;
    for (size_t i = 0; i < r->n; i++) {
        const bench_row *row = &r->rows[i];
        sum += row->what == BENCH_OPERATORS && row->variant == variant ? row->median : 0.0;
    }
    return sum;
}

/* A name stands once, beside the first of its variants. */
static void print_operator(FILE *out, const bench_result *r, const bench_row *row)
{
    bool again = row > r->rows && row[-1].name != NULL && strcmp(row[-1].name, row->name) == 0;
    (void)fprintf(out, "[%zu] %10.3f %5.1f %% %7" PRId64 " %10.2f %10.2f %10.2f", row->variant,
                  1e3 * row->median, 100.0 * row->median / operators_seconds(r, row->variant),
                  row->calls, 1e6 * row->median / (double)row->calls,
                  1e6 * row->low / (double)row->calls, 1e6 * row->high / (double)row->calls);
    print_figures(out, r, row);
    (void)fprintf(out, "%s%s\n", again ? "" : "  ", again ? "" : row->name);
}

static void print_heading(FILE *out, const bench_result *r, int32_t what)
{
    if (what == BENCH_OPERATORS) {
        (void)fprintf(out,
                      "\noperators, batch %" PRId64 ", of the first worker\n"
                      "    %10s %7s %7s %10s %10s %10s %8s %7s %8s %7s %7s\n",
                      r->sides[0].batch[what], "ms", "share", "calls", "us a call", "quartile",
                      "quartile", "GFLOP/s", "of gemm", "GB/s", "of best", "x [0]");
    } else {
        (void)fprintf(out,
                      "\n%s, batch %" PRId64 "\n"
                      "    %10s %10s %10s %7s %8s %7s %8s %7s %7s %14s %9s\n",
                      bench_names[what], r->sides[0].batch[what], "ms", "quartile", "quartile",
                      "samples", "GFLOP/s", "of gemm", "GB/s", "of best", "x [0]", "evals f / b",
                      "operators");
    }
}

/* Operators that together take less than a hundredth of the step are summed up in a line. */
static const double shown_share = 0.99;

static size_t print_operators(FILE *out, const bench_result *r, size_t first)
{
    double all = operators_seconds(r, 0), sum = 0.0;
    size_t i = first;
    for (; i < r->n && (sum <= shown_share * all || r->rows[i].variant != 0); i++) {
        sum += r->rows[i].variant == 0 ? r->rows[i].median : 0.0;
        print_operator(out, r, &r->rows[i]);
    }
    size_t names = 0;
    for (size_t k = i; k < r->n; k++) {
        names += r->rows[k].variant == 0 ? 1 : 0;
    }
    if (names > 0) {
        (void)fprintf(out, "    and %zu more that take %.1f %% together (all: --csv)\n", names,
                      100.0 * (1.0 - sum / all));
    }
    return r->n;
}

void bench_print_table(FILE *out, const bench_plan *plan, const bench_result *r)
{
    int32_t what = -1;
    for (size_t i = 0; i < r->n_sides; i++) {
        print_side(out, plan, r, i);
    }
    for (size_t i = 0; i < r->n;) {
        const bench_row *row = &r->rows[i];
        if (row->what != what) {
            what = row->what;
            print_heading(out, r, what);
        }
        if (what == BENCH_OPERATORS) {
            i = print_operators(out, r, i);
        } else {
            print_whole(out, r, row);
            i++;
        }
    }
}

/* ---- for programs ---- */

static odeon_status give(FILE *out, text_buffer *text)
{
    odeon_status status =
        text->failed ? diag_fail(ODEON_ERR_NOMEM, "bench: no memory for the results") : ODEON_OK;
    if (status == ODEON_OK) {
        (void)fputs(text->data, out);
    }
    text_fini(text);
    return status;
}

/* In double quotes, those within doubled (RFC 4180). */
static void csv_text(text_buffer *t, const char *value)
{
    text_add(t, ",\"");
    for (const char *p = value; *p != '\0'; p++) {
        text_add_bytes(t, p, 1);
        if (*p == '"') {
            text_add(t, "\"");
        }
    }
    text_add(t, "\"");
}

static void csv_number(text_buffer *t, double value)
{
    text_add(t, ",");
    if (isfinite(value)) {
        text_printf(t, "%.6g", value);
    }
}

static void csv_row(text_buffer *t, const bench_plan *plan, const bench_result *r,
                    const bench_row *row)
{
    text_add(t, bench_names[row->what]);
    csv_text(t, name_of(plan, row->variant));
    csv_text(t, row->name != NULL ? row->name : "");
    text_printf(t, ",%" PRId64 ",%zu,%" PRId64, r->sides[row->variant].batch[row->what],
                row->samples, row->calls);
    csv_number(t, 1e3 * row->median);
    csv_number(t, 1e3 * row->low);
    csv_number(t, 1e3 * row->high);
    csv_number(t, 1e-9 * row->operations / row->median);
    csv_number(t, bench_of_gemm(r, row));
    csv_number(t, 1e-9 * row->bytes / row->median);
    csv_number(t, bench_of_lincomb(r, row));
    csv_number(t, row->ratio);
    text_printf(t, ",%" PRId64 ",%" PRId64 "\n", row->evals_forward, row->evals_backward);
}

odeon_status bench_print_csv(FILE *out, const bench_plan *plan, const bench_result *r)
{
    text_buffer t = {.failed = false};
    text_add(&t, "what,variant,name,batch,samples,calls,ms,ms_low,ms_high,gflops,of_gemm,gbytes,"
                 "of_lincomb,ratio,evals_forward,evals_backward\n");
    for (size_t i = 0; i < r->n; i++) {
        csv_row(&t, plan, r, &r->rows[i]);
    }
    return give(out, &t);
}

static void json_member(text_buffer *t, const char *name, double value)
{
    text_printf(t, ", \"%s\": ", name);
    text_json_number(t, value);
}

static void json_side(text_buffer *t, const bench_plan *plan, const bench_result *r, size_t i)
{
    const bench_side *s = &r->sides[i];
    text_add(t, "    {\"variant\": ");
    text_json_string(t, name_of(plan, i));
    text_add(t, ", \"device\": ");
    text_json_string(t, s->device);
    json_member(t, "workers", (double)s->workers);
    json_member(t, "gemm_flops", s->peak.gemm);
    json_member(t, "gemm_edge", (double)s->peak.edge);
    json_member(t, "lincomb_bytes", s->peak.lincomb);
    json_member(t, "lincomb_length", (double)s->peak.length);
    text_add(t, i + 1 < r->n_sides ? "},\n" : "}\n");
}

static void json_row(text_buffer *t, const bench_plan *plan, const bench_result *r,
                     const bench_row *row)
{
    text_printf(t, "    {\"what\": \"%s\", \"variant\": ", bench_names[row->what]);
    text_json_string(t, name_of(plan, row->variant));
    text_add(t, ", \"name\": ");
    text_json_string(t, row->name != NULL ? row->name : "");
    json_member(t, "batch", (double)r->sides[row->variant].batch[row->what]);
    json_member(t, "samples", (double)row->samples);
    json_member(t, "calls", (double)row->calls);
    json_member(t, "seconds", row->median);
    json_member(t, "seconds_low", row->low);
    json_member(t, "seconds_high", row->high);
    json_member(t, "operations", row->operations);
    json_member(t, "bytes", row->bytes);
    json_member(t, "of_gemm", bench_of_gemm(r, row));
    json_member(t, "of_lincomb", bench_of_lincomb(r, row));
    json_member(t, "ratio", row->ratio);
    json_member(t, "evals_forward", (double)row->evals_forward);
    json_member(t, "evals_backward", (double)row->evals_backward);
    text_add(t, row + 1 < r->rows + r->n ? "},\n" : "}\n");
}

odeon_status bench_print_json(FILE *out, const bench_plan *plan, const bench_result *r)
{
    text_buffer t = {.failed = false};
    text_add(&t, "{\n  \"variants\": [\n");
    for (size_t i = 0; i < r->n_sides; i++) {
        json_side(&t, plan, r, i);
    }
    text_add(&t, "  ],\n  \"rows\": [\n");
    for (size_t i = 0; i < r->n; i++) {
        json_row(&t, plan, r, &r->rows[i]);
    }
    text_add(&t, "  ]\n}\n");
    return give(out, &t);
}
