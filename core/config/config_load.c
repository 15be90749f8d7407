/* The order in which an INI is read. Every part appends its normal form to one text as soon as it
 * has been read, so the text is complete exactly when nothing is left to refuse:
 *
 * [plugins] first, since every later name may be one of a plugin that is loaded by file; then
 * [run], whose device decides which kernels are looked at; [data], [data.NAME], [model.*], [train].
 */
#include "config/config_load.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "config/curves.h"
#include "config/document_load.h"
#include "config/evaluation.h"
#include "config/hints.h"
#include "config/losses.h"
#include "config/model.h"
#include "config/observer_list.h"
#include "config/phases.h"
#include "config/sample_keys.h"
#include "config/transforms.h"
#include "device/collective.h"
#include "device/device_auto.h"
#include "format/ini_file.h"
#include "odeon/tensor.h"
#include "option/expression.h"
#include "option/schema_parse.h"
#include "option/schema_print.h"
#include "plugin/registry.h"

/* ---- [plugins] ---- */

/* Whoever types an override names the file, and thereby trusts it. An INI may come from anywhere:
 * commands that only look at one load what it names where the user says so, and not else. */
static odeon_status load_file(loading *l, const document_key *key, const char *file)
{
    ODEON_TRY(key->level != DOCUMENT_OVERRIDE ? registry_may_load(l->r, file) : ODEON_OK);
    return registry_load(l->r, file);
}

/* The normal form names plugins by absolute path, so that a run can be repeated from another
 * folder. A name that an INI could not hold is refused after loading, when it is known to be a
 * plugin's. */
static odeon_status load_files(loading *l, const document_key *key, size_t n, char **files)
{
    text_add(&l->effective, "load = ");
    for (size_t i = 0; i < n; i++) {
        char *file = path_absolute(files[i], key->folder);
        odeon_status status =
            file != NULL ? load_file(l, key, file) : diag_fail(ODEON_ERR_NOMEM, "out of memory");
        if (status == ODEON_OK) {
            status = schema_check_text("load", file, true, key->where);
            text_printf(&l->effective, "%s%s", i > 0 ? ", " : "", file);
        } else {
            (void)location_prefix(status, key->where, "plugins");
        }
        mem_free(file);
        ODEON_TRY(status);
    }
    text_add(&l->effective, "\n");
    return ODEON_OK;
}

static odeon_status allow_replacements(loading *l, const document_key *key, size_t n, char **names)
{
    text_add(&l->effective, "replace = ");
    for (size_t i = 0; i < n; i++) {
        odeon_status status = registry_replace(l->r, names[i]);
        ODEON_TRY(location_prefix(status, key->where, "plugins"));
        text_printf(&l->effective, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    text_add(&l->effective, "\n");
    return ODEON_OK;
}

/* The list of one key, if it is given. */
static odeon_status read_list(loading *l, host_section *h, const char *name,
                              odeon_status (*use)(loading *, const document_key *, size_t, char **))
{
    const option_value *value = host_value(h, name);
    if (!value->set) {
        return ODEON_OK;
    }
    size_t n = 0;
    char **entries = NULL;
    odeon_status status = schema_split(value->text, value->where, &n, &entries);
    if (status == ODEON_OK) {
        status = use(l, document_find_key(h->source, name), n, entries);
    }
    schema_split_free(n, entries);
    return status;
}

/* What may be replaced is known before the files that may do so are loaded. */
static odeon_status read_plugins(loading *l)
{
    host_section h;
    const document_section *section = document_find(l->document, "plugins");
    odeon_status status = host_section_read(l, section, "plugins", NULL, &h);
    if (status == ODEON_OK && (host_value(&h, "load")->set || host_value(&h, "replace")->set)) {
        text_add(&l->effective, "[plugins]\n");
        status = read_list(l, &h, "replace", allow_replacements);
        status = status == ODEON_OK ? read_list(l, &h, "load", load_files) : status;
    }
    host_section_fini(&h);
    return status;
}

/* ---- [run] ---- */

/* Moves the text of an option to the caller. The option then counts as not given, so that nothing
 * prints or frees it again. */
static char *take_text(host_section *h, const char *name)
{
    option_value *value = host_value(h, name);
    char *text = value->text;
    value->text = NULL;
    value->set = false;
    return text;
}

/* The name becomes a folder below runs/, so it must stay one step of a path: no '/' and no leading
 * dot, which also keeps "." and ".." out. */
static odeon_status set_name(const loading *l, option_value *name)
{
    if (!name->set) {
        name->text = path_stem(l->document->ini);
        name->set = true;
    }
    if (name->text == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for the run's name");
    }
    return strchr(name->text, '/') == NULL && name->text[0] != '.'
               ? ODEON_OK
               : location_fail(
                     name->where, "run",
                     "name = %.100s: names a folder: without '/' and not starting with '.'",
                     name->text);
}

/* The option is a text because of `auto`. Any other text is parsed as a number by the rules of
 * every whole number, with the same words where it is none. */
static odeon_status set_workers(loading *l, const option_value *workers)
{
    char most[16];
    (void)snprintf(most, sizeof most, "%d", COLLECTIVE_MAX_WORKERS);
    const odeon_option number = {.struct_size = sizeof(odeon_option),
                                 .type = ODEON_OPTION_I64,
                                 .name = "workers",
                                 .min_text = "1",
                                 .max_text = most};
    l->c->workers = 0;
    if (strcmp(workers->text, "auto") == 0) {
        return ODEON_OK;
    }
    option_value value;
    odeon_status status =
        schema_parse(NULL, &number, workers->text, workers->where, "run", NULL, &value);
    l->c->workers = value.i;
    schema_value_clear(&value);
    return status;
}

/* Two keys say how long a run is, and a later source may say it by the other key than an earlier
 * one did. The higher level holds and the other key is dropped from the normal form; on one level
 * the two contradict each other. */
static odeon_status set_length(host_section *h)
{
    const document_key *epochs = document_find_key(h->source, "epochs");
    const document_key *iterations = document_find_key(h->source, "iterations");
    if (epochs != NULL && iterations != NULL && epochs->level == iterations->level) {
        return location_fail(
            iterations->where, "run",
            "iterations = %.40s: epochs is given too, and either says how long the "
            "run is: keep one of the two",
            iterations->value);
    }
    bool by_epochs = iterations == NULL || (epochs != NULL && epochs->level > iterations->level);
    schema_value_clear(host_value(h, by_epochs ? "iterations" : "epochs"));
    return ODEON_OK;
}

/* device = auto becomes the name of the device that it stands for, in the document, before [run] is
 * read: from there on it is an ordinary component, and the normal form repeats the run on that
 * device or fails, never on another one by accident. */
static odeon_status name_device(loading *l)
{
    document_key *key = document_find_key(document_find(l->document, "run"), "device");
    size_t n = strlen(DEVICE_AUTO);
    char *id = NULL;
    if (key == NULL || strncmp(key->value, DEVICE_AUTO, n) != 0) {
        return ODEON_OK;
    }
    const char *rest = key->value + n + strspn(key->value + n, " \t");
    if (*rest == '(') {
        return location_fail(
            key->where, "run",
            "device = %.100s: auto takes no options: name the device that has them", key->value);
    }
    if (*rest != '\0') {
        return ODEON_OK;
    }
    odeon_status status = device_auto_choose(l->r, &id);
    if (status == ODEON_OK) {
        mem_free(key->value);
        key->value = id;
        l->c->auto_device = true;
    }
    return location_prefix(status, key->where, "run");
}

/* Takes the values of [run] over. The folder `out` is left out of the normal form on purpose: a
 * rerun must not meet the folder of the first run. The name stays, so it is printed before it is
 * taken. */
static odeon_status finish_run(loading *l, host_section *h)
{
    config *c = l->c;
    ODEON_TRY(set_name(l, host_value(h, "name")));
    ODEON_TRY(set_workers(l, host_value(h, "workers")));
    ODEON_TRY(set_length(h));
    ODEON_TRY(evaluation_read(c, host_value(h, "eval_every")));
    ODEON_TRY(evaluation_read_count("run", "stop_patience", host_value(h, "stop_patience"),
                                    &c->stop_patience));
    ODEON_TRY(observer_list_read(l, h));
    c->out = take_text(h, "out"); /* a rerun must not meet the first one's folder */
    ODEON_TRY(host_section_print(&l->effective, h));
    c->name = take_text(h, "name");
    c->seed = (uint64_t)host_value(h, "seed")->i;
    c->epochs = host_value(h, "epochs")->i;
    c->iterations = host_value(h, "iterations")->i;
    c->device = host_take(h, "device");
    c->capture = host_value(h, "capture")->i != 0;
    c->dtype = host_value(h, "dtype")->i == CONFIG_F64 ? ODEON_DTYPE_F64 : ODEON_DTYPE_F32;
    c->log_every = host_value(h, "log_every")->i;
    c->checkpoint_every = host_value(h, "checkpoint_every")->i;
    c->checkpoint_seconds = host_value(h, "checkpoint_seconds")->f;
    c->eval_test = host_value(h, "eval_test")->i != 0;
    c->best_by = (int32_t)host_value(h, "best_by")->i;
    c->max_time = host_value(h, "max_time")->f;
    c->on_failure = (int32_t)host_value(h, "on_failure")->i;
    c->kernels = host_value(h, "kernels")->i != 0;
    c->patience = host_value(h, "patience")->f;
    return ODEON_OK;
}

/* ---- [data] ---- */

/* A file of data.order may name a sample more than once, so that a share of its entries could be
 * trained on all the same. */
static odeon_status check_validation(const option_value *validation, const option_value *order)
{
    return !validation->set || !order->set
               ? ODEON_OK
               : location_fail(validation->where, "data",
                               "validation = %.40s: data.order names the samples to train on: keep "
                               "one of the two",
                               validation->text);
}

/* Samples are drawn by the shuffled order, whose first ones they are. */
static odeon_status check_drawn(const option_value *drawn, const option_value *order,
                                const option_value *shuffle)
{
    if (!drawn->set || (!order->set && shuffle->i != 0)) {
        return ODEON_OK;
    }
    return location_fail(drawn->where, "data",
                         "epoch_samples = %.40s: samples drawn at random, but %s: keep one of the "
                         "two",
                         drawn->text,
                         order->set ? "data.order says which they are" : "data.shuffle is no");
}

/* test_batch defaults to batch, which a table of defaults cannot say, so it is filled in before the
 * section is printed: the normal form then says both. */
static odeon_status finish_data(loading *l, host_section *h)
{
    config *c = l->c;
    option_value *test_batch = host_value(h, "test_batch"), *batch = host_value(h, "batch");
    if (!test_batch->set) {
        test_batch->text = mem_strdup(batch->text);
        if (test_batch->text == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "out of memory for [data]");
        }
        test_batch->i = batch->i;
        test_batch->set = true;
    }
    ODEON_TRY(check_validation(host_value(h, "validation"), host_value(h, "order")));
    ODEON_TRY(check_drawn(host_value(h, "epoch_samples"), host_value(h, "order"),
                          host_value(h, "shuffle")));
    ODEON_TRY(host_section_print(&l->effective, h));
    c->dataset = host_take(h, "dataset");
    c->batch = batch->i;
    c->test_batch = test_batch->i;
    c->limit = host_value(h, "limit")->i;
    c->test_limit = host_value(h, "test_limit")->i;
    c->validation = host_value(h, "validation")->f;
    c->order = take_text(h, "order");
    c->shuffle = host_value(h, "shuffle")->i != 0;
    c->epoch_samples = host_value(h, "epoch_samples")->i;
    c->drop_last = host_value(h, "drop_last")->i != 0;
    c->on_device = (int32_t)host_value(h, "on_device")->i;
    return ODEON_OK;
}

/* ---- [train] ---- */

/* [train] begins with the values that stand in the sections. */
static odeon_status read_curves(loading *l, option_value *set)
{
    size_t n;
    char **left;
    odeon_status status = curves_read(l, set, "train", 0, &n, &left);
    if (status == ODEON_OK && n > 0) {
        status =
            location_fail(set->where, "train",
                          "set = %.100s: a value stands in its own section; here a key follows "
                          "a schedule, as KEY: SCHEDULE",
                          left[0]);
    }
    schema_split_free(n, left);
    return status;
}

/* Losses come first: they put their own normal form in the place of what was typed, which the
 * printing then finds. */
static odeon_status finish_train(loading *l, host_section *h)
{
    config *c = l->c;
    ODEON_TRY(losses_read(l, h));
    ODEON_TRY(read_curves(l, host_value(h, "set")));
    ODEON_TRY(host_section_print(&l->effective, h));
    c->optimizer = host_take(h, "optimizer");
    c->schedule = host_take(h, "schedule");
    c->weights = take_text(h, "weights");
    c->clip_norm = host_value(h, "clip_norm")->f;
    c->accumulate = host_value(h, "accumulate")->set ? host_value(h, "accumulate")->i : 1;
    c->ema = host_value(h, "ema")->f;
    return ODEON_OK;
}

/* ---- [audit] ---- */

static odeon_status finish_audit(loading *l, host_section *h)
{
    config *c = l->c;
    const option_value *every = host_value(h, "every");
    if (!every->set) {
        return h->source->n_keys == 0
                   ? ODEON_OK
                   : location_fail(
                         h->source->where, "audit",
                         "every is missing: every how many steps the gradient is audited");
    }
    c->audit_every = every->i;
    c->audit_error = host_value(h, "error")->f;
    c->audit_drift = host_value(h, "drift")->f;
    return host_section_print(&l->effective, h);
}

/* One section of the host: read by its table, handed to finish, and cleared whatever became of it.
 * finish takes what it keeps out of h. */
static odeon_status read_section(loading *l, const char *name, const char *own,
                                 odeon_status (*finish)(loading *, host_section *))
{
    host_section h;
    odeon_status status = host_section_read(l, document_find(l->document, name), name, own, &h);
    if (status == ODEON_OK) {
        status = finish(l, &h);
    }
    host_section_fini(&h);
    return status;
}

/* ---- nothing to learn from ---- */

/* Neither more nor less than which weights to take may stand in [train] of a model that is not
 * trained: any further key means that training was intended, and a forgotten loss is then worth a
 * message. */
static bool has_no_train(const document *d)
{
    const document_section *train = document_find(d, "train");
    size_t n_weights = document_find_key(train, "weights") != NULL ? 1 : 0;
    return train->n_keys == n_weights && !phases_given(d);
}

/* Without data there is nothing to train on: such an INI describes a model that is to be solved and
 * no more. */
static bool is_bare(const document *d)
{
    return document_find(d, "data")->n_keys == 0 && has_no_train(d);
}

/* Without [train]'s required keys its table cannot be used, so its one key is read by hand, with
 * the same rule for paths and the same check as if the table had done it. */
static odeon_status read_weights_alone(loading *l)
{
    config *c = l->c;
    const document_key *weights = document_find_key(document_find(l->document, "train"), "weights");
    if (weights == NULL) {
        return ODEON_OK;
    }
    c->weights = path_absolute(weights->value, weights->folder);
    if (c->weights == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for train.weights");
    }
    ODEON_TRY(schema_check_text("weights", c->weights, false, weights->where));
    text_printf(&l->effective, "\n[train]\nweights = %s\n", c->weights);
    return ODEON_OK;
}

/* ---- the whole ---- */

/* What has been written must be readable again. A section with many components on one line can grow
 * past what the reader of INI files takes once all options are written out, although every line
 * that was typed is short. */
static odeon_status check_lines(const char *text)
{
    for (const char *line = text; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        if (n > INI_FILE_MAX_LINE) {
            return diag_fail(
                ODEON_ERR_CONFIG,
                "'%.60s...' has %zu bytes with all options written out, at most %d are "
                "allowed: use more sections",
                line, n, INI_FILE_MAX_LINE);
        }
        line += n + (line[n] == '\n');
    }
    return ODEON_OK;
}

/* The text is handed over as it is. The same limits hold as for an INI that is read, since the
 * normal form is one. */
static odeon_status keep_effective(loading *l)
{
    if (l->effective.failed) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for the normal form");
    }
    ODEON_TRY(check_lines(l->effective.data));
    if (l->effective.length > INI_FILE_MAX_BYTES) {
        return diag_fail(
            ODEON_ERR_CONFIG,
            "%s: with all options written out it has %zu bytes, at most %d are allowed", l->c->ini,
            l->effective.length, INI_FILE_MAX_BYTES);
    }
    l->c->effective = l->effective.data;
    l->effective = (text_buffer){0};
    return ODEON_OK;
}

/* Each part is read and printed in the order of the normal form. A bare model has batches of one
 * sample: nothing else gives a number, and plans need one. */
static odeon_status read_all(loading *l)
{
    l->c->ini = mem_strdup(l->document->ini);
    if (l->c->ini == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for the configuration");
    }
    ODEON_TRY(read_plugins(l));
    ODEON_TRY(name_device(l));
    ODEON_TRY(read_section(l, "run", NULL, finish_run));
    bool bare = is_bare(l->document);
    bool untrained = bare || (l->untrained && has_no_train(l->document));
    l->c->batch = l->c->test_batch = 1; /* unless [data] says it */
    ODEON_TRY(bare ? ODEON_OK : read_section(l, "data", "dataset", finish_data));
    ODEON_TRY(transforms_read(l));
    if (bare && l->c->n_data_nodes > 0) {
        return location_fail(l->c->data_nodes[0]->where, NULL,
                             "[data.%s] needs a [data] whose samples it transforms",
                             l->c->data_nodes[0]->path);
    }
    ODEON_TRY(transforms_print(l, &l->effective));
    ODEON_TRY(model_read(l));
    ODEON_TRY(model_print(l, &l->effective));
    ODEON_TRY(untrained ? read_weights_alone(l)
                        : read_section(l, "train", "optimizer", finish_train));
    ODEON_TRY(phases_read(l));
    ODEON_TRY(read_section(l, "audit", NULL, finish_audit));
    ODEON_TRY(sample_keys_print(l));
    return keep_effective(l);
}

/* The document knows sections and keys but no plugins; this is how it asks where a key without a
 * section may belong. */
static odeon_status place_override(void *self, const document *d, const char *key,
                                   const char *value, char *hint, size_t bytes)
{
    config_place place;
    bool found;
    ODEON_TRY(config_find_place(self, d, NULL, key, &place, &found));
    if (found) {
        config_write_override(&place, value, hint, bytes);
    }
    return ODEON_OK;
}

/* l.effective is cleared also after success, when it has been handed over and is empty. The
 * document belongs to the configuration from the moment it exists, so that one destructor undoes
 * everything. */
static odeon_status load(registry *r, const char *ini, size_t n_overrides,
                         const char *const *overrides, bool untrained, config **out)
{
    *out = NULL;
    config *c = mem_zalloc(1, sizeof *c);
    if (c == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for the configuration");
    }
    const document_helper helper = {.self = r, .place = place_override};
    odeon_status status = document_load(ini, n_overrides, overrides, &helper, &c->document);
    if (status == ODEON_OK) {
        loading l = {.r = r, .document = c->document, .c = c, .untrained = untrained};
        status = read_all(&l);
        text_fini(&l.effective);
    }
    if (status != ODEON_OK) {
        config_destroy(c);
        return status;
    }
    *out = c;
    return ODEON_OK;
}

odeon_status config_load(registry *r, const char *ini, size_t n_overrides,
                         const char *const *overrides, config **out)
{
    return load(r, ini, n_overrides, overrides, false, out);
}

odeon_status config_load_untrained(registry *r, const char *ini, size_t n_overrides,
                                   const char *const *overrides, config **out)
{
    return load(r, ini, n_overrides, overrides, true, out);
}
