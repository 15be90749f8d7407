/* What the options ask for: that they fit each other, which columns of a table are read, and how.
 */
#include <string.h>

#include "trajectories.h"

/* The columns that an option names go behind those so far; *n is how many they are. */
static odeon_status add_columns(trajectories *set, const char *option, const char *text, int64_t *n)
{
    columns more;
    odeon_status status = columns_parse(set->host, option, text, &more);
    if (status != ODEON_OK) {
        return status;
    }
    *n = more.n;
    columns before = set->wanted;
    return columns_join(set->host, &before, &more, &set->wanted);
}

static odeon_status add_optional(trajectories *set, const char *option, const char *text,
                                 int64_t *n)
{
    *n = 0;
    return text == NULL ? ODEON_OK : add_columns(set, option, text, n);
}

/* Time, values, controls, id and class become one list, so that a row of the table is one of the
 * series.
 */
static odeon_status read_columns(trajectories *set)
{
    int64_t ids, labels;
    ODEON_TRY(columns_parse(set->host, "time", set->time, &set->wanted));
    ODEON_TRY(add_columns(set, "values", set->values, &set->dim));
    ODEON_TRY(add_optional(set, "controls", set->controls, &set->n_controls));
    ODEON_TRY(add_optional(set, "id", set->id, &ids));
    ODEON_TRY(add_optional(set, "label_column", set->label_column, &labels));
    if (set->wanted.n != 1 + set->dim + set->n_controls + ids + labels || ids > 1 || labels > 1) {
        return odeon_fail(set->host, ODEON_ERR_CONFIG, "%s: names more than one column",
                          ids > 1      ? "id"
                          : labels > 1 ? "label_column"
                                       : "time");
    }
    return set->header != 0 ? ODEON_OK : columns_need_numbers(set->host, &set->wanted);
}

/* How tables are read follows from the options alone. */
static odeon_status make_format(trajectories *set)
{
    static const char separators[] = {',', ';', '\t'}; /* in the order of the choices */
    static const double units[] = {0.0, 1.0, 60.0, 3600.0, 86400.0, 604800.0};
    bool gaps = set->missing == MISSING_MASK;
    int32_t n = set->wanted.n > 0 ? set->wanted.n : 1;
    set->kinds = set->host->alloc(set->host, (uint64_t)n);
    if (set->kinds == NULL) {
        return odeon_fail(set->host, ODEON_ERR_NOMEM, "no memory for %d columns", (int)n);
    }
    memset(set->kinds, CSV_NUMBER, (size_t)n);
    set->kinds[0] = set->date > 0 ? CSV_DATE : CSV_NUMBER;
    bool has_class = set->label_column != NULL;
    if (set->id != NULL) {
        set->kinds[n - (has_class ? 2 : 1)] = CSV_WORD;
    }
    if (has_class) {
        set->kinds[n - 1] = CSV_WORD;
    }
    set->format = (series_format){.csv = {.separator = separators[set->separator],
                                          .header = set->header != 0,
                                          .gaps = gaps,
                                          .kind = set->kinds},
                                  .wanted = &set->wanted,
                                  .dim = set->dim,
                                  .n_controls = set->n_controls,
                                  .has_id = set->id != NULL,
                                  .has_class = set->classes > 0,
                                  .gaps = gaps,
                                  .unit = units[set->date]};
    return ODEON_OK;
}

/* Classes are labels by themselves: they leave no room for labels of values. */
static odeon_status check_classes(const trajectories *set)
{
    const odeon_host *host = set->host;
    bool table = set->source.index == SOURCE_CSV || set->source.index == SOURCE_FOLDER;
    bool arrays = set->source.index == SOURCE_ARRAYS;
    if (set->label_column != NULL && !table) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "label_column: is for source = csv(path=FILE) or folder; arrays have "
                          "labels [series]");
    }
    if (arrays ? set->classes == 1 : (set->classes > 1) != (set->label_column != NULL)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "classes: must be the number of classes, 2 or more, where label_column "
                          "names their column, and 0 elsewhere");
    }
    if (set->classes > 0 &&
        (set->label == LABEL_SLOPES || set->continuity != 0 || set->missing == MISSING_MASK)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "classes: the label of a series is its class: leave out %s",
                          set->label == LABEL_SLOPES ? "label = slopes"
                          : set->continuity != 0     ? "continuity = yes"
                                                     : "missing = mask: values have no gaps then");
    }
    return ODEON_OK;
}

/* Refuses options of tables where there is none rather than ignoring them. */
static odeon_status check_source(const trajectories *set)
{
    const odeon_host *host = set->host;
    bool table = set->source.index == SOURCE_CSV || set->source.index == SOURCE_FOLDER;
    bool arrays = set->source.index == SOURCE_ARRAYS;
    if (table && set->values == NULL) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "values: must name the columns observed where source = csv or folder");
    }
    if (!table && (set->values != NULL || set->controls != NULL || set->id != NULL ||
                   set->date > 0 || (!arrays && set->missing == MISSING_MASK))) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "values, controls and missing = mask are for source = csv(path=FILE)%s",
                          arrays ? " or folder; arrays have value_count and control_count" : "");
    }
    if (arrays != (set->value_count > 0) || (!arrays && set->control_count > 0)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "value_count: must be D of the values where source = arrays(path=FILE), "
                          "and there alone");
    }
    if (set->label == LABEL_SLOPES && set->missing == MISSING_MASK) {
        return odeon_fail(
            host, ODEON_ERR_CONFIG,
            "label: there are no slopes where values are missing: leave out missing = "
            "mask or label = slopes");
    }
    if (set->continuity && (set->input != INPUT_WINDOW || set->stride != set->window - 1)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "continuity: needs input = window and stride = %lld, one less than "
                          "window, so that a window begins where the one before ends",
                          (long long)(set->window - 1));
    }
    if (set->fold != NULL && set->split != SPLIT_SERIES) {
        return odeon_fail(host, ODEON_ERR_CONFIG, "fold: is for split = series");
    }
    return set->test_fraction + set->validation_fraction < 1.0
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_CONFIG,
                            "test_fraction and validation_fraction leave no rows to train on");
}

odeon_status trajectories_prepare(trajectories *set)
{
    bool table = set->source.index == SOURCE_CSV || set->source.index == SOURCE_FOLDER;
    ODEON_TRY(check_source(set));
    ODEON_TRY(check_classes(set));
    set->dim = set->source.index == SOURCE_ARRAYS ? set->value_count : 2; /* 2: the spiral's */
    set->n_controls = set->control_count;
    ODEON_TRY(table ? read_columns(set) : ODEON_OK);
    set->plan = (split_plan){.name = set->source.path != NULL ? set->source.path : "the spiral",
                             .test = set->test_fraction,
                             .validation = set->validation_fraction,
                             .seed = (uint64_t)set->split_seed};
    ODEON_TRY(split_parse_fold(set->host, set->fold, NULL, &set->plan.fold, &set->plan.folds));
    return make_format(set);
}
