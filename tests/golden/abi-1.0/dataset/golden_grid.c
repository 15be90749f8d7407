/* golden_grid: vectors of small fractions by index, with classes or numbers to predict, times and a
 * mask where they are asked for, kept as a binary (../README.md). */
#include "odeon/dataset.h"
#include "odeon/plugin.h"

#ifndef GOLDEN_FLAGS
#define GOLDEN_FLAGS 0
#endif

enum { MAX_FIELDS = 4 };

typedef struct grid {
    ODEON_INSTANCE;
    odeon_i64_list shape;
    int64_t length, classes;
    const char *name;
    odeon_choice source;
    double spread;
    int64_t size, n_fields;
    int64_t *row; /* [length]: the order of the samples */
    odeon_field_info *field;
} grid;

static const odeon_option *const options[] = {
    ODEON_OPTION(grid, shape, I64_LIST, .default_text = "3", .min_text = "1",
                 .help = "of a sample"),
    ODEON_OPTION(grid, length, I64, .default_text = "32", .min_text = "1", .max_text = "100000",
                 .help = "samples of a split"),
    ODEON_OPTION(grid, classes, SIZE, .flags = ODEON_OPTION_OPTIONAL,
                 .help = "of labels; numbers in their place if not given"),
    ODEON_OPTION(grid, name, STRING, .default_text = "x", .help = "of the input"),
    ODEON_OPTION(grid, source, CHOICE_PATH, .default_text = "made", .choices = "made|file(path)",
                 .help = "where the numbers come from; no file is read"),
    ODEON_OPTION(grid, spread, F64, .flags = ODEON_OPTION_OPEN_MIN, .default_text = "0.125",
                 .min_text = "0", .help = "distance of two numbers"),
    NULL};

static odeon_field_info *add(grid *set, int32_t role, uint32_t dtype, const char *name)
{
    odeon_field_info *field = &set->field[set->n_fields++];
    *field = (odeon_field_info){
        .struct_size = sizeof *field, .role = role, .dtype = dtype, .scale = 1.0, .name = name};
    return field;
}

static void give_shape(odeon_field_info *field, odeon_i64_list dim)
{
    field->ndim = (int32_t)dim.n;
    for (int64_t i = 0; i < dim.n; i++) {
        field->dim[i] = dim.at[i];
    }
}

static odeon_status init(void *self)
{
    grid *set = self;
    const odeon_host *host = set->host;
    if (set->source.index != 0 || set->shape.n > 5) {
        return host->fail(host, ODEON_ERR_CONFIG, "golden_grid: a file, or too many dimensions");
    }
    set->row = host->alloc(host, (uint64_t)set->length * sizeof *set->row);
    set->field = host->alloc(host, MAX_FIELDS * sizeof *set->field);
    if (set->row == NULL || set->field == NULL) {
        return host->fail(host, ODEON_ERR_NOMEM, "golden_grid: no memory");
    }
    set->size = 1;
    for (int64_t i = 0; i < set->shape.n; i++) {
        set->size *= set->shape.at[i];
    }
    for (int64_t i = 0; i < set->length; i++) {
        set->row[i] = set->length - 1 - i;
    }
    odeon_field_info *input = add(set, ODEON_ROLE_INPUT, ODEON_DTYPE_U8, set->name);
    give_shape(input, set->shape);
    input->scale = set->spread;
    input->shift = -set->spread;
    input->flags = GOLDEN_FLAGS;
    if (host->option_given(host, "classes") != 0) {
        add(set, ODEON_ROLE_LABEL, ODEON_DTYPE_I64, "class")->classes = set->classes;
        return ODEON_OK;
    }
    give_shape(add(set, ODEON_ROLE_LABEL, ODEON_DTYPE_F64, "y"), set->shape);
    give_shape(add(set, ODEON_ROLE_MASK, ODEON_DTYPE_U8, "counts"), set->shape);
    return host->get_extension(host, "golden.none/1") == NULL ? ODEON_OK : ODEON_ERR_INTERNAL;
}

static void fini(void *self)
{
    grid *set = self;
    set->host->free(set->host, set->row);
    set->host->free(set->host, set->field);
}

static int32_t field_count(void *self)
{
    return (int32_t)((const grid *)self)->n_fields;
}

static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const grid *set = self;
    const uint32_t bytes = out->struct_size; /* of an older host less than are here */
    for (uint32_t i = 0; i < bytes && i < sizeof *out; i++) {
        ((unsigned char *)out)[i] = ((const unsigned char *)&set->field[index])[i];
    }
    out->struct_size = bytes;
    return ODEON_OK;
}

static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    const grid *set = self;
    set->host->log(set->host, ODEON_LOG_DEBUG, "golden_grid: opened");
    *length = split == ODEON_SPLIT_TRAIN ? set->length : (set->length + 1) / 2;
    return ODEON_OK;
}

static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const grid *set = self;
    uint8_t *x = fields[0];
    for (int64_t i = 0; i < n; i++) {
        int64_t row = set->row[indices[i]], sum = 0;
        for (int64_t j = 0; j < set->size; j++) {
            int64_t value = (row * (j + 2) + j) % 17;
            x[i * set->size + j] = (uint8_t)value;
            sum += value;
        }
        if (set->n_fields == 2) {
            ((int64_t *)fields[1])[i] = sum % set->classes;
            continue;
        }
        for (int64_t j = 0; j < set->size; j++) {
            ((double *)fields[1])[i * set->size + j] = (double)(sum + j) / 32.0;
            ((uint8_t *)fields[2])[i * set->size + j] = (row + j) % 5 != 0;
        }
    }
    return ODEON_OK;
}

static int64_t row(void *self, int64_t index)
{
    return ((const grid *)self)->row[index];
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch,
                                      .row = row};

ODEON_PLUGIN_OPTIONS(DATASET, "golden_grid", &ops, "small fractions by index", NULL, NULL, grid,
                     options, init, fini);
