#include "command/watching.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"

/* Every observer below is one that an INI can name as well. */
static odeon_status add(watching *w, char *text)
{
    if (text == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "command line: no memory");
    }
    w->list[w->n++] = text;
    return ODEON_OK;
}

/* What the last letter multiplies with; 0: it is none. */
static double unit_of(char letter)
{
    return letter == 's' ? 1.0 : letter == 'm' ? 60.0 : letter == 'h' ? 3600.0 : 0.0;
}

odeon_status watching_seconds(const char *option, const char *text, double *out)
{
    enum { DAY = 86400 };
    char digits[NUMBER_TEXT_BYTES] = "";
    size_t n = strlen(text);
    double unit = n > 0 ? unit_of(text[n - 1]) : 0.0;
    n -= unit > 0.0;
    memcpy(digits, text, n < sizeof digits ? n : 0);
    if (number_parse_f64(digits, out) == NUMBER_OK) {
        *out *= unit > 0.0 ? unit : 1.0;
        if (*out >= 0.0 && *out <= DAY) {
            return ODEON_OK;
        }
    }
    return diag_fail(ODEON_ERR_CONFIG, "%s %s: is no time of up to a day, as 10s, 2m or 1h", option,
                     text);
}

static odeon_status add_report(const command_line *a, watching *w)
{
    double seconds;
    const char *text = a->value[ARGUMENT_REPORT_EVERY];
    if (text == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(watching_seconds("--report-every", text, &seconds));
    return add(w, mem_printf("report(every=%.17g)", seconds));
}

/* Without a value the observer's own port. */
static odeon_status add_server(const command_line *a, watching *w)
{
    enum { LAST_PORT = 65535 };
    int64_t port;
    const char *text = a->value[ARGUMENT_SERVE];
    if (text == NULL || text[0] == '\0') {
        return text != NULL ? add(w, mem_strdup("serve")) : ODEON_OK;
    }
    if (number_parse_i64(text, &port) != NUMBER_OK || port < 0 || port > LAST_PORT) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "--serve %s: is no port: 1 to %d, or 0 for one that is free", text,
                         LAST_PORT);
    }
    return add(w, mem_printf("serve(port=%" PRId64 ")", port));
}

odeon_status watching_read(const command_line *a, watching *out)
{
    *out = (watching){.n = 0};
    ODEON_TRY(add_report(a, out));
    ODEON_TRY(add_server(a, out));
    return a->value[ARGUMENT_PLOT] != NULL ? add(out, mem_strdup("terminal")) : ODEON_OK;
}

void watching_fini(watching *w)
{
    for (size_t i = 0; i < w->n; i++) {
        mem_free(w->list[i]);
    }
    *w = (watching){.n = 0};
}
