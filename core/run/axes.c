#include "run/axes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/rng.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "values of a key: no memory");
}

/* ---- one key's values ---- */

static bool has_value(const axis *x, const char *value)
{
    for (size_t i = 0; i < x->n; i++) {
        if (strcmp(x->values[i], value) == 0) {
            return true;
        }
    }
    return false;
}

/* value is the axis's from now on, also on failure. */
static odeon_status append(axis *x, const char *what, char *value)
{
    if (value != NULL && has_value(x, value)) {
        odeon_status twice = diag_fail(ODEON_ERR_CONFIG, "%s: %s stands twice", what, value);
        mem_free(value);
        return twice;
    }
    char **values =
        value != NULL ? mem_reserve(x->values, &x->room, x->n + 1, 8, sizeof *values) : NULL;
    if (values == NULL || x->n >= AXES_MOST_VALUES) {
        mem_free(value);
        x->values = values != NULL ? values : x->values;
        return values == NULL
                   ? no_memory()
                   : diag_fail(ODEON_ERR_CONFIG, "%s: more than %d values", what, AXES_MOST_VALUES);
    }
    x->values = values;
    values[x->n++] = value;
    return ODEON_OK;
}

/* Is text[0 .. n-1] FROM..TO? */
static bool is_range(const char *text, size_t n, int64_t *from, int64_t *to)
{
    char copy[64];
    if (n >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, n);
    copy[n] = '\0';
    char *dots = strstr(copy, "..");
    if (dots == NULL) {
        return false;
    }
    *dots = '\0';
    return number_parse_i64(copy, from) == NUMBER_OK && number_parse_i64(dots + 2, to) == NUMBER_OK;
}

static odeon_status append_range(axis *x, const char *what, int64_t from, int64_t to)
{
    if (from > to) {
        return diag_fail(ODEON_ERR_CONFIG, "%s: %lld..%lld goes down; write the smaller one first",
                         what, (long long)from, (long long)to);
    }
    for (int64_t i = from;; i++) {
        ODEON_TRY(append(x, what, mem_printf("%lld", (long long)i)));
        if (i == to) {
            return ODEON_OK;
        }
    }
}

static bool is_escape(const char *p, const char *end)
{
    return *p == '\\' && p + 1 < end && (p[1] == '|' || p[1] == '.');
}

/* text[0 .. n-1] as it stands, without the backslashes that protect something. */
static odeon_status append_text(axis *x, const char *what, const char *text, size_t n)
{
    const char *end = text + n;
    char *value = mem_alloc(n + 1), *to = value;
    for (const char *p = text; value != NULL && p < end; p++) {
        p += is_escape(p, end);
        *to++ = *p;
    }
    if (value != NULL) {
        *to = '\0';
    }
    return append(x, what, value);
}

static odeon_status append_item(axis *x, const char *what, const char *text, size_t n)
{
    int64_t from, to;
    while (n > 0 && text[0] == ' ') {
        text++, n--;
    }
    while (n > 0 && text[n - 1] == ' ') {
        n--;
    }
    if (n == 0) {
        return diag_fail(ODEON_ERR_CONFIG, "%s: a value is missing", what);
    }
    return is_range(text, n, &from, &to) ? append_range(x, what, from, to)
                                         : append_text(x, what, text, n);
}

/* Where the value that begins at text ends: at a bar that no parentheses enclose, or at the end. */
static const char *end_of_item(const char *text)
{
    int depth = 0;
    for (; *text != '\0'; text++) {
        if (is_escape(text, text + 2)) {
            text++;
        } else if (*text == '(' || *text == ')') {
            depth += *text == '(' ? 1 : -1;
        } else if (*text == '|' && depth <= 0) {
            break;
        }
    }
    return text;
}

odeon_status axis_add(axis *x, const char *what, const char *text)
{
    for (;;) {
        const char *end = end_of_item(text);
        ODEON_TRY(append_item(x, what, text, (size_t)(end - text)));
        if (*end == '\0') {
            return ODEON_OK;
        }
        text = end + 1;
    }
}

void axis_fini(axis *x)
{
    for (size_t i = 0; i < x->n; i++) {
        mem_free(x->values[i]);
    }
    mem_free(x->values);
    mem_free(x->key);
    *x = (axis){.n = 0};
}

/* ---- all keys ---- */

static odeon_status parse_argument(const char *argument, axes *out)
{
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals == argument) {
        return diag_fail(ODEON_ERR_CONFIG, "'%s': must be KEY=VALUE or KEY=VALUE|VALUE|...",
                         argument);
    }
    axis *x = &out->list[out->n++];
    x->key = mem_printf("%.*s", (int)(equals - argument), argument);
    if (x->key == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i + 1 < out->n; i++) {
        if (strcmp(out->list[i].key, x->key) == 0) {
            return diag_fail(ODEON_ERR_CONFIG, "%s is given twice; write %s=a|b", x->key, x->key);
        }
    }
    return axis_add(x, x->key, equals + 1);
}

odeon_status axes_parse(size_t n, const char *const *arguments, axes *out)
{
    *out = (axes){.list = mem_zalloc(n, sizeof *out->list)};
    odeon_status status = out->list != NULL ? ODEON_OK : no_memory();
    for (size_t i = 0; i < n && status == ODEON_OK; i++) {
        status = parse_argument(arguments[i], out);
    }
    return status;
}

void axes_fini(axes *x)
{
    for (size_t i = 0; i < x->n; i++) {
        axis_fini(&x->list[i]);
    }
    mem_free(x->list);
    *x = (axes){.n = 0};
}

/* ---- the grid ---- */

odeon_status axes_size(const axes *x, size_t *out)
{
    *out = 1;
    for (size_t i = 0; i < x->n; i++) {
        *out *= x->list[i].n;
        if (*out > AXES_MOST_VALUES) {
            return diag_fail(ODEON_ERR_CONFIG, "more than %d combinations of values",
                             AXES_MOST_VALUES);
        }
    }
    return ODEON_OK;
}

const char *axes_value(const axes *x, size_t combination, size_t which)
{
    for (size_t i = x->n - 1; i > which; i--) {
        combination /= x->list[i].n;
    }
    return x->list[which].values[combination % x->list[which].n];
}

/* Fisher and Yates, from the front: the first k are settled after k exchanges. */
void axes_shuffle(size_t n, size_t *order)
{
    uint64_t key = rng_key(1, "axes", 0, 0);
    for (size_t i = 0; i < n; i++) {
        order[i] = i;
    }
    for (size_t i = 0; i + 1 < n; i++) {
        size_t j = i + (size_t)(rng_uniform(key, i) * (double)(n - i));
        size_t other = order[j < n ? j : n - 1];
        order[j < n ? j : n - 1] = order[i];
        order[i] = other;
    }
}
