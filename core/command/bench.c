/* `odeon bench`: times of a model, of one configuration or of several that take turns, so that
 * what the machine does meanwhile befalls all of them alike. */
#include "command/command.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/number.h"
#include "command/setup.h"
#include "device/operators.h"
#include "run/bench.h"
#include "run/bench_operator.h"
#include "run/bench_print.h"

/* The first configuration, then one for each --compare. */
typedef struct sides {
    size_t n;
    setup *setups;
    bench_variant *variants;
} sides;

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
}

/* ---- options ---- */

static odeon_status add_what(const char *name, size_t length, unsigned *what)
{
    for (size_t i = 0; i < BENCH_WHATS; i++) {
        if (strlen(bench_names[i]) == length && strncmp(bench_names[i], name, length) == 0) {
            *what |= 1u << i;
            return ODEON_OK;
        }
    }
    return diag_fail(ODEON_ERR_CONFIG,
                     "--what %.*s: must be step, evaluate, solve or operators, or several with "
                     "commas",
                     (int)length, name);
}

static odeon_status read_what(const char *text, const config *c, unsigned *what)
{
    bool trains = c->dataset != NULL && c->n_losses > 0;
    *what = 0;
    if (text == NULL) {
        *what = 1u << (trains ? BENCH_STEP : BENCH_SOLVE);
        return ODEON_OK;
    }
    for (const char *from = text;; from++) {
        size_t length = strcspn(from, ",");
        ODEON_TRY(add_what(from, length, what));
        from += length;
        if (*from == '\0') {
            return ODEON_OK;
        }
    }
}

static odeon_status read_numbers(const command_line *a, bench_plan *plan)
{
    const char *seconds = a->value[ARGUMENT_SECONDS], *samples = a->value[ARGUMENT_SAMPLES];
    int64_t least = 7;
    plan->seconds = 2.0;
    if (seconds != NULL && (number_parse_f64(seconds, &plan->seconds) != NUMBER_OK ||
                            !(plan->seconds >= 0.0 && plan->seconds <= 86400.0))) {
        return diag_fail(ODEON_ERR_CONFIG, "--seconds %s: must be a number from 0 to 86400",
                         seconds);
    }
    if (samples != NULL && (number_parse_i64(samples, &least) != NUMBER_OK || least < 1 ||
                            least > BENCH_MOST_SAMPLES)) {
        return diag_fail(ODEON_ERR_CONFIG, "--samples %s: must be a whole number from 1 to %d",
                         samples, BENCH_MOST_SAMPLES);
    }
    plan->least = (int32_t)least;
    return ODEON_OK;
}

/* An operator that the model does not call is found out only when it has run; one that does not
 * exist is refused before. */
static odeon_status read_operator(const command_line *a, bench_plan *plan)
{
    const char *name = a->value[ARGUMENT_OPERATOR], *names[OPERATORS];
    plan->only = name;
    if (name == NULL || strchr(name, ' ') != NULL || operator_find(name) != NULL) {
        return ODEON_OK;
    }
    for (size_t i = 0; i < OPERATORS; i++) {
        names[i] = operator_infos[i].name;
    }
    const char *near = nearest_name(name, OPERATORS, names);
    return diag_fail(ODEON_ERR_CONFIG, "--operator %s: there is no such operator%s%s%s", name,
                     near != NULL ? ", did you mean " : "", near != NULL ? near : "",
                     near != NULL ? "?" : "");
}

static odeon_status read_options(const command_line *a, const config *c, bench_plan *plan)
{
    if (a->value[ARGUMENT_CSV] != NULL && a->value[ARGUMENT_JSON] != NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "bench: one of --csv and --json, not both");
    }
    ODEON_TRY(read_numbers(a, plan));
    ODEON_TRY(read_operator(a, plan));
    ODEON_TRY(read_what(a->value[ARGUMENT_WHAT], c, &plan->what));
    if (plan->only != NULL) {
        plan->what = a->value[ARGUMENT_WHAT] == NULL ? 0 : plan->what;
        plan->what |= 1u << BENCH_OPERATORS;
    }
    return ODEON_OK;
}

/* ---- configurations ---- */

/* Where the word at text ends: a blank outside of parentheses, or the end. */
static size_t word_length(const char *text)
{
    size_t depth = 0, i = 0;
    for (; text[i] != '\0' && (depth > 0 || text[i] != ' '); i++) {
        depth += text[i] == '(' ? 1 : 0;
        depth -= text[i] == ')' && depth > 0 ? 1 : 0;
    }
    return i;
}

/* A word of --compare as an override: path.key=value, or a device. */
static char *override_of(const char *word, size_t length)
{
    size_t name = strcspn(word, "=(");
    bool device = name >= length || word[name] == '(';
    return mem_printf("%s%.*s", device ? "run.device=" : "", (int)length, word);
}

/* The words of text behind those that operands, with room for them, has already. */
static odeon_status add_words(const char *text, size_t *n, char **operands)
{
    for (;;) {
        text += strspn(text, " ");
        if (*text == '\0') {
            return ODEON_OK;
        }
        size_t length = word_length(text);
        operands[*n] = override_of(text, length);
        if (operands[*n] == NULL) {
            return no_memory();
        }
        (*n)++;
        text += length;
    }
}

/* The command line with the overrides of one --compare. */
static odeon_status open_compared(const command_line *a, const char *compare, setup *out)
{
    size_t n = a->n_operands;
    char **operands = mem_zalloc(n + strlen(compare) + 1, sizeof *operands);
    command_line with = *a;
    if (operands == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(&operands[i], &a->operands[i], sizeof *operands); /* are only read */
    }
    odeon_status status = add_words(compare, &n, operands);
    with.operands = (const char *const *)operands;
    with.n_operands = n;
    if (status == ODEON_OK) {
        status = n > a->n_operands
                     ? setup_open_model(&with, out)
                     : diag_fail(ODEON_ERR_CONFIG, "--compare: needs a device or an override");
    }
    for (size_t i = a->n_operands; i < n; i++) {
        mem_free(operands[i]);
    }
    mem_free(operands);
    return status;
}

static odeon_status open_sides(const command_line *a, sides *s)
{
    *s = (sides){.n = 1 + a->n_compares};
    s->setups = mem_zalloc(s->n, sizeof *s->setups);
    s->variants = mem_zalloc(s->n, sizeof *s->variants);
    if (s->setups == NULL || s->variants == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < s->n; i++) {
        setup *one = &s->setups[i];
        ODEON_TRY(i == 0 ? setup_open_model(a, one) : open_compared(a, a->compares[i - 1], one));
        s->variants[i] = (bench_variant){.text = i == 0 ? "" : a->compares[i - 1],
                                         .registry = one->registry,
                                         .config = one->config,
                                         .fields = &one->fields};
    }
    return ODEON_OK;
}

static void close_sides(sides *s)
{
    for (size_t i = 0; s->setups != NULL && i < s->n; i++) {
        setup_close(&s->setups[i]);
    }
    mem_free(s->setups);
    mem_free(s->variants);
}

/* ---- the command ---- */

static odeon_status print_result(const command_line *a, const bench_plan *plan,
                                 const bench_result *r)
{
    bool called = plan->only == NULL;
    for (size_t i = 0; i < r->n && !called; i++) {
        called = r->rows[i].what == BENCH_OPERATORS;
    }
    if (!called) {
        return diag_fail(ODEON_ERR_CONFIG, "--operator %s: the model does not call it", plan->only);
    }
    if (a->value[ARGUMENT_CSV] != NULL) {
        return bench_print_csv(a->out, plan, r);
    }
    if (a->value[ARGUMENT_JSON] != NULL) {
        return bench_print_json(a->out, plan, r);
    }
    bench_print_table(a->out, plan, r);
    return ODEON_OK;
}

static odeon_status bench_sides(const command_line *a, const sides *s)
{
    bench_plan plan = {.n_variants = s->n, .variants = s->variants};
    bench_result result = {.n = 0};
    ODEON_TRY(read_options(a, s->variants[0].config, &plan));
    bool alone = plan.only != NULL && strchr(plan.only, ' ') != NULL;
    odeon_status status =
        alone ? bench_operator_run(&plan, plan.only, &result) : bench_run(&plan, &result);
    if (status == ODEON_OK) {
        status = print_result(a, &plan, &result);
    }
    bench_result_fini(&result);
    return status;
}

static odeon_status run_bench(const command_line *a)
{
    sides s;
    odeon_status status = open_sides(a, &s);
    if (status == ODEON_OK) {
        status = bench_sides(a, &s);
    }
    close_sides(&s);
    return status;
}

const command command_bench = {
    .name = "bench",
    .operands = "INI|RUN [path.key=value ...]",
    .summary = "time a model, its solves and its operators",
    .help =
        "Repeats the same work on the same batch, the first of the split, and prints medians and\n"
        "quartiles. Nothing is written and nothing learnt: steps have a learning rate of 0.\n"
        "Rates count the multiply-adds of products, twice each, and the bytes of all tensors of\n"
        "the operators called, once a call; they are set against the best that the device's own\n"
        "gemm and lincomb (of vectors larger than its caches) reach in the same run.\n\n"
        "  --what LIST         of step (a training step, with reading the batch), evaluate (a\n"
        "                      batch of the test split), solve (the model up to its first ODE\n"
        "                      block) and operators (each operator within the step or, without\n"
        "                      [train], the solve); several with commas. Default: step, or,\n"
        "                      without [train], solve\n"
        "  --operator TEXT     only this operator, such as gemm; with shapes, such as\n"
        "                      \"gemm a=128x64 b=64x32\", as operators are listed, not in the\n"
        "                      model but by itself: tensors that follow may be left out\n"
        "  --compare TEXT      another configuration that takes turns with the first: a device,\n"
        "                      such as \"cpu(blas=own)\", or overrides with blanks between them,\n"
        "                      such as run.workers=2; may be repeated\n"
        "  --seconds N         to measure each of LIST, for each configuration; default 2\n"
        "  --samples N         however long they take, at least so many; default 7\n"
        "  --csv, --json       in place of tables\n",
    .options = 1u << ARGUMENT_WHAT | 1u << ARGUMENT_OPERATOR | 1u << ARGUMENT_COMPARE |
               1u << ARGUMENT_SECONDS | 1u << ARGUMENT_SAMPLES | 1u << ARGUMENT_CSV |
               1u << ARGUMENT_JSON | 1u << ARGUMENT_WEIGHTS | 1u << ARGUMENT_DTYPE,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_bench,
};
