#include "fixture_session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/layer.h"

enum { MAX_GAPS = 64 }; /* tensors of a network, and its input */

/* "param/3.f.l1.weight" for "ode.in.weight"; mem_free it. */
static char *their_name(const fixture_name *names, const char *prefix, const char *path)
{
    for (; names->ours != NULL; names++) {
        size_t length = strlen(names->ours);
        if (strncmp(path, names->ours, length) == 0) {
            return mem_printf("%s%s%s", prefix, names->theirs, path + length);
        }
    }
    fail_msg("%s: the fixture has no name for it", path);
    return NULL;
}

static double *their_tensor(const safetensors *file, const char *name, int64_t count)
{
    int64_t n = 0;
    double *values = support_tensor(file, name, &n);
    if (n != count) {
        fail_msg("%s: %lld elements, expected %lld", name, (long long)n, (long long)count);
    }
    return values;
}

void fixture_set_parameters(support_session *s, const safetensors *file, const fixture_name *names)
{
    for (size_t i = 0; i < session_parameters(s->session); i++) {
        session_parameter p = session_parameter_at(s->session, i);
        char *name = their_name(names, "param/", p.path);
        double *values = their_tensor(file, name, p.count);
        if (session_parameter_set(s->session, i, values) != ODEON_OK) {
            fail_msg("%s: %s", p.path, diag_message());
        }
        mem_free(values);
        mem_free(name);
    }
}

void fixture_set_batch(support_session *s, const safetensors *file, const char *x,
                       const char *labels)
{
    double *values = their_tensor(file, x, s->n * s->input_size);
    memcpy(s->x, values, (size_t)(s->n * s->input_size) * sizeof *values);
    mem_free(values);
    values = labels == NULL ? NULL : their_tensor(file, labels, s->n);
    for (int64_t i = 0; i < s->n; i++) {
        s->labels[i] = values == NULL ? i : (int64_t)values[i];
    }
    mem_free(values);
}

bool fixture_is_whole(void)
{
    return getenv("ODEON_PARITY") != NULL;
}

char *fixture_cotangent(const safetensors *file)
{
    enum { NUMBER_BYTES = 32 };
    int64_t n = 0;
    double *cot = support_tensor(file, "cot", &n);
    size_t bytes = (size_t)(n + 2) * NUMBER_BYTES;
    char *text = mem_zalloc(bytes, 1);
    size_t at = (size_t)snprintf(text, bytes, "train.loss=cotangent(values=");
    for (int64_t i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, bytes - at, "%.17g ", cot[i]);
    }
    (void)snprintf(text + at, bytes - at, ")");
    mem_free(cot);
    return text;
}

double fixture_distance(const safetensors *file, const char *name, int64_t n, const double *values)
{
    double *theirs = their_tensor(file, name, n), distance = support_distance(n, values, theirs);
    mem_free(theirs);
    return distance;
}

/* Squares of the lengths of tensors and of their differences from ours. */
typedef struct gap_sums {
    size_t n;
    double difference[MAX_GAPS], size[MAX_GAPS];
} gap_sums;

static void add_gap(gap_sums *sums, const safetensors *file, const char *name, int64_t n,
                    const double *values)
{
    double *theirs = their_tensor(file, name, n), difference = 0.0, size = 0.0;
    assert_true(sums->n < MAX_GAPS);
    for (int64_t i = 0; i < n; i++) {
        difference += (values[i] - theirs[i]) * (values[i] - theirs[i]);
        size += theirs[i] * theirs[i];
    }
    sums->difference[sums->n] = difference;
    sums->size[sums->n++] = size;
    mem_free(theirs);
}

typedef odeon_status (*fixture_getter)(session *s, size_t index, double *out);
enum { LEARNED = 1 << ODEON_PARAM_WEIGHT | 1 << ODEON_PARAM_BIAS };

static fixture_gaps measure_gaps(const gap_sums *sums)
{
    const double nothing = 1e-20; /* square of 1e-10: what rounding leaves of a zero is below */
    double difference = 0.0, size = 0.0;
    fixture_gaps gaps = {.worst = 0.0};
    for (size_t i = 0; i < sums->n; i++) {
        difference += sums->difference[i];
        size += sums->size[i];
    }
    for (size_t i = 0; i < sums->n; i++) {
        bool vanishes = sums->size[i] <= nothing * size;
        double gap = sqrt(sums->difference[i] / (vanishes ? size : sums->size[i]));
        gaps.worst = isnan(gap) || gap > gaps.worst ? gap : gaps.worst; /* once NaN it stays */
    }
    gaps.whole = sums->n == 0 ? 0.0 : sqrt(difference / size);
    return gaps;
}

/* Adds the session's tensors, read by get, that are of one of the roles; fails where the fixture
 * has not all of them, if it must. */
static void add_gaps(gap_sums *sums, support_session *s, const safetensors *file,
                     const fixture_name *names, const char *prefix, fixture_getter get,
                     int32_t roles, bool must)
{
    for (size_t i = 0; i < session_parameters(s->session); i++) {
        session_parameter p = session_parameter_at(s->session, i);
        if ((1 << p.role & roles) == 0) {
            continue;
        }
        char *name = their_name(names, prefix, p.path);
        double *values = mem_zalloc((size_t)p.count, sizeof *values);
        support_require(get(s->session, i, values), p.path);
        if (must || safetensors_find(file, name) != NULL) {
            add_gap(sums, file, name, p.count, values);
        }
        mem_free(values);
        mem_free(name);
    }
}

fixture_gaps fixture_gradients(support_session *s, const safetensors *file,
                               const fixture_name *names, const char *prefix, const double *d_x,
                               const char *x)
{
    gap_sums sums = {0};
    add_gaps(&sums, s, file, names, prefix, session_gradient_get, LEARNED, true);
    if (d_x != NULL) {
        add_gap(&sums, file, x, s->n * s->input_size, d_x);
    }
    return measure_gaps(&sums);
}

fixture_gaps fixture_states(support_session *s, const safetensors *file, const fixture_name *names,
                            const char *prefix)
{
    gap_sums sums = {0};
    add_gaps(&sums, s, file, names, prefix, session_parameter_get, 1 << ODEON_PARAM_STATE, true);
    return measure_gaps(&sums);
}

fixture_gaps fixture_values(support_session *s, const safetensors *file, const fixture_name *names,
                            const char *prefix)
{
    gap_sums sums = {0};
    add_gaps(&sums, s, file, names, prefix, session_parameter_get, LEARNED | 1 << ODEON_PARAM_STATE,
             false);
    assert_true(sums.n > 0);
    return measure_gaps(&sums);
}
