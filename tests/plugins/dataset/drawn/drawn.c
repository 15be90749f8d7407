/* drawn: samples without files for tests: F32 numbers in [-1, 1) of a given shape, I64 labels.
 * A sample depends on its index alone. */
#include "odeon/dataset.h"
#include "odeon/plugin.h"

typedef struct drawn {
    const odeon_host *host;
    const int64_t *shape;
    int32_t ndim, reserved0;
    int64_t classes, length, size; /* elements of a sample */
} drawn;

static const odeon_option shape = {.struct_size = sizeof(odeon_option),
                                   .type = ODEON_OPTION_I64_LIST,
                                   .name = "shape",
                                   .default_text = "2",
                                   .min_text = "1",
                                   .help = "of a sample"};
static const odeon_option classes = {.struct_size = sizeof(odeon_option),
                                     .type = ODEON_OPTION_I64,
                                     .name = "classes",
                                     .default_text = "2",
                                     .min_text = "1",
                                     .help = "labels are the index modulo this"};
static const odeon_option length = {.struct_size = sizeof(odeon_option),
                                    .type = ODEON_OPTION_I64,
                                    .name = "length",
                                    .default_text = "64",
                                    .min_text = "1",
                                    .help = "samples of a split"};
static const odeon_option *const options[] = {&shape, &classes, &length, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    drawn *set = host->alloc(host, sizeof *set);
    *out = set;
    if (set == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "drawn: no memory");
    }
    *set = (drawn){.host = host,
                   .classes = host->option_i64(config, "classes"),
                   .length = host->option_i64(config, "length"),
                   .size = 1};
    set->shape = host->option_list_i64(config, "shape", &set->ndim);
    for (int32_t i = 0; i < set->ndim; i++) {
        set->size *= set->shape[i];
    }
    return ODEON_OK;
}

static void destroy(void *self)
{
    drawn *set = self;
    if (set != NULL) {
        set->host->free(set->host, set);
    }
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
        out->ndim = set->ndim;
        for (int32_t i = 0; i < set->ndim && i < 5; i++) {
            out->dim[i] = set->shape[i];
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

ODEON_PLUGIN_WITH(DATASET, "drawn", &ops, "random samples of any shape", NULL, NULL, options,
                  create, destroy);
