#include "command/view_model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/temporary.h"
#include "base/text.h"
#include "command/setup.h"
#include "format/ini_file.h"
#include "format/run_folder.h"
#include "odeon/dataset.h"
#include "odeon/layer.h"
#include "run/predict.h"
#include "run/solve.h"
#include "session/describe.h"
#include "session/flow.h"
#include "session/parameters.h"
#include "session/placement.h"
#include "session/run_batch.h"

/* What a tensor of an answer points to. */
typedef struct tensor_memory {
    char *name;
    double *value, *gradient;
} tensor_memory;

/* What was computed for one question. Predictions of a whole split are kept, since a page asks for
 * them more than once. */
struct view_answer {
    view_answer *next;
    bool is_split;
    int32_t split, n_classes;
    const odeon_view_run *run;
    solution states;
    predictions outputs;
    double *values, *labels, *times;
    int64_t *rows;
    size_t n_tensors;
    odeon_view_tensor *tensors; /* [n_tensors] */
    tensor_memory *memory;      /* [n_tensors] */
};

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "views: no memory");
}

static void answer_destroy(view_answer *a)
{
    solution_fini(&a->states);
    predictions_fini(&a->outputs);
    mem_free(a->values);
    mem_free(a->labels);
    mem_free(a->times);
    mem_free(a->rows);
    for (size_t i = 0; i < a->n_tensors; i++) {
        mem_free(a->memory[i].name);
        mem_free(a->memory[i].value);
        mem_free(a->memory[i].gradient);
    }
    mem_free(a->tensors);
    mem_free(a->memory);
    mem_free(a);
}

void view_model_release_since(view_models *s, const view_answer *before)
{
    view_answer **next = &s->answers;
    while (*next != before) {
        view_answer *a = *next;
        if (a->is_split) {
            next = &a->next;
            continue;
        }
        *next = a->next;
        answer_destroy(a);
    }
}

void view_model_release(view_models *s, bool all)
{
    view_answer **next = &s->answers;
    while (*next != NULL) {
        view_answer *a = *next;
        if (a->is_split && !all) {
            next = &a->next;
            continue;
        }
        *next = a->next;
        answer_destroy(a);
    }
}

static odeon_status add_answer(view_models *s, view_answer **out)
{
    view_answer *a = *out = mem_zalloc(1, sizeof *a);
    if (a == NULL) {
        return no_memory();
    }
    a->next = s->answers;
    s->answers = a;
    return ODEON_OK;
}

/* ---- the model ---- */

/* A model with its samples: source, or in, or neither. */
typedef struct model {
    setup setup;
    data_source *source;
    int64_t *order; /* of the source's samples */
    predict_input in;
    bool has_input;
} model;

static void model_close(model *m)
{
    data_close(m->source);
    mem_free(m->order);
    predict_input_fini(&m->in);
    setup_close(&m->setup);
}

static bool is_left_out(const odeon_view_ask *ask, const char *section, const char *key)
{
    size_t n = strlen(section);
    for (int64_t i = 0; i < ask->n_without; i++) {
        const char *name = ask->without[i];
        if (strncmp(name, section, n) == 0 && name[n] == '.' && strcmp(name + n + 1, key) == 0) {
            return true;
        }
    }
    return false;
}

/* The run's normal form without some keys: an override can set a key and cannot remove one. */
static odeon_status print_ini(const odeon_view_run *run, const odeon_view_ask *ask,
                              text_buffer *out)
{
    char *path = mem_printf("%s/" RUN_FOLDER_INI, run->folder);
    size_t budget = INI_FILE_MAX_BYTES;
    ini_file *file = NULL;
    odeon_status status = path != NULL ? ini_file_read(path, path, &budget, &file) : no_memory();
    for (size_t i = 0; status == ODEON_OK && i < file->n_sections; i++) {
        const ini_section *s = &file->sections[i];
        if (s->name[0] != '\0') {
            text_printf(out, "[%s]\n", s->name);
        }
        for (size_t k = 0; k < s->n_keys; k++) {
            if (!is_left_out(ask, s->name, s->keys[k].name)) {
                text_printf(out, "%s = %s\n", s->keys[k].name, s->keys[k].value);
            }
        }
    }
    ini_file_destroy(file);
    mem_free(path);
    return status;
}

/* Loads that form from a file that is gone afterwards. */
static odeon_status open_edited(const view_models *s, const odeon_view_ask *ask,
                                const command_line *a, setup *out)
{
    text_buffer text = {0};
    char *path = NULL;
    *out = (setup){.registry = NULL};
    odeon_status status = print_ini(s->runs[ask->run], ask, &text);
    if (status == ODEON_OK && text.failed) {
        status = no_memory();
    }
    if (status == ODEON_OK) {
        status = temporary_file(text.data, text.length, &path);
    }
    if (status == ODEON_OK) {
        status = setup_open_ini(a, path, out);
        (void)unlink(path);
    }
    mem_free(path);
    text_fini(&text);
    return status;
}

/* The command line that would ask for the same: the run's folder, whose weights are named for the
 * case that its INI is another, with overrides. */
static odeon_status open_setup(const view_models *s, const odeon_view_ask *ask, setup *out)
{
    size_t n = (size_t)ask->n_overrides;
    const char *folder = s->runs[ask->run]->folder;
    const char **operands = mem_zalloc(n + 2, sizeof *operands);
    char *weights = mem_printf("train.weights=%s", folder);
    odeon_status status = operands != NULL && weights != NULL ? ODEON_OK : no_memory();
    *out = (setup){.registry = NULL};
    if (status == ODEON_OK) {
        operands[0] = folder;
        operands[1] = weights;
        for (size_t i = 0; i < n; i++) {
            operands[2 + i] = ask->override[i];
        }
        command_line a = *s->line;
        memset(a.value, 0, sizeof a.value);
        a.operands = operands;
        a.n_operands = 2 + n;
        status = ask->n_without > 0 ? open_edited(s, ask, &a, out) : setup_open_model(&a, out);
    }
    mem_free(operands);
    mem_free(weights);
    return status;
}

/* The first n samples as they are stored, whatever the order of training. */
static odeon_status open_split(model *m, const odeon_view_ask *ask)
{
    config *c = m->setup.config;
    int64_t *limit = ask->split == ODEON_SPLIT_TRAIN ? &c->limit : &c->test_limit;
    c->shuffle = false;
    *limit = ask->n > 0 && (*limit == 0 || ask->n < *limit) ? ask->n : *limit;
    ODEON_TRY(data_open(c, ask->split, &m->source));
    m->order = mem_zalloc((size_t)data_length(m->source), sizeof *m->order);
    return m->order != NULL ? data_order(m->source, 0, 0, m->order) : no_memory();
}

/* Numbers that the model takes; a sample's own times, where the data set has them, are 0, 1, 2, ...
 */
static odeon_status take_values(model *m, const odeon_view_ask *ask)
{
    const data_fields *fields = session_fields(m->setup.session);
    odeon_shape input = session_input(m->setup.session);
    odeon_shape time = data_field_shape(fields, ODEON_ROLE_TIME, 1, ODEON_DTYPE_F64);
    size_t size = (size_t)odeon_count(&input), n = (size_t)ask->n;
    double *x = mem_zalloc(n * size, sizeof *x);
    m->has_input = true;
    m->in.n = ask->n;
    m->in.field[ODEON_ROLE_INPUT] = x;
    if (x == NULL) {
        return no_memory();
    }
    memcpy(x, ask->value, n * size * sizeof *x);
    if (!data_has(fields, ODEON_ROLE_TIME)) {
        return ODEON_OK;
    }
    size_t n_times = (size_t)odeon_count(&time);
    double *t = m->in.field[ODEON_ROLE_TIME] = mem_zalloc(n * n_times, sizeof *t);
    for (size_t i = 0; i < n * n_times && t != NULL; i++) {
        t[i] = (double)(i % n_times);
    }
    return t != NULL ? ODEON_OK : no_memory();
}

typedef odeon_status (*session_maker)(setup *s);

static odeon_status model_open(const view_models *s, const odeon_view_ask *ask, session_maker make,
                               model *m)
{
    *m = (model){.source = NULL};
    ODEON_TRY(open_setup(s, ask, &m->setup));
    if (ask->value == NULL && m->setup.config->dataset != NULL) {
        ODEON_TRY(open_split(m, ask));
    }
    ODEON_TRY(make != NULL ? make(&m->setup) : ODEON_OK);
    return ask->value != NULL ? take_values(m, ask) : ODEON_OK;
}

static odeon_status give_rows(const model *m, view_answer *a, odeon_view_answer *out)
{
    if (m->source == NULL) {
        return ODEON_OK;
    }
    a->rows = mem_zalloc((size_t)out->n, sizeof *a->rows);
    for (int64_t i = 0; i < out->n && a->rows != NULL; i++) {
        a->rows[i] = data_row(m->source, m->order[i]);
    }
    out->row = a->rows;
    return a->rows != NULL ? ODEON_OK : no_memory();
}

/* Of the samples of a split; a class is one number. */
static odeon_status give_labels(const model *m, view_answer *a, odeon_view_answer *out)
{
    const data_fields *fields = m->source != NULL ? data_source_fields(m->source) : NULL;
    if (fields == NULL || !data_has(fields, ODEON_ROLE_LABEL)) {
        return ODEON_OK;
    }
    const odeon_field_info *label = &fields->of[ODEON_ROLE_LABEL];
    out->n_classes = (int32_t)label->classes;
    out->label_size = label->classes > 0 ? 1 : data_field_size(label);
    a->labels = mem_zalloc((size_t)(out->n * out->label_size), sizeof *a->labels);
    out->label = a->labels;
    return a->labels != NULL ? data_labels(m->source, out->n, m->order, a->labels) : no_memory();
}

/* ---- services ---- */

static odeon_status solve(view_models *s, model *m, odeon_view_answer *out)
{
    view_answer *a;
    ODEON_TRY(add_answer(s, &a));
    ODEON_TRY(solve_run(m->setup.session, m->has_input ? &m->in : NULL, m->source,
                        m->setup.config->test_batch > 0 ? m->setup.config->test_batch : 1,
                        &a->states));
    *out = (odeon_view_answer){.struct_size = sizeof *out,
                               .n = a->states.n,
                               .n_times = a->states.n_times,
                               .size = a->states.size,
                               .time = a->states.times,
                               .value = a->states.states};
    ODEON_TRY(give_rows(m, a, out));
    return give_labels(m, a, out);
}

static void give_outputs(const view_answer *a, odeon_view_answer *out)
{
    const predictions *p = &a->outputs;
    *out = (odeon_view_answer){.struct_size = sizeof *out,
                               .n_classes = a->n_classes,
                               .n = p->n,
                               .n_times = 1,
                               .size = p->size,
                               .label_size = p->truth != NULL ? p->truth_size : 0,
                               .value = p->output,
                               .label = p->truth,
                               .row = p->rows};
}

static bool is_whole_split(const odeon_view_ask *ask)
{
    return ask->value == NULL && ask->n == 0 && ask->n_overrides == 0 && ask->n_without == 0;
}

static odeon_status predict(view_models *s, const odeon_view_ask *ask, model *m,
                            odeon_view_answer *out)
{
    view_answer *a;
    ODEON_TRY(add_answer(s, &a));
    ODEON_TRY(predict_run(m->setup.session, m->has_input ? &m->in : NULL, m->source,
                          m->setup.config->test_batch, &a->outputs));
    a->n_classes = (int32_t)session_fields(m->setup.session)->of[ODEON_ROLE_LABEL].classes;
    a->is_split = is_whole_split(ask);
    a->run = s->runs[ask->run];
    a->split = ask->split;
    give_outputs(a, out);
    return ODEON_OK;
}

static odeon_status check_run(const view_models *s, const odeon_view_ask *ask)
{
    return ask->run >= 0 && ask->run < s->n_runs
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN, "views: there is no run %lld to ask",
                           (long long)ask->run);
}

odeon_status view_model_solve(void *self, const odeon_view_ask *ask, odeon_view_answer *out)
{
    model m;
    ODEON_TRY(check_run(self, ask));
    odeon_status status = model_open(self, ask, setup_flow, &m);
    if (status == ODEON_OK) {
        status = solve(self, &m, out);
    }
    model_close(&m);
    return status;
}

/* [evaluations, samples, size] as answers have it, [samples, evaluations, size]. */
static odeon_status give_points(const field_points *p, int64_t n, view_answer *a,
                                odeon_view_answer *out)
{
    int64_t size = p->size / n;
    a->values = mem_zalloc((size_t)(p->n * p->size), sizeof *a->values);
    a->times = mem_zalloc((size_t)(p->n * n), sizeof *a->times);
    if (a->values == NULL || a->times == NULL) {
        return no_memory();
    }
    for (int64_t i = 0; i < p->n * n; i++) {
        int64_t sample = i / p->n, at = i % p->n;
        a->times[i] = p->t[at];
        memcpy(a->values + i * size, p->y + at * p->size + sample * size,
               (size_t)size * sizeof *a->values);
    }
    *out = (odeon_view_answer){.struct_size = sizeof *out,
                               .n = n,
                               .n_times = p->n,
                               .size = size,
                               .time = a->times,
                               .value = a->values};
    return ODEON_OK;
}

static odeon_status solve_listed(view_models *s, model *m, field_points *points,
                                 odeon_view_answer *out)
{
    view_answer *a;
    ODEON_TRY(add_answer(s, &a));
    ODEON_TRY(session_list_points(m->setup.session, points));
    ODEON_TRY(solve_run(m->setup.session, m->has_input ? &m->in : NULL, m->source, INT64_MAX,
                        &a->states));
    return give_points(points, a->states.n, a, out);
}

odeon_status view_model_evaluations(void *self, const odeon_view_ask *ask, odeon_view_answer *out)
{
    model m = {.source = NULL};
    field_points points = {.n = 0};
    odeon_view_ask alone = *ask;
    ODEON_TRY(check_run(self, ask));
    const char **override = mem_zalloc((size_t)ask->n_overrides + 1, sizeof *override);
    odeon_status status = override != NULL ? ODEON_OK : no_memory();
    if (status == ODEON_OK) {
        if (ask->n_overrides > 0) {
            memcpy(override, ask->override, (size_t)ask->n_overrides * sizeof *override);
        }
        override[alone.n_overrides++] = "run.workers=1";
        alone.override = override;
        status = model_open(self, &alone, setup_flow, &m);
    }
    if (status == ODEON_OK) {
        status = solve_listed(self, &m, &points, out);
    }
    model_close(&m);
    field_points_fini(&points);
    mem_free(override);
    return status;
}

odeon_status view_model_predict(void *self, const odeon_view_ask *ask, odeon_view_answer *out)
{
    model m;
    const view_models *s = self;
    ODEON_TRY(check_run(s, ask));
    for (const view_answer *a = s->answers; a != NULL && is_whole_split(ask); a = a->next) {
        if (a->is_split && a->run == s->runs[ask->run] && a->split == ask->split) {
            give_outputs(a, out);
            return ODEON_OK;
        }
    }
    odeon_status status = model_open(self, ask, setup_session, &m);
    if (status == ODEON_OK && m.setup.config->dataset == NULL) {
        status = diag_fail(ODEON_ERR_CONFIG, "the run has no [data]");
    }
    if (status == ODEON_OK) {
        status = predict(self, ask, &m, out);
    }
    model_close(&m);
    return status;
}

/* Samples pass as the data set stores them, a byte or a double each, and become the numbers that
 * they stand for. */
static odeon_status read_samples(view_models *s, const model *m, const int64_t *index,
                                 odeon_view_answer *out)
{
    const data_fields *fields = data_source_fields(m->source);
    const odeon_field_info *input = &fields->of[ODEON_ROLE_INPUT];
    void *memory[DATA_ROLES] = {NULL};
    view_answer *a;
    odeon_status status = add_answer(s, &a);
    for (int32_t role = 0; role < DATA_ROLES && status == ODEON_OK; role++) {
        if (data_has(fields, role)) {
            memory[role] = mem_zalloc((size_t)out->n, data_field_bytes(fields, role));
            status = memory[role] != NULL ? ODEON_OK : no_memory();
        }
    }
    if (status == ODEON_OK) {
        status = data_batch(m->source, out->n, index, memory);
    }
    if (status == ODEON_OK) {
        out->size = data_field_size(input);
        a->values = mem_zalloc((size_t)(out->n * out->size), sizeof *a->values);
        status = a->values != NULL ? ODEON_OK : no_memory();
    }
    if (status == ODEON_OK) {
        data_field_values(input, out->n, memory[ODEON_ROLE_INPUT], a->values);
        out->value = a->values;
        out->ndim = input->ndim < 5 ? input->ndim : 5;
        memcpy(out->dim, input->dim, (size_t)out->ndim * sizeof *out->dim);
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(memory[role]);
    }
    return status;
}

odeon_status view_model_samples(void *self, const odeon_view_ask *ask, const int64_t *index,
                                odeon_view_answer *out)
{
    odeon_view_ask all = *ask;
    model m;
    ODEON_TRY(check_run(self, ask));
    all.n = 0;
    all.value = NULL;
    *out = (odeon_view_answer){.struct_size = sizeof *out, .n = ask->n, .n_times = 1};
    odeon_status status = model_open(self, &all, NULL, &m);
    if (status == ODEON_OK && m.source == NULL) {
        status = diag_fail(ODEON_ERR_CONFIG, "the run has no [data]");
    }
    for (int64_t i = 0; i < ask->n && status == ODEON_OK; i++) {
        if (index[i] < 0 || index[i] >= data_length(m.source)) {
            status = diag_fail(ODEON_ERR_PLUGIN, "views: a split has no sample %lld",
                               (long long)index[i]);
        }
    }
    if (status == ODEON_OK) {
        status = read_samples(self, &m, index, out);
    }
    model_close(&m);
    return status;
}

/* ---- parameters ---- */

/* Running state has no gradient. */
static odeon_status take_tensor(session *s, size_t index, bool gradients, tensor_memory *memory,
                                odeon_view_tensor *out)
{
    session_parameter p = session_parameter_at(s, index);
    bool wanted = gradients && p.role != ODEON_PARAM_STATE;
    size_t n = (size_t)p.count;
    memory->name = mem_strdup(p.path);
    memory->value = mem_zalloc(n, sizeof(double));
    memory->gradient = wanted ? mem_zalloc(n, sizeof(double)) : NULL;
    if (memory->name == NULL || memory->value == NULL || (wanted && memory->gradient == NULL)) {
        return no_memory();
    }
    *out = (odeon_view_tensor){
        .name = memory->name, .n = p.count, .value = memory->value, .gradient = memory->gradient};
    ODEON_TRY(session_parameter_get(s, index, memory->value));
    return wanted ? session_gradient_get(s, index, memory->gradient) : ODEON_OK;
}

static odeon_status take_tensors(view_models *s, const model *m, view_answer **out)
{
    session *network = m->setup.session;
    size_t n = session_parameters(network);
    session_result result;
    view_answer *a;
    ODEON_TRY(add_answer(s, &a));
    *out = a;
    a->tensors = mem_zalloc(n + 1, sizeof *a->tensors);
    a->memory = mem_zalloc(n + 1, sizeof *a->memory);
    if (a->tensors == NULL || a->memory == NULL) {
        return no_memory();
    }
    bool gradients = m->source != NULL;
    if (gradients) {
        ODEON_TRY(session_differentiate_samples(network, m->source, data_length(m->source),
                                                m->order, &result));
    }
    for (size_t i = 0; i < n; i++) {
        a->n_tensors++;
        ODEON_TRY(take_tensor(network, i, gradients, &a->memory[i], &a->tensors[i]));
    }
    return ODEON_OK;
}

/* One batch of the configuration, unless fewer samples are wanted. */
odeon_status view_model_parameters(void *self, const odeon_view_ask *ask, int64_t *n,
                                   const odeon_view_tensor **out)
{
    view_models *s = self;
    odeon_view_ask batch = {.struct_size = sizeof batch, .split = ask->split, .run = ask->run};
    view_answer *a = NULL;
    model m = {.source = NULL};
    ODEON_TRY(check_run(s, ask));
    odeon_status status = open_setup(s, &batch, &m.setup);
    if (status == ODEON_OK && m.setup.config->dataset != NULL) {
        int64_t most = m.setup.config->batch;
        batch.n = ask->n > 0 && ask->n < most ? ask->n : most;
        status = open_split(&m, &batch);
    }
    if (status == ODEON_OK) {
        status = setup_session(&m.setup);
    }
    if (status == ODEON_OK) {
        status = take_tensors(s, &m, &a);
    }
    *n = status == ODEON_OK ? (int64_t)a->n_tensors : 0;
    *out = status == ODEON_OK ? a->tensors : NULL;
    model_close(&m);
    return status;
}
