/* drawn: samples without files for tests: F32 numbers in [-1, 1) of a given shape, I64 labels.
 * A sample depends on its index alone. */
#include "odeon/dataset.h"
#include "odeon/plugin.h"

typedef struct drawn {
    ODEON_INSTANCE;
    odeon_i64_list shape;
    int64_t classes, length, size; /* elements of a sample */
} drawn;

static const odeon_option *const options[] = {
    ODEON_OPTION(drawn, shape, I64_LIST, .default_text = "2", .min_text = "1",
                 .help = "of a sample"),
    ODEON_OPTION(drawn, classes, I64, .default_text = "2", .min_text = "1",
                 .help = "labels are the index modulo this"),
    ODEON_OPTION(drawn, length, I64, .default_text = "64", .min_text = "1",
                 .help = "samples of a split"),
    NULL};

static odeon_status init(void *self)
{
    drawn *set = self;
    set->size = 1;
    for (int64_t i = 0; i < set->shape.n; i++) {
        set->size *= set->shape.at[i];
    }
    return ODEON_OK;
}

static int32_t field_count(void *self)
{
    (void)self;
    return 2;
}

static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const drawn *set = self;
    if (index == 0) {
        out->role = ODEON_ROLE_INPUT;
        out->dtype = ODEON_DTYPE_F32;
        out->ndim = (int32_t)set->shape.n;
        for (int64_t i = 0; i < set->shape.n && i < 5; i++) {
            out->dim[i] = set->shape.at[i];
        }
    } else {
        out->role = ODEON_ROLE_LABEL;
        out->dtype = ODEON_DTYPE_I64;
        out->classes = set->classes;
    }
    out->name = index == 0 ? "image" : "label";
    out->scale = 1.0;
    return ODEON_OK;
}

static odeon_status open_split(void *self, int32_t split, int64_t *n)
{
    const drawn *set = self;
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

static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const drawn *set = self;
    float *images = fields[0];
    int64_t *labels = fields[1];
    for (int64_t i = 0; i < n; i++) {
        labels[i] = indices[i] % set->classes;
        for (int64_t j = 0; j < set->size; j++) {
            images[i * set->size + j] = number((uint64_t)(indices[i] * set->size + j));
        }
    }
    return ODEON_OK;
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch};

ODEON_PLUGIN_OPTIONS(DATASET, "drawn", &ops, "random samples of any shape", NULL, NULL, drawn,
                     options, init, NULL);
