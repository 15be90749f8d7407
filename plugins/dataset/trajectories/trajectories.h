/* trajectories.h: what an instance of the data set is. */
#ifndef ODEON_DATASET_TRAJECTORIES_TRAJECTORIES_H
#define ODEON_DATASET_TRAJECTORIES_TRAJECTORIES_H
#include "../common/classes.h"
#include "../common/fitted_text.h"
#include "../common/split.h"
#include "../common/standard.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"
#include "series.h"

enum {
    FIELD_INPUT = 0,
    FIELD_LABEL = 1,
    FIELD_TIME = 2,
    FIELD_MASK = 3,
    FIELD_CONTROL = 4,
    FIELD_LENGTH = 5,
    N_FIELDS = 6
};
/* In the order of the choices. */
enum { SOURCE_SPIRAL = 0, SOURCE_CSV = 1, SOURCE_FOLDER = 2, SOURCE_ARRAYS = 3 };
enum { MISSING_REFUSED = 0, MISSING_MASK = 1 };
enum { INPUT_VALUES = 0, INPUT_WINDOW = 1, INPUT_SERIES = 2 };
enum { LABEL_VALUES = 0, LABEL_SLOPES = 1 };
enum { CLOCK_WINDOW = 0, CLOCK_SERIES = 1 };
enum { SPLIT_ROWS = 0, SPLIT_SERIES = 1 };

/* All series are in memory; a sample is a stretch of rows of one of them. */
typedef struct trajectories {
    ODEON_INSTANCE;
    odeon_choice source;
    int64_t window, stride;
    const char *time, *values, *controls, *id, *label_column, *fold;
    int64_t classes;
    int64_t value_count, control_count; /* of arrays */
    int64_t header, separator, missing, points, date, clock, pad, split, standardize,
        control_slopes, input, label, continuity;
    double until, test_fraction, validation_fraction;
    int64_t split_seed;

    int64_t dim, n_controls;
    columns wanted; /* tables: of the time, of the dim values, of the controls, of the id, of
                       the class */
    int8_t *kinds;  /* [wanted.n] */
    series_format format;
    split_plan plan;
    standard standard; /* of values, then controls; nothing: as in the data */
    double origin;     /* seconds from which dates count */
    bool is_fitted;
    words names; /* of the classes, in the order of their numbers; empty: they are numbers */
    fitted_text text;

    series_set series; /* n_rows is 0 before open */
    int64_t *class;    /* [n_series]; NULL: labels are numbers, or the file to predict has none */
    double *slopes;    /* [n_rows, n_controls] of the controls' natural splines; NULL: not wanted */
    double *value_slopes; /* [n_rows, dim], likewise of the values; NULL: not wanted */
    double interval;      /* spacing of all rows of all series; 0: not equally spaced */
    int64_t n_starts;
    int64_t *start;  /* [n_starts]: first rows of the samples */
    int64_t *length; /* [n_starts]: rows that are the sample's own, at most window */
} trajectories;

/* prepare.c: checks the options and sets all that follows from them alone. ODEON_ERR_CONFIG;
 * ODEON_ERR_NOMEM. */
odeon_status trajectories_prepare(trajectories *set);

/* windows.c */

/* Which of FIELD_* the data set has, and the index of one among those. */
bool trajectories_has(const trajectories *set, int32_t which);
int32_t trajectories_index(const trajectories *set, int32_t which);
int32_t trajectories_field(const trajectories *set, int32_t index); /* the opposite; -1: none */
/* Finds the windows within rows whose split is `which`; all: every row's is. ODEON_ERR_DATA where
 * there is none, or a series is too short. */
odeon_status windows_find(trajectories *set, int32_t which, const uint8_t *split, bool all);
/* Numbers of a row of a field. */
int64_t windows_width(const trajectories *set, int32_t which);
/* Copies window number index as sample i of a batch. */
void windows_copy(const trajectories *set, int64_t index, int64_t i, void *const *fields);

/* slopes.c: slopes of all series' rows. ODEON_ERR_NOMEM. */
odeon_status trajectories_slopes(trajectories *set);

/* fit.c */

/* Means, deviations and the origin of dates, of the rows of split that are for training.
 * ODEON_ERR_DATA for a column that is constant. */
odeon_status trajectories_fit(trajectories *set, const uint8_t *split);
/* Rows as the samples have them: times in their unit, columns standardized, series numbered by
 * their classes. ODEON_ERR_DATA with file and line for what is no class; ODEON_ERR_NOMEM. */
odeon_status trajectories_apply(trajectories *set);
odeon_status trajectories_restore(trajectories *set, const char *text);
/* The slot `standard` of odeon_dataset_ops. */
odeon_status trajectories_standard(void *self, int32_t index, double *mean, double *deviation,
                                   int32_t *is_standard);

/* spiral.c: adds the series of the options points and until. */
#define SPIRAL_MAX_TIME 1000.0
odeon_status spiral_add(trajectories *set);

#endif
