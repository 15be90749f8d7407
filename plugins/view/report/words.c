/* Sentences about one run. Each stands where the run has the numbers for it, and none judges. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "page.h"

/* ---- numbers ---- */

/* Of the first block. */
static view_series block_series(page *p, const odeon_view_run *run, const char *split,
                                const char *what)
{
    const char *block = view_block(&p->memory, run, 0);
    const char *column = block != NULL ? view_print(&p->memory, "%s.%s", block, what) : NULL;
    return column != NULL ? view_series_of(&p->memory, run, split, column) : (view_series){.n = 0};
}

/* The first block; of a run that failed before its first row the one whose solve did. */
static const char *find_block(page *p, const odeon_view_run *run)
{
    static const char steps[] = "failure/steps-";
    const char *block = view_block(&p->memory, run, 0);
    for (int64_t i = 0; block == NULL && i < run->n_tables; i++) {
        if (strncmp(run->table[i]->name, steps, sizeof steps - 1) == 0) {
            block = run->table[i]->name + sizeof steps - 1;
        }
    }
    return block;
}

static double block_setting(page *p, const odeon_view_run *run, const char *key)
{
    const char *block = find_block(p, run);
    double value = (double)NAN;
    const char *name = block != NULL ? view_print(&p->memory, "model.%s.%s", block, key) : NULL;
    const char *text = name != NULL ? view_config(run, name) : NULL;
    return text != NULL && sscanf(text, "%lf", &value) == 1 ? value : (double)NAN;
}

static double last_test(page *p, const odeon_view_run *run, const char *column)
{
    return view_last(view_series_of(&p->memory, run, "test", column));
}

static const char *say_time(page *p, double seconds)
{
    char text[CHART_NUMBER_BYTES];
    if (!(seconds >= 0)) {
        return "–";
    }
    return seconds < .01    ? "less than 0.01 s"
           : seconds < 120  ? view_print(&p->memory, "%s s", chart_number(seconds, text))
           : seconds < 7200 ? view_print(&p->memory, "%s min", chart_number(seconds / 60, text))
                            : view_print(&p->memory, "%s h", chart_number(seconds / 3600, text));
}

/* ---- the state line ---- */

static void put_state(page *p, const odeon_view_run *run)
{
    static const char *const states[] = {"finished", "failed", "not finished"};
    chart_text *t = &p->text;
    char text[CHART_NUMBER_BYTES];
    view_series steps = view_series_of(&p->memory, run, "train", "loss");
    double planned = view_planned_steps(run), epoch = view_epoch_steps(run);
    const char *seed = view_config(run, "run.seed"), *started = view_manifest(run, "started");
    chart_put(t, "<h1>~e</h1><div class=\"meta\">~s", run->name, states[run->state]);
    if (steps.n > 0) {
        double last = steps.step[steps.n - 1];
        chart_put(t, " · ~s ~s", run->state == ODEON_VIEW_ENDED ? "step" : "last row: step",
                  chart_fixed(last, 0, text));
        chart_put(t, "~s~s", planned > 0 ? " of " : "",
                  planned > 0 ? chart_fixed(planned, 0, text) : "");
        if (epoch > 0) {
            chart_put(t, ", epoch ~s", chart_fixed(ceil(last / epoch), 0, text));
        }
    }
    if (seed != NULL) {
        chart_put(t, " · seed ~e", seed);
    }
    if (started != NULL) {
        chart_put(t, " · started ~e", started);
    }
    chart_put(t, " · ~e</div>", run->folder);
}

/* ---- the paragraph ---- */

/* The last part of a path, up to what ends it within an option. */
static const char *last_part(page *p, const char *path)
{
    size_t n = strcspn(path, ",)");
    while (n > 0 && (path[n - 1] == '/' || path[n - 1] == ' ')) {
        n--;
    }
    size_t begin = n;
    while (begin > 0 && path[begin - 1] != '/') {
        begin--;
    }
    return n > begin && n - begin < 200
               ? view_print(&p->memory, "%.*s", (int)(n - begin), path + begin)
               : NULL;
}

/* The file or folder that the samples come from; NULL: there is none, or it has no name. */
static const char *source_name(page *p, const odeon_view_run *run)
{
    static const char mark[] = "(path=";
    const char *path = view_config(run, "data.path"), *source = view_config(run, "data.source");
    if (path == NULL && source != NULL) {
        const char *within = strstr(source, mark);
        path = within != NULL ? within + sizeof mark - 1 : NULL;
    }
    return path != NULL ? last_part(p, path) : NULL;
}

static void say_task(page *p, const odeon_view_run *run)
{
    chart_text *t = &p->text;
    char parameters[CHART_NUMBER_BYTES], samples[CHART_NUMBER_BYTES];
    double n = view_manifest_number(run, "data.samples");
    const char *data = view_config(run, "data.dataset");
    size_t blocks = 0;
    while (view_block(&p->memory, run, blocks) != NULL) {
        blocks++;
    }
    chart_put(t, "A network");
    if (run->parameters > 0) {
        chart_put(t, " of ~s parameters", chart_fixed((double)run->parameters, 0, parameters));
    }
    chart_put(t, " with ~s ODE block~s",
              blocks == 0   ? "no"
              : blocks == 1 ? "one"
                            : "several",
              blocks == 1 ? "" : "s");
    chart_put(t, " was trained");
    if (n > 0) {
        chart_put(t, " on ~s samples", chart_fixed(n, 0, samples));
    }
    const char *source = source_name(p, run);
    if (source != NULL && data != NULL) {
        chart_put(t, " of ~e (<code>~e</code>)", source, data);
    } else if (data != NULL) {
        chart_put(t, " of the data set <code>~e</code>", data);
    }
    chart_put(t, ". ");
}

/* The half width of the interval that holds a share of n samples in 95 of 100 cases, by the normal
 * distribution, which says nothing where all or none were found. */
static void say_certainty(chart_text *t, double share, double n)
{
    char width[CHART_NUMBER_BYTES];
    if (share > 0 && share < 1) {
        chart_put(t, " (± ~s at 95 %)",
                  chart_fixed(100 * 1.96 * sqrt(share * (1 - share) / n), 1, width));
    }
    chart_put(t, ". ");
}

static void say_result(page *p, const odeon_view_run *run)
{
    chart_text *t = &p->text;
    char a[CHART_NUMBER_BYTES], b[CHART_NUMBER_BYTES];
    const char *loss = view_config(run, "train.loss");
    double n = view_manifest_number(run, "data.test_samples");
    double share = last_test(p, run, "accuracy"), error = last_test(p, run, "loss");
    if (share >= 0 && n > 0) {
        chart_put(t, "It finds the class of <b>~s</b> of ~s test samples",
                  chart_percent(share, 1, a), chart_fixed(n, 0, b));
        say_certainty(t, share, n);
    } else if (isfinite(error)) {
        chart_put(t, "Its loss on ~s test samples, ~e, is <b>~s</b>. ",
                  n > 0 ? chart_fixed(n, 0, a) : "the",
                  loss != NULL ? view_plain_words(&p->memory, loss) : "as trained",
                  chart_number(error, b));
    }
}

/* The last twentieth against the first batch, where they differ by more than a tenth. */
static void say_evaluations(page *p, const odeon_view_run *run)
{
    chart_text *t = &p->text;
    char a[CHART_NUMBER_BYTES], b[CHART_NUMBER_BYTES];
    view_series f = block_series(p, run, "train", "evals_forward");
    view_series back = block_series(p, run, "train", "evals_backward");
    double mean = view_mean(back.n, back.value);
    if (f.n == 0) {
        return;
    }
    size_t tail = f.n / 20 > 0 ? f.n / 20 : 1;
    double end = view_mean(tail, f.value + f.n - tail), begin = f.value[0];
    chart_put(t, "The field was evaluated ~s times a batch forward and ",
              chart_number(view_mean(f.n, f.value), a));
    chart_put(t, "~s backward", mean > 0 ? chart_number(mean, a) : "never");
    if (fabs(end - begin) > .1 * begin) {
        chart_put(t, "; forward it ~s from ~s to ~s as training went on",
                  end > begin ? "rose" : "fell", chart_number(begin, a), chart_number(end, b));
    }
    chart_put(t, ". ");
}

static void say_block(page *p, const odeon_view_run *run)
{
    chart_text *t = &p->text;
    char a[CHART_NUMBER_BYTES];
    double share = view_last(block_series(p, run, "test", "share")), lo, most;
    double rtol = block_setting(p, run, "rtol");
    view_series drift = block_series(p, run, "train", "drift");
    view_range(drift.n, drift.value, &lo, &most);
    if (isfinite(share)) {
        chart_put(t, "The block moves its state by ~s of its norm. ", chart_percent(share, 0, a));
    }
    if (most > rtol) {
        chart_put(
            t,
            "The adjoint’s backward solve ends up to ~s away from where the forward one began, "
            "which is more than the tolerance of ~g: gradients may be off by as much. "
            "<code>gradient = direct</code> has no such error. ",
            chart_number(most, a), rtol);
    } else if (isfinite(most)) {
        chart_put(t, "The adjoint’s backward solve ends within ~s of where the forward one began. ",
                  chart_number(most, a));
    }
}

static double seconds_of(page *p, const odeon_view_run *run)
{
    double train = view_last(view_series_of(&p->memory, run, "train", "seconds"));
    double test = last_test(p, run, "seconds");
    return test > train ? test : train;
}

static void put_key(page *p, const char *name, const char *value)
{
    chart_put(&p->text, "<div><dt>~e</dt><dd>~e</dd></div>", name, value);
}

/* Those that the run has. */
static void put_keys(page *p, const odeon_view_run *run)
{
    char a[CHART_NUMBER_BYTES], b[CHART_NUMBER_BYTES];
    double accuracy = last_test(p, run, "accuracy"), loss = last_test(p, run, "loss"), lo, bytes;
    view_series f = block_series(p, run, "train", "evals_forward");
    view_series back = block_series(p, run, "train", "evals_backward");
    view_series kept = block_series(p, run, "train", "bytes");
    double share = view_last(block_series(p, run, "test", "share"));
    view_range(kept.n, kept.value, &lo, &bytes);
    chart_put(&p->text, "<dl class=\"keys\">");
    if (isfinite(accuracy)) {
        put_key(p, "test accuracy", chart_percent(accuracy, 1, a));
    }
    if (isfinite(loss)) {
        put_key(p, "test loss", chart_number(loss, a));
    }
    if (f.n > 0) {
        put_key(p, "evaluations, forward + backward",
                view_print(&p->memory, "%s + %s", chart_number(view_mean(f.n, f.value), a),
                           chart_number(view_mean(back.n, back.value), b)));
    }
    if (isfinite(share)) {
        put_key(p, "block’s share", chart_percent(share, 0, a));
    }
    if (bytes > 0) {
        put_key(p, "memory of the block",
                view_print(&p->memory, "%s MB", chart_number(bytes / 1e6, a)));
    }
    put_key(p, "time", say_time(p, seconds_of(p, run)));
    chart_put(&p->text, "</dl>");
}

static void put_paragraph(page *p, const odeon_view_run *run)
{
    chart_put(&p->text, "<p class=\"lead\">");
    say_task(p, run);
    say_result(p, run);
    say_evaluations(p, run);
    say_block(p, run);
    if (isfinite(seconds_of(p, run))) {
        chart_put(&p->text, "Training and its tests took ~s.", say_time(p, seconds_of(p, run)));
    }
    chart_put(&p->text, "</p>");
}

void page_single(page *p, const odeon_view_run *run)
{
    put_state(p, run);
    put_paragraph(p, run);
    put_keys(p, run);
}

/* ---- a run that failed ---- */

static void say_failure(page *p, const odeon_view_run *run)
{
    view_series steps = view_series_of(&p->memory, run, "train", "loss");
    char a[CHART_NUMBER_BYTES];
    chart_put(&p->text, "<div class=\"bad\"><p class=\"lead\"><b>This run failed</b>");
    if (steps.n > 0) {
        chart_put(&p->text, " in the step after ~s", chart_fixed(steps.step[steps.n - 1], 0, a));
    }
    chart_put(&p->text, ".</p><p>~e</p></div>", run->message);
}

/* The limit ten times as high, where it was the limit. */
static void put_commands(page *p, const odeon_view_run *run)
{
    const char *block = find_block(p, run), *ini = view_manifest(run, "ini");
    double limit = block_setting(p, run, "max_steps");
    const char *change = "";
    if (block != NULL && limit > 0 && strstr(run->message, "max_steps reached") != NULL) {
        change = view_print(&p->memory, " model.%s.max_steps=%.0f", block, 10 * limit);
    }
    chart_put(&p->text,
              "<p>Repeat the failed step alone~s; then train on from the weights that the run has "
              "kept, in a new run:</p>"
              "<pre>odeon replay ~e/failure~e\nodeon train ~e train.weights=~e~e</pre>",
              change != NULL && change[0] != '\0' ? " with a higher limit" : "", run->folder,
              change != NULL ? change : "", ini != NULL ? ini : "INI", run->folder,
              change != NULL ? change : "");
}

void page_failed(page *p, const odeon_view_run *run)
{
    put_state(p, run);
    say_failure(p, run);
    page_heading(p, "What to try");
    put_commands(p, run);
    put_paragraph(p, run);
}

/* ---- how it was made ---- */

static void put_fact(page *p, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        page_row(p, 2, (const char *const[]){name, value}, false, false);
    }
}

static void put_machine(page *p, const odeon_view_run *run)
{
    char a[CHART_NUMBER_BYTES], b[CHART_NUMBER_BYTES];
    const char *processor = view_manifest(run, "machine.processor"),
               *version = view_manifest(run, "odeon"), *abi = view_manifest(run, "abi");
    page_table_begin(p, "Where it ran", 2, (const char *const[]){"", ""}, false);
    if (version != NULL && abi != NULL) {
        put_fact(p, "program", view_print(&p->memory, "Odeon %s, ABI %s", version, abi));
    }
    put_fact(p, "device", view_manifest(run, "device"));
    put_fact(p, "numbers", view_manifest(run, "dtype"));
    put_fact(p, "workers", view_manifest(run, "workers"));
    if (processor != NULL) {
        double memory = view_manifest_number(run, "machine.memory_bytes") / 1073741824;
        put_fact(p, "machine",
                 view_print(&p->memory, "%s, %s processors, %s GiB", processor,
                            view_manifest(run, "machine.processors"), chart_fixed(memory, 0, a)));
    }
    put_fact(p, "started", view_manifest(run, "started"));
    put_fact(p, "data",
             view_print(&p->memory, "%s samples to train on, %s to test; order %s",
                        chart_fixed(view_manifest_number(run, "data.samples"), 0, a),
                        chart_fixed(view_manifest_number(run, "data.test_samples"), 0, b),
                        view_manifest(run, "data.order") != NULL ? view_manifest(run, "data.order")
                                                                 : "–"));
    page_table_end(p);
}

/* Is it one of the settings that a reader asks for first? */
static bool is_main(const char *key)
{
    static const char *const endings[] = {".integrator", ".rtol",     ".atol",      ".control",
                                          ".gradient",   ".span",     ".loss",      ".optimizer",
                                          ".lr",         ".schedule", ".dataset",   ".batch",
                                          ".seed",       ".epochs",   ".iterations"};
    const char *end = strrchr(key, '.');
    bool found = false;
    for (size_t i = 0; end != NULL && i < sizeof endings / sizeof *endings; i++) {
        found |= strcmp(end, endings[i]) == 0;
    }
    return found;
}

void page_machine(page *p, const odeon_view_run *run)
{
    page_heading(p, "How it was made");
    chart_put(&p->text, "<div class=\"cols\">");
    put_machine(p, run);
    page_table_begin(p, "Main settings", 2, (const char *const[]){"key", "value"}, false);
    for (int64_t i = 0; i < run->n_config; i++) {
        if (is_main(run->config[i].key)) {
            put_fact(p, run->config[i].key, run->config[i].value);
        }
    }
    page_table_end(p);
    chart_put(&p->text, "</div><details><summary>All settings</summary><pre>");
    for (int64_t i = 0; i < run->n_config; i++) {
        chart_put(&p->text, "~e = ~e\n", run->config[i].key, run->config[i].value);
    }
    chart_put(&p->text, "</pre></details>");
}
