/* A mistake in a table shows in its first rows most of the time: the wrong column, a word in place
 * of a number, times in another unit. So the first samples are read as training would read them,
 * and what is in them is printed, column by column where there are few. */
#include "command/check_data.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"

enum { HEAD = 256, COLUMNS = 16, SHOWN_CLASSES = 10 };

/* The first n samples of a split, as stored. */
typedef struct head {
    const data_source *source;
    int64_t n;
    void *field[DATA_ROLES];
} head;

/* Numbers of one element, or of all. */
typedef struct range {
    int64_t n, missing;
    double least, most, sum;
} range;

static void head_fini(head *h)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(h->field[role]);
    }
}

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "check: no memory for samples");
}

/* As many as training would see first if it went through them in order. */
static odeon_status head_read(const data_source *source, head *h)
{
    int64_t all = data_length(source), *indices = mem_zalloc((size_t)all, sizeof *indices);
    *h = (head){.source = source, .n = all < HEAD ? all : HEAD};
    odeon_status status = indices != NULL ? ODEON_OK : no_memory();
    for (int32_t role = 0; role < DATA_ROLES && status == ODEON_OK; role++) {
        const data_fields *fields = data_source_fields(source);
        if (data_has(fields, role)) {
            h->field[role] = mem_zalloc((size_t)h->n, (size_t)data_field_bytes(fields, role));
            status = h->field[role] != NULL ? ODEON_OK : no_memory();
        }
    }
    if (status == ODEON_OK) {
        data_in_use(source, indices);
        status = data_batch(source, h->n, indices, h->field);
    }
    mem_free(indices);
    return status;
}

/* ---- what is in them ---- */

static const odeon_field_info *field_of(const head *h, int32_t role)
{
    return &data_source_fields(h->source)->of[role];
}

/* Is number i of a label one that the mask leaves out? */
static bool is_missing(const head *h, int32_t role, int64_t i)
{
    bool masked = role == ODEON_ROLE_LABEL && h->field[ODEON_ROLE_MASK] != NULL;
    return masked &&
           data_field_value(field_of(h, ODEON_ROLE_MASK), h->field[ODEON_ROLE_MASK], i) == 0.0;
}

/* Of every step-th number from first on. */
static range range_of(const head *h, int32_t role, int64_t first, int64_t step)
{
    const odeon_field_info *field = field_of(h, role);
    int64_t n = h->n * data_field_size(field);
    range r = {.least = (double)INFINITY, .most = -(double)INFINITY};
    for (int64_t i = first; i < n; i += step) {
        double x = data_field_value(field, h->field[role], i);
        r.n++;
        r.missing += is_missing(h, role, i);
        if (!is_missing(h, role, i)) {
            r.least = fmin(r.least, x);
            r.most = fmax(r.most, x);
            r.sum += x;
        }
    }
    return r;
}

static void print_range(FILE *out, range r)
{
    if (r.missing < r.n) {
        fprintf(out, "%.6g to %.6g, mean %.6g", r.least, r.most, r.sum / (double)(r.n - r.missing));
    }
    if (r.missing > 0) {
        fprintf(out, "%s%" PRId64 " of %" PRId64 " missing", r.missing < r.n ? ", " : "", r.missing,
                r.n);
    }
    fputs("\n", out);
}

/* ---- a field ---- */

static void print_shape(FILE *out, const odeon_field_info *field)
{
    fputs("[", out);
    for (int32_t i = 0; i < field->ndim; i++) {
        fprintf(out, "%s%" PRId64, i > 0 ? ", " : "", field->dim[i]);
    }
    fputs("]", out);
}

/* Numbers of a sample that are the same column of the data: the last size of rows of a series. */
static int64_t columns_of(const odeon_field_info *field, int32_t role)
{
    bool rows = field->ndim == 2 || (field->ndim == 1 && role != ODEON_ROLE_TIME);
    return rows ? field->dim[field->ndim - 1] : 1;
}

/* Each by where its first number stands. */
static void print_columns(FILE *out, const head *h, int32_t role, int64_t columns)
{
    int64_t first = 0;
    int64_t *in_use = mem_zalloc((size_t)data_length(h->source), sizeof *in_use);
    if (in_use != NULL) {
        data_in_use(h->source, in_use);
        first = in_use[0];
    }
    mem_free(in_use);
    for (int64_t i = 0; i < columns; i++) {
        char where[256];
        data_locate(h->source, role, first, i, where, sizeof where);
        fprintf(out, "    %" PRId64 "%s%s: ", i, where[0] != '\0' ? ", from " : "", where);
        print_range(out, range_of(h, role, i, columns));
    }
}

/* How many samples each class has. */
static void print_classes(FILE *out, const head *h, int64_t classes)
{
    const odeon_field_info *field = field_of(h, ODEON_ROLE_LABEL);
    fprintf(out, "%" PRId64 " classes:", classes);
    for (int64_t k = 0; k < classes && k < SHOWN_CLASSES; k++) {
        int64_t n = 0;
        for (int64_t i = 0; i < h->n; i++) {
            n += data_field_value(field, h->field[ODEON_ROLE_LABEL], i) == (double)k;
        }
        fprintf(out, "%s %" PRId64 " of %" PRId64, k > 0 ? "," : "", n, k);
    }
    fputs(classes > SHOWN_CLASSES ? ", ...\n" : "\n", out);
}

static void print_field(FILE *out, const head *h, int32_t role)
{
    const odeon_field_info *field = field_of(h, role);
    int64_t columns = columns_of(field, role);
    fprintf(out, "  %-8s", data_role_name(role));
    print_shape(out, field);
    fputs(" ", out);
    if (role == ODEON_ROLE_LABEL && field->classes > 0) {
        print_classes(out, h, field->classes);
    } else if (columns > 1 && columns <= COLUMNS && role != ODEON_ROLE_MASK) {
        fputs("columns\n", out);
        print_columns(out, h, role, columns);
    } else {
        print_range(out, range_of(h, role, 0, 1));
    }
}

/* ---- a split ---- */

static odeon_status print_head(FILE *out, const data_source *source, int32_t split)
{
    head h = {.n = 0};
    odeon_status status = data_length(source) > 0 ? head_read(source, &h) : ODEON_OK;
    if (status == ODEON_OK && split == ODEON_SPLIT_TRAIN && h.n > 0) {
        fprintf(out, "the first %" PRId64 " of them hold\n", h.n);
        for (int32_t role = 0; role < DATA_ROLES; role++) {
            if (h.field[role] != NULL) {
                print_field(out, &h, role);
            }
        }
    }
    head_fini(&h);
    return status;
}

odeon_status check_data(FILE *out, const config *c, int64_t *samples)
{
    data_source *train = NULL, *test = NULL, *validation = NULL;
    if (c->dataset == NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "--data: the INI has no [data]");
    }
    odeon_status status = data_open(c, ODEON_SPLIT_TRAIN, &train);
    status = status == ODEON_OK ? data_open_validation(c, train, &validation) : status;
    status = status == ODEON_OK ? data_open(c, ODEON_SPLIT_TEST, &test) : status;
    if (status == ODEON_OK) {
        *samples = data_length(train);
        fprintf(out, "data: %" PRId64 " samples to train on, %" PRId64 " to test on", *samples,
                data_length(test));
        if (validation != NULL) {
            fprintf(out, ", %" PRId64 " to validate on", data_length(validation));
        }
        fputs("\n", out);
        status = print_head(out, train, ODEON_SPLIT_TRAIN);
    }
    status = status == ODEON_OK ? print_head(out, test, ODEON_SPLIT_TEST) : status;
    data_close(validation); /* before train, whose data set it reads from */
    data_close(train);
    data_close(test);
    return status;
}
