/* spheres: points of two concentric shells, which no flow of the plane can separate by a line.
 *
 * Point i of a shell is r d with r = (outer edge - inner edge) u^(1/dim) + inner edge, u uniform in
 * [0, 1), and d a random direction. It depends on seed, split, shell and i alone (random.h), so no
 * points are stored: a batch is generated again each time, with the same result. */
#include <math.h>
#include <stdbool.h>

#include "../common/random.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"

enum { FIELD_POINT = 0, FIELD_LABEL = 1, N_FIELDS = 2 };
enum { INNER = 0, OUTER = 1, N_SHELLS = 2 };
enum { LABEL_SIGN = 0, LABEL_CLASS = 1 }; /* in the order of the choices */

/* Parameters only; n [shell] are the points of the open split. */
typedef struct spheres {
    const odeon_host *host;
    int64_t dim;
    double edge[N_SHELLS][2];
    int64_t n_train[N_SHELLS];
    double test_share;
    uint64_t seed;
    int32_t label;
    int32_t split; /* -1 before open */
    int64_t n[N_SHELLS];
} spheres;

static const odeon_option dim = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "dim",
    .aliases = "dimension|dims|d|ndim",
    .default_text = "2",
    .min_text = "1",
    .max_text = "65536",
    .help = "coordinates of a point",
};
static const odeon_option inner = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64_LIST,
    .name = "inner",
    .default_text = "0 0.5",
    .min_text = "0",
    .help = "least and largest radius of the inner shell",
};
static const odeon_option outer = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64_LIST,
    .name = "outer",
    .default_text = "1 1.5",
    .min_text = "0",
    .help = "least and largest radius of the outer shell",
};
static const odeon_option n_inner = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "n_inner",
    .default_text = "1000",
    .min_text = "1",
    .max_text = "1000000000",
    .help = "points of the inner shell to train on",
    .unit = "points",
};
static const odeon_option n_outer = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "n_outer",
    .default_text = "2000",
    .min_text = "1",
    .max_text = "1000000000",
    .help = "points of the outer shell to train on",
    .unit = "points",
};
static const odeon_option test_share = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MIN,
    .name = "test_share",
    .default_text = "0.2",
    .min_text = "0",
    .max_text = "1",
    .help = "further points to test on, for every point to train on; at least one a shell",
};
static const odeon_option seed = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "seed",
    .default_text = "0",
    .min_text = "0",
    .help = "another seed draws other points; the seed of the run does not matter",
};
static const odeon_option label = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "label",
    .default_text = "sign",
    .choices = "sign|class",
    .help =
        "what the shell is to be learned as: a number, -1 inside and 1 outside, or class 0 and 1",
};
static const odeon_option *const options[] = {&dim,        &inner, &outer, &n_inner, &n_outer,
                                              &test_share, &seed,  &label, NULL};

static odeon_status read_shell(const odeon_host *host, const odeon_config *config, const char *name,
                               double edge[2])
{
    int32_t n;
    const double *radius = host->option_list_f64(config, name, &n);
    if (n != 2 || !(radius[0] <= radius[1]) || !(radius[1] > 0.0)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "%s: expected two radii, the least first, the largest above 0", name);
    }
    edge[0] = radius[0];
    edge[1] = radius[1];
    return ODEON_OK;
}

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    spheres made = {
        .host = host,
        .dim = host->option_i64(config, "dim"),
        .n_train = {host->option_i64(config, "n_inner"), host->option_i64(config, "n_outer")},
        .test_share = host->option_f64(config, "test_share"),
        .seed = (uint64_t)host->option_i64(config, "seed"),
        .label = (int32_t)host->option_i64(config, "label"),
        .split = -1};
    ODEON_TRY(read_shell(host, config, "inner", made.edge[INNER]));
    ODEON_TRY(read_shell(host, config, "outer", made.edge[OUTER]));
    spheres *set = host->alloc(host, sizeof *set);
    if (set == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "spheres: no memory for %zu bytes", sizeof *set);
    }
    *set = made;
    *out = set;
    return ODEON_OK;
}

static void destroy(void *self)
{
    spheres *set = self;
    if (set != NULL) {
        set->host->free(set->host, set);
    }
}

static int32_t field_count(void *self)
{
    (void)self;
    return N_FIELDS;
}

/* Point F64 [dim]; label F32 [1], a sign, or U8, a class. */
static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const spheres *set = self;
    odeon_field_info made = {.struct_size = out->struct_size,
                             .role = ODEON_ROLE_INPUT,
                             .dtype = ODEON_DTYPE_F64,
                             .ndim = 1,
                             .dim = {set->dim},
                             .scale = 1.0,
                             .name = "point"};
    if (index != FIELD_POINT && index != FIELD_LABEL) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "spheres: there is no field %d",
                          (int)index);
    }
    if (index == FIELD_LABEL) {
        bool sign = set->label == LABEL_SIGN;
        made.role = ODEON_ROLE_LABEL;
        made.dtype = sign ? ODEON_DTYPE_F32 : ODEON_DTYPE_U8;
        made.ndim = sign ? 1 : 0;
        made.dim[0] = sign ? 1 : 0;
        made.classes = sign ? 0 : N_SHELLS;
        made.name = "label";
    }
    *out = made;
    return ODEON_OK;
}

/* The test split has points of its own, a share of the training points' number. */
static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    spheres *set = self;
    if ((split != ODEON_SPLIT_TRAIN && split != ODEON_SPLIT_TEST) || set->split >= 0) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "spheres: opened twice, or a split %d",
                          (int)split);
    }
    for (int shell = 0; shell < N_SHELLS; shell++) {
        double share = split == ODEON_SPLIT_TRAIN ? 1.0 : set->test_share;
        set->n[shell] = (int64_t)fmax(1.0, floor(share * (double)set->n_train[shell] + 0.5));
    }
    set->split = split;
    *length = set->n[INNER] + set->n[OUTER];
    return ODEON_OK;
}

/* Generates point i of a shell. A normalized vector of normal numbers has a uniform direction. The
 * stream is unique to split and shell, and point i uses dim + 1 numbers of it. */
static void draw(const spheres *set, int shell, int64_t i, double *point)
{
    uint64_t stream = (uint64_t)(N_SHELLS * set->split + shell);
    uint64_t first = (uint64_t)i * ((uint64_t)set->dim + 1);
    double u = random_uniform(set->seed, stream, first), square = 0.0;
    for (int64_t k = 0; k < set->dim; k++) {
        point[k] = random_normal(set->seed, stream, first + 1 + (uint64_t)k);
        square += point[k] * point[k];
    }
    const double *edge = set->edge[shell];
    double radius = (edge[1] - edge[0]) * pow(u, 1.0 / (double)set->dim) + edge[0];
    /* if all are 0, with probability 2^-53, use the centre */
    for (int64_t k = 0; k < set->dim; k++) {
        point[k] *= square > 0.0 ? radius / sqrt(square) : 0.0;
    }
}

/* indices [n] -> points [n, dim], labels [n]; indices below n[INNER] are of the inner shell. */
static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const spheres *set = self;
    double *points = fields[FIELD_POINT];
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || indices[i] >= set->n[INNER] + set->n[OUTER]) {
            return odeon_fail(set->host, ODEON_ERR_INTERNAL, "spheres: sample %lld of %lld",
                              (long long)indices[i], (long long)(set->n[INNER] + set->n[OUTER]));
        }
        int shell = indices[i] < set->n[INNER] ? INNER : OUTER;
        draw(set, shell, indices[i] - (shell == OUTER ? set->n[INNER] : 0), points + i * set->dim);
        if (set->label == LABEL_SIGN) {
            ((float *)fields[FIELD_LABEL])[i] = shell == OUTER ? 1.0f : -1.0f;
        } else {
            ((uint8_t *)fields[FIELD_LABEL])[i] = (uint8_t)shell;
        }
    }
    return ODEON_OK;
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_DATASET,
    .kind_version = ODEON_LAYOUT_DATASET,
    .id = "spheres",
    .aliases = "circles|sphere|concentric|concentricspheres|shells",
    .summary = "random points of two concentric shells",
    .version = "1.0",
    .license = "MIT",
    .source = "Dupont, Doucet, Teh, Augmented neural ODEs, 2019, section 4",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("dataset/spheres");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "spheres",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
