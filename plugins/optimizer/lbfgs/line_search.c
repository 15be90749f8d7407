/* Two phases. The first goes out until a trial is too high, or its slope has turned: between it and
 * the trial before there is a point that will do. The second closes in on it from both ends. The
 * gradients of the two ends are kept, since either may become the result. */
#include "line_search.h"

#include <math.h>
#include <stdbool.h>

#include "vectors.h"

static const double sufficient = 1e-4, flat = 0.9; /* c1, c2 of the Wolfe conditions */

/* Where the cubic through both points, with their slopes, is least, within low .. high; the middle
 * where it has no least point. */
static double interpolate(const line_point *a, const line_point *b, double low, double high)
{
    if (!isfinite(a->f) || !isfinite(b->f)) {
        return (low + high) / 2.0;
    }
    const line_point *left = a->t <= b->t ? a : b, *right = a->t <= b->t ? b : a;
    double d1 = a->slope + b->slope - 3.0 * (a->f - b->f) / (a->t - b->t);
    double square = d1 * d1 - a->slope * b->slope;
    if (!(square >= 0.0)) {
        return (low + high) / 2.0;
    }
    double d2 = sqrt(square);
    double t = right->t - (right->t - left->t) *
                              ((right->slope + d2 - d1) / (right->slope - left->slope + 2.0 * d2));
    return fmin(fmax(t, low), high);
}

/* Loss and gradient at t. */
static odeon_status try_at(line_search *s, double t, line_point *out)
{
    const odeon_update *u = s->call->update;
    *out = (line_point){.t = t, .g = u->grad, .slope = (double)NAN};
    ODEON_TRY(vector_add(s->call, u->param, s->x, t, s->d));
    ODEON_TRY(s->call->eval(s->call->host, &out->f));
    s->evaluations++;
    if (!isfinite(out->f)) {
        out->f = (double)INFINITY;
        return ODEON_OK;
    }
    return vector_dot(s->call, u->grad, s->d, &out->slope);
}

/* Moves the point's gradient out of where eval writes, into a place that the other point does not
 * need. */
static odeon_status keep(const line_search *s, line_point *p, const line_point *other)
{
    const odeon_tensor *to = other->g != s->spare[0] ? s->spare[0] : s->spare[1];
    ODEON_TRY(vector_copy(s->call, p->g, to));
    p->g = to;
    return ODEON_OK;
}

static bool is_too_high(const line_search *s, const line_point *p)
{
    return p->f > s->start.f + sufficient * p->t * s->start.slope;
}

static bool is_flat(const line_search *s, const line_point *p)
{
    return fabs(p->slope) <= -flat * s->start.slope;
}

/* end[0] is the trial before end[1]; where done, end[1] is the result. */
static odeon_status find_bracket(line_search *s, line_point end[2], bool *done)
{
    end[0] = s->start;
    *done = false;
    ODEON_TRY(try_at(s, s->t, &end[1]));
    while (s->tried < s->most) {
        line_point *now = &end[1];
        if (is_too_high(s, now) || (s->tried > 1 && now->f >= end[0].f)) {
            return keep(s, now, &end[0]);
        }
        *done = is_flat(s, now);
        if (*done) {
            return ODEON_OK;
        }
        if (now->slope >= 0.0) {
            return keep(s, now, &end[0]);
        }
        double t = interpolate(&end[0], now, now->t + 0.01 * (now->t - end[0].t), 10.0 * now->t);
        end[0] = *now;
        ODEON_TRY(keep(s, &end[0], &s->start));
        ODEON_TRY(try_at(s, t, &end[1]));
        s->tried++;
    }
    end[0] = s->start; /* nothing better is known of what lies between */
    return ODEON_OK;
}

/* A trial that is near an end twice in a row, or at it, is moved a tenth of the bracket away. */
static double away_from_ends(double t, double low, double high, bool *near)
{
    double tenth = 0.1 * (high - low);
    if (fmin(high - t, t - low) >= tenth) {
        *near = false;
        return t;
    }
    if (*near || t >= high || t <= low) {
        *near = false;
        return fabs(t - high) < fabs(t - low) ? high - tenth : low + tenth;
    }
    *near = true;
    return t;
}

/* Where the new trial goes: low is the index of the lower end. */
static odeon_status replace_end(const line_search *s, line_point end[2], int *low,
                                line_point *trial, bool *done)
{
    int high = 1 - *low;
    if (is_too_high(s, trial) || trial->f >= end[*low].f) {
        ODEON_TRY(keep(s, trial, &end[*low]));
        end[high] = *trial;
        *low = end[0].f <= end[1].f ? 0 : 1;
        return ODEON_OK;
    }
    if (is_flat(s, trial)) {
        *done = true;
    } else if (trial->slope * (end[high].t - end[*low].t) >= 0.0) {
        end[high] = end[*low];
    }
    ODEON_TRY(keep(s, trial, &end[high]));
    end[*low] = *trial;
    return ODEON_OK;
}

static odeon_status close_in(line_search *s, line_point end[2], double longest, int *low)
{
    bool done = false, near = false;
    while (!done && s->tried < s->most) {
        if (fabs(end[1].t - end[0].t) * longest < s->tolerance) {
            return ODEON_OK;
        }
        double first = fmin(end[0].t, end[1].t), last = fmax(end[0].t, end[1].t);
        double t = interpolate(&end[0], &end[1], first, last);
        line_point trial;
        ODEON_TRY(try_at(s, away_from_ends(t, first, last, &near), &trial));
        s->tried++;
        ODEON_TRY(replace_end(s, end, low, &trial, &done));
    }
    return ODEON_OK;
}

odeon_status line_search_run(line_search *s, line_point *out)
{
    line_point end[2];
    bool done;
    double longest;
    s->evaluations = s->tried = 0;
    ODEON_TRY(vector_max(s->call, s->d, &longest));
    ODEON_TRY(find_bracket(s, end, &done));
    int low = done || !(end[0].f <= end[1].f) ? 1 : 0;
    ODEON_TRY(done ? ODEON_OK : close_in(s, end, longest, &low));
    *out = end[low];
    return ODEON_OK;
}
