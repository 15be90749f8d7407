/* moons: points of two half circles that reach into one another, with normal noise: half a circle
 * of radius 1 around (0, 0), above, and one around (1, 0.5), below, as sklearn's make_moons has
 * them.
 *
 * Point i lies at a random angle of moon i % 2. It depends on seed, split and i alone (random.h),
 * so no points are stored: a batch is generated again each time, with the same result. */
#include <math.h>

#include "../common/random.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"

enum { FIELD_POINT = 0, FIELD_LABEL = 1, N_FIELDS = 2, DIM = 2, N_MOONS = 2 };

/* Parameters; split is -1 and n 0 before open. */
typedef struct moons {
    ODEON_INSTANCE;
    int64_t points, seed;
    double noise, test_share;
    int64_t n;
    int32_t split, reserved0;
} moons;

static const odeon_option *const options[] = {
    ODEON_OPTION(moons, points, I64, .aliases = "n|nsamples|samples", .default_text = "2000",
                 .min_text = "2", .max_text = "1000000000", .help = "to train on",
                 .unit = "points"),
    ODEON_OPTION(moons, noise, F64, .aliases = "std|deviation", .default_text = "0.1",
                 .min_text = "0", .help = "deviation of the noise of each coordinate"),
    ODEON_OPTION(moons, test_share, F64, .flags = ODEON_OPTION_OPEN_MIN, .default_text = "0.2",
                 .min_text = "0", .max_text = "1",
                 .help = "further points to test on, for every point to train on; at least two"),
    ODEON_OPTION(moons, seed, I64, .default_text = "0", .min_text = "0",
                 .help = "another seed draws other points; the seed of the run does not matter"),
    NULL};

static odeon_status init(void *self)
{
    moons *set = self;
    set->split = -1;
    return ODEON_OK;
}

static int32_t field_count(void *self)
{
    (void)self;
    return N_FIELDS;
}

/* Point F64 [2]; label U8, the moon. */
static odeon_status field(void *self, int32_t index, odeon_field_info *out)
{
    const moons *set = self;
    const uint32_t struct_size = out->struct_size;
    if (index < 0 || index >= N_FIELDS) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "moons: there is no field %d", (int)index);
    }
    *out = index == FIELD_POINT ? (odeon_field_info){.role = ODEON_ROLE_INPUT,
                                                     .dtype = ODEON_DTYPE_F64,
                                                     .ndim = 1,
                                                     .dim = {DIM},
                                                     .scale = 1.0,
                                                     .name = "point"}
                                : (odeon_field_info){.role = ODEON_ROLE_LABEL,
                                                     .dtype = ODEON_DTYPE_U8,
                                                     .classes = N_MOONS,
                                                     .scale = 1.0,
                                                     .name = "moon"};
    out->struct_size = struct_size;
    return ODEON_OK;
}

static odeon_status open_split(void *self, int32_t split, int64_t *length)
{
    moons *set = self;
    if ((split != ODEON_SPLIT_TRAIN && split != ODEON_SPLIT_TEST) || set->split >= 0) {
        return odeon_fail(set->host, ODEON_ERR_INTERNAL, "moons: opened twice, or a split %d",
                          (int)split);
    }
    double share = split == ODEON_SPLIT_TRAIN ? 1.0 : set->test_share;
    set->n = (int64_t)fmax(N_MOONS, floor(share * (double)set->points + 0.5));
    set->split = split;
    *length = set->n;
    return ODEON_OK;
}

/* Point i uses three numbers of the split's stream. */
static void draw(const moons *set, int64_t i, double point[DIM])
{
    static const double pi = 3.141592653589793;
    uint64_t seed = (uint64_t)set->seed, stream = (uint64_t)set->split, first = 3 * (uint64_t)i;
    double angle = pi * random_uniform(seed, stream, first);
    double sign = i % N_MOONS == 0 ? 1.0 : -1.0;
    point[0] = (sign > 0.0 ? 0.0 : 1.0) + sign * cos(angle) +
               set->noise * random_normal(seed, stream, first + 1);
    point[1] = (sign > 0.0 ? 0.0 : 0.5) + sign * sin(angle) +
               set->noise * random_normal(seed, stream, first + 2);
}

/* indices [n] -> points [n, 2], moons [n]. */
static odeon_status get_batch(void *self, int64_t n, const int64_t *indices, void *const *fields)
{
    const moons *set = self;
    double *points = fields[FIELD_POINT];
    uint8_t *labels = fields[FIELD_LABEL];
    for (int64_t k = 0; k < n; k++) {
        if (indices[k] < 0 || indices[k] >= set->n) {
            return odeon_fail(set->host, ODEON_ERR_INTERNAL, "moons: sample %lld of %lld",
                              (long long)indices[k], (long long)set->n);
        }
        draw(set, indices[k], points + DIM * k);
        labels[k] = (uint8_t)(indices[k] % N_MOONS);
    }
    return ODEON_OK;
}

static const odeon_dataset_ops ops = {.struct_size = sizeof ops,
                                      .field_count = field_count,
                                      .field = field,
                                      .open = open_split,
                                      .get_batch = get_batch};

ODEON_PLUGIN_OPTIONS(DATASET, "moons", &ops, "random points of two half circles", NULL,
                     "twomoons|makemoons|halfmoons", moons, options, init, NULL);
