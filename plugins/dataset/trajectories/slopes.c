/* Slopes of natural cubic splines through the controls, or the values, of each series: of the
 * tridiagonal system that makes second derivatives continuous, and 0 at both ends,
 *
 *   r_i-1 m_i-1 + 2 (r_i-1 + r_i) m_i + r_i m_i+1 = 3 (D_i-1 r_i-1 + D_i r_i),
 *
 * with r_i = 1 / (t_i+1 - t_i), D_i the slope of the line, and no term beyond the ends. */
#include "trajectories.h"

/* Column at of n rows, of width numbers each, the time first. factor [n] is scratch; out has one
 * number every pitch. */
static void solve(const double *row, int64_t n, int64_t width, int64_t at, double *factor,
                  double *out, int64_t pitch)
{
    double r_before = 0.0, side_before = 0.0; /* of the interval before row i */
    for (int64_t i = 0; i < n; i++, row += width) {
        bool is_last = i + 1 == n;
        double r = is_last ? 0.0 : 1.0 / (row[width] - row[0]);
        double side = is_last ? 0.0 : 3.0 * (row[width + at] - row[at]) * r * r;
        double pivot = 2.0 * (r_before + r), right = side_before + side;
        if (i > 0) {
            pivot -= r_before * factor[i - 1];
            right -= r_before * out[(i - 1) * pitch];
        }
        factor[i] = r / pivot;
        out[i * pitch] = n > 1 ? right / pivot : 0.0;
        r_before = r;
        side_before = side;
    }
    for (int64_t i = n - 2; i >= 0; i--) {
        out[i * pitch] -= factor[i] * out[(i + 1) * pitch];
    }
}

/* Of c columns from column at on; *out [n_rows, c]. */
static odeon_status make(const trajectories *set, int64_t at, int64_t c, double **out)
{
    const odeon_host *host = set->host;
    const series_set *s = &set->series;
    double *factor = host->alloc(host, (uint64_t)s->n_rows * sizeof *factor);
    *out = host->alloc(host, (uint64_t)(s->n_rows * c) * sizeof **out);
    bool there = factor != NULL && *out != NULL;
    for (int64_t i = 0; there && i < s->n_series; i++) {
        int64_t first = s->first[i], n = s->first[i + 1] - first;
        for (int64_t k = 0; k < c; k++) {
            solve(s->row + first * s->width, n, s->width, at + k, factor, *out + first * c + k, c);
        }
    }
    host->free(host, factor);
    return there ? ODEON_OK
                 : odeon_fail(host, ODEON_ERR_NOMEM, "trajectories: no memory for slopes");
}

odeon_status trajectories_slopes(trajectories *set)
{
    bool controls = set->control_slopes != 0 && set->n_controls > 0;
    ODEON_TRY(controls ? make(set, 1 + set->dim, set->n_controls, &set->slopes) : ODEON_OK);
    return set->label == LABEL_SLOPES ? make(set, 1, set->dim, &set->value_slopes) : ODEON_OK;
}
