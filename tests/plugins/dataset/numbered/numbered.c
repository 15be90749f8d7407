/* numbered: a data set without files for tests. Sample i is the input [i, split] (F32) with label
 * i % 3 (I64); the label is field 0. What it does wrong is an option. */
#include <math.h>
#include <stdbool.h>

#include "odeon/dataset.h"
#include "odeon/plugin.h"

enum {
    FAULT_NONE,
    FAULT_NO_INPUT,
    FAULT_NO_LABEL,
    FAULT_TWO_INPUTS,
    FAULT_MASK,
    FAULT_ROLE,
    FAULT_CLASSES,
    FAULT_TIMES,
    FAULT_DTYPE,
    FAULT_NDIM,
    FAULT_DIM,
    FAULT_OVERFLOW,
    FAULT_OPEN,
    FAULT_LABEL,   /* sample 4 has label 3 */
    FAULT_NAN,     /* and a NaN in its input */
    FAULT_INFINITE /* or an infinite number */
};

typedef struct numbered {
    ODEON_INSTANCE;
    int64_t length, fault, split, unreadable;
} numbered;

static const odeon_option *const options[] = {
    ODEON_OPTION(numbered, length, I64, .default_text = "10",
                 .help = "samples of the training split; the test split has half as many"),
    ODEON_OPTION(
        numbered, fault, CHOICE, .default_text = "none",
        .choices =
            "none|no_input|no_label|two_inputs|mask|role|classes|times|dtype|ndim|dim|overflow|"
            "open|label|"
            "nan|infinite",
        .help = "what is wrong with it"),
    ODEON_OPTION(numbered, unreadable, I64, .default_text = "-1",
                 .help = "a sample that cannot be had; -1: none"),
    NULL};

static int32_t field_count(void *self)
{
    const numbered *set = self;
    bool one = set->fault == FAULT_NO_INPUT || set->fault == FAULT_NO_LABEL;
    return one ? 1 : set->fault == FAULT_MASK || set->fault == FAULT_TIMES ? 3 : 2;
}

static void break_input(const numbered *set, odeon_field_info *out)
{
    switch (set->fault) {
    case FAULT_ROLE:
        out->role = ODEON_ROLE_LENGTH + 1;
        break;
    case FAULT_TIMES:
        out->ndim = out->role == ODEON_ROLE_TIME ? 0 : out->ndim;
        break;
    case FAULT_DTYPE:
        out->dtype = 77;
        break;
    case FAULT_NDIM:
        out->ndim = 6;
        break;
    case FAULT_DIM:
        out->dim[0] = 0;
        break;
    case FAULT_OVERFLOW:
        out->dim[0] = INT64_MAX / 2;
        break;
    default:
        break;
    }
}

static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const numbered *set = self;
    bool label = (index == 0 && set->fault != FAULT_NO_LABEL && set->fault != FAULT_TWO_INPUTS);
    uint32_t struct_size = out->struct_size;
    if (label) {
        *out = (odeon_field_info){
            .role = ODEON_ROLE_LABEL, .dtype = ODEON_DTYPE_I64, .classes = 3, .scale = 1.0};
        out->ndim = set->fault == FAULT_CLASSES ? 1 : 0;
        out->dim[0] = out->ndim;
    } else {
        int32_t third = set->fault == FAULT_MASK ? ODEON_ROLE_MASK : ODEON_ROLE_TIME;
        *out = (odeon_field_info){.role = index == 2 ? third : ODEON_ROLE_INPUT,
                                  .dtype = ODEON_DTYPE_F32,
                                  .ndim = 1,
                                  .dim = {2},
                                  .scale = 1.0};
        break_input(set, out);
    }
    out->name = label ? "label" : "input";
    out->struct_size = struct_size;
    return ODEON_OK;
}

static odeon_status open_split(void *self, int32_t split, int64_t *n)
{
    numbered *set = self;
    if (set->fault == FAULT_OPEN) {
        return odeon_fail(set->host, ODEON_ERR_DATA, "numbered: was told to fail");
    }
    set->split = split;
    set->length = split == ODEON_SPLIT_TRAIN ? set->length : set->length / 2;
    *n = set->length;
    return ODEON_OK;
}

static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const numbered *set = self;
    int64_t *labels = fields[0];
    float *inputs = fields[1];
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] == set->unreadable) {
            return odeon_fail(set->host, ODEON_ERR_DATA, "numbered: sample %lld is unreadable",
                              (long long)indices[i]);
        }
        labels[i] = indices[i] % 3;
        inputs[2 * i] = (float)indices[i];
        inputs[2 * i + 1] = (float)set->split;
        if (indices[i] == 4) {
            labels[i] = set->fault == FAULT_LABEL ? 3 : labels[i];
            inputs[2 * i + 1] = set->fault == FAULT_NAN        ? NAN
                                : set->fault == FAULT_INFINITE ? INFINITY
                                                               : inputs[2 * i + 1];
        }
    }
    return ODEON_OK;
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch};

ODEON_PLUGIN_OPTIONS(DATASET, "numbered", &ops, "samples that are their own numbers", NULL, NULL,
                     numbered, options, NULL, NULL);
