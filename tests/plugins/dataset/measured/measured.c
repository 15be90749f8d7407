/* measured: a data set of numbers to predict, without files. Inputs and controls are drawn from
 * [-1, 1) by the sample's index; label element j is the mean of the inputs times (j + 1), plus
 * shift. Fields stand in the order label, times, input, mask, control; those without a shape are
 * left out. Labels and inputs are F32, masks U8, times F64. */
#include <stdbool.h>

#include "odeon/dataset.h"
#include "odeon/plugin.h"

enum { MASK_NONE, MASK_SOME, MASK_NOTHING };
enum { MAX_FIELDS = 5 };

typedef struct measured {
    ODEON_INSTANCE;
    odeon_i64_list shape, label, control;
    int64_t times, length, mask, odd_one;
    double shift;
    odeon_field_info field[MAX_FIELDS];
    int32_t n_fields, reserved0;
} measured;

static const odeon_option *const options[] = {
    ODEON_OPTION(measured, shape, I64_LIST, .default_text = "3", .min_text = "1",
                 .help = "of an input"),
    ODEON_OPTION(measured, label, I64_LIST, .flags = ODEON_OPTION_OPTIONAL, .min_text = "1",
                 .help = "shape of a label; one number if not given"),
    ODEON_OPTION(measured, times, I64, .default_text = "0", .min_text = "0",
                 .help = "of a sample: 0, 0.5, 1, ...; 0: there is no such field"),
    ODEON_OPTION(measured, odd_one, I64, .default_text = "-1",
                 .help = "the one sample whose last time is another"),
    ODEON_OPTION(measured, mask, CHOICE, .default_text = "none", .choices = "none|some|nothing",
                 .help = "some: every third element of the labels counts not"),
    ODEON_OPTION(measured, control, I64_LIST, .flags = ODEON_OPTION_OPTIONAL, .min_text = "1",
                 .help = "shape of a control; there is none if not given"),
    ODEON_OPTION(measured, length, I64, .default_text = "10", .min_text = "1",
                 .help = "samples of a split"),
    ODEON_OPTION(measured, shift, F64, .default_text = "0",
                 .help = "of the labels; not in what is stored"),
    NULL};

static odeon_field_info *add(measured *set, int32_t role, uint32_t dtype)
{
    odeon_field_info *field = &set->field[set->n_fields++];
    *field = (odeon_field_info){
        .struct_size = sizeof *field, .role = role, .dtype = dtype, .scale = 1.0, .name = "field"};
    return field;
}

static void give_shape(odeon_field_info *field, odeon_i64_list dim)
{
    field->ndim = dim.n < 5 ? (int32_t)dim.n : 5;
    for (int32_t i = 0; i < field->ndim; i++) {
        field->dim[i] = dim.at[i];
    }
}

static odeon_status init(void *self)
{
    measured *set = self;
    odeon_field_info *field = add(set, ODEON_ROLE_LABEL, ODEON_DTYPE_F32);
    give_shape(field, set->label);
    field->shift = set->shift;
    if (set->times > 0) {
        give_shape(add(set, ODEON_ROLE_TIME, ODEON_DTYPE_F64), (odeon_i64_list){&set->times, 1});
    }
    give_shape(add(set, ODEON_ROLE_INPUT, ODEON_DTYPE_F32), set->shape);
    if (set->mask != MASK_NONE) {
        give_shape(add(set, ODEON_ROLE_MASK, ODEON_DTYPE_U8), set->label);
    }
    if (set->control.n > 0) {
        give_shape(add(set, ODEON_ROLE_CONTROL, ODEON_DTYPE_F32), set->control);
    }
    return ODEON_OK;
}

static int32_t field_count(void *self)
{
    const measured *set = self;
    return set->n_fields;
}

static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const measured *set = self;
    *out = set->field[index];
    return ODEON_OK;
}

static odeon_status open_split(void *self, int32_t split, int64_t *n)
{
    const measured *set = self;
    (void)split;
    *n = set->length;
    return ODEON_OK;
}

/* splitmix64: Steele, Lea, Flood, Fast splittable pseudorandom number generators, 2014 */
static float number(uint64_t counter)
{
    uint64_t z = (counter + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-23f - 1.0f;
}

static int64_t size_of(const odeon_field_info *info)
{
    int64_t n = 1;
    for (int32_t i = 0; i < info->ndim; i++) {
        n *= info->dim[i];
    }
    return n;
}

static const odeon_field_info *input_of(const measured *set)
{
    return &set->field[set->times > 0 ? 2 : 1];
}

static float mean_of_inputs(const measured *set, int64_t index)
{
    int64_t n = size_of(input_of(set));
    float mean = 0.0f;
    for (int64_t i = 0; i < n; i++) {
        mean += number((uint64_t)(index * n + i)) / (float)n;
    }
    return mean;
}

/* One sample's inputs, controls or labels [size]. */
static void put_numbers(const measured *set, int32_t role, int64_t index, int64_t size, float *to)
{
    bool drawn = role == ODEON_ROLE_INPUT || role == ODEON_ROLE_CONTROL;
    uint64_t first = (uint64_t)(index * size) + (role == ODEON_ROLE_CONTROL ? 1000000u : 0u);
    float mean = drawn ? 0.0f : mean_of_inputs(set, index);
    for (int64_t j = 0; j < size; j++) {
        to[j] = drawn ? number(first + (uint64_t)j) : mean * (float)(j + 1);
    }
}

static double time_of(const measured *set, int64_t index, int64_t j)
{
    bool odd = index == set->odd_one && j == set->times - 1;
    return 0.5 * (double)j + (odd ? 0.25 : 0.0);
}

static uint8_t counts(const measured *set, int64_t index, int64_t j)
{
    return set->mask == MASK_SOME && (index + j) % 3 != 1;
}

/* One sample's field [size], the i-th of a batch. */
static void put_field(const measured *set, int32_t role, int64_t index, int64_t size, int64_t i,
                      void *batch)
{
    if (role != ODEON_ROLE_TIME && role != ODEON_ROLE_MASK) {
        put_numbers(set, role, index, size, (float *)batch + i * size);
        return;
    }
    for (int64_t j = 0; j < size; j++) {
        if (role == ODEON_ROLE_TIME) {
            ((double *)batch)[i * size + j] = time_of(set, index, j);
        } else {
            ((uint8_t *)batch)[i * size + j] = counts(set, index, j);
        }
    }
}

static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const measured *set = self;
    for (int32_t f = 0; f < set->n_fields; f++) {
        int64_t size = size_of(&set->field[f]);
        for (int64_t i = 0; i < n; i++) {
            put_field(set, set->field[f].role, indices[i], size, i, fields[f]);
        }
    }
    return ODEON_OK;
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch};

ODEON_PLUGIN_OPTIONS(DATASET, "measured", &ops,
                     "numbers to predict, with times, masks and controls", NULL, NULL, measured,
                     options, init, NULL);
