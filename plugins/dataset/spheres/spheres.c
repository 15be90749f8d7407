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
    ODEON_INSTANCE;
    int64_t dim;
    odeon_f64_list inner, outer;
    int64_t n_inner, n_outer;
    double test_share;
    int64_t seed, label;

    const double *edge[N_SHELLS]; /* [2] */
    int32_t split, reserved0;     /* -1 before open */
    int64_t n[N_SHELLS];
} spheres;

static const odeon_option *const options[] = {
    ODEON_OPTION(spheres, dim, I64, .aliases = "dimension|dims|d|ndim", .default_text = "2",
                 .min_text = "1", .max_text = "65536", .help = "coordinates of a point"),
    ODEON_OPTION(spheres, inner, F64_LIST, .default_text = "0 0.5", .min_text = "0",
                 .help = "least and largest radius of the inner shell"),
    ODEON_OPTION(spheres, outer, F64_LIST, .default_text = "1 1.5", .min_text = "0",
                 .help = "least and largest radius of the outer shell"),
    ODEON_OPTION(spheres, n_inner, I64, .default_text = "1000", .min_text = "1",
                 .max_text = "1000000000", .help = "points of the inner shell to train on",
                 .unit = "points"),
    ODEON_OPTION(spheres, n_outer, I64, .default_text = "2000", .min_text = "1",
                 .max_text = "1000000000", .help = "points of the outer shell to train on",
                 .unit = "points"),
    ODEON_OPTION(
        spheres, test_share, F64, .flags = ODEON_OPTION_OPEN_MIN, .default_text = "0.2",
        .min_text = "0", .max_text = "1",
        .help = "further points to test on, for every point to train on; at least one a shell"),
    ODEON_OPTION(spheres, seed, I64, .default_text = "0", .min_text = "0",
                 .help = "another seed draws other points; the seed of the run does not matter"),
    ODEON_OPTION(spheres, label, CHOICE, .default_text = "sign", .choices = "sign|class",
                 .help = "what the shell is to be learned as: a number, -1 inside and 1 outside, "
                         "or class 0 and 1"),
    NULL};

static odeon_status check_shell(const spheres *set, const char *name, const odeon_f64_list *radius)
{
    return radius->n == 2 && radius->at[0] <= radius->at[1] && radius->at[1] > 0.0
               ? ODEON_OK
               : odeon_fail(set->host, ODEON_ERR_CONFIG,
                            "%s: expected two radii, the least first, the largest above 0", name);
}

static odeon_status init(void *self)
{
    spheres *set = self;
    ODEON_TRY(check_shell(set, "inner", &set->inner));
    ODEON_TRY(check_shell(set, "outer", &set->outer));
    set->edge[INNER] = set->inner.at;
    set->edge[OUTER] = set->outer.at;
    set->split = -1;
    return ODEON_OK;
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
    const int64_t n_train[] = {set->n_inner, set->n_outer};
    for (int shell = 0; shell < N_SHELLS; shell++) {
        double share = split == ODEON_SPLIT_TRAIN ? 1.0 : set->test_share;
        set->n[shell] = (int64_t)fmax(1.0, floor(share * (double)n_train[shell] + 0.5));
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
    uint64_t seed = (uint64_t)set->seed, first = (uint64_t)i * ((uint64_t)set->dim + 1);
    double u = random_uniform(seed, stream, first), square = 0.0;
    for (int64_t k = 0; k < set->dim; k++) {
        point[k] = random_normal(seed, stream, first + 1 + (uint64_t)k);
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

ODEON_PLUGIN_OPTIONS(DATASET, "spheres", &ops, "random points of two concentric shells",
                     "Dupont, Doucet, Teh, Augmented neural ODEs, 2019, section 4",
                     "circles|sphere|concentric|concentricspheres|shells", spheres, options, init,
                     NULL);
