#include "config/evaluation.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"

static const char *const units[] = {
    [CONFIG_EPOCHS] = "epoch", [CONFIG_STEPS] = "step", [CONFIG_SECONDS] = "second"};

enum { N_UNITS = sizeof units / sizeof units[0] };

/* One message for every fault: the examples say more than a distinction between a missing number
 * and a missing unit. */
static odeon_status refuse(const option_value *value)
{
    return location_fail(value->where, "run",
                         "eval_every = %.60s: give a number of epochs, steps or seconds, such as "
                         "10 epochs, 500 steps or 25 seconds",
                         value->text);
}

/* One or many of it: "1 epoch" and "10 epochs" are both natural, and "1 epochs" is harmless. */
static bool is_unit(const char *word, const char *unit)
{
    size_t n = strlen(unit);
    return strncmp(word, unit, n) == 0 && (word[n] == '\0' || strcmp(word + n, "s") == 0);
}

/* Time may be a fraction; epochs and steps are counted. Both fields are set, so that of the two the
 * one that does not apply is 0. */
static bool parse_number(config *c, const char *text)
{
    c->eval_every = 0;
    c->eval_seconds = 0.0;
    if (c->eval_unit == CONFIG_SECONDS) {
        return number_parse_f64(text, &c->eval_seconds) == NUMBER_OK && c->eval_seconds > 0.0;
    }
    return number_parse_i64(text, &c->eval_every) == NUMBER_OK && c->eval_every > 0;
}

/* Splits text into its number, which goes to number, and the index of its unit among the first
 * n_units. Numbers longer than any that could be valid are refused before they are copied. */
static bool split(const char *text, int32_t n_units, char number[NUMBER_TEXT_BYTES], int32_t *unit)
{
    size_t digits = strcspn(text, " \t");
    const char *word = text + digits + strspn(text + digits, " \t");
    int32_t i = 0;
    while (i < n_units && !is_unit(word, units[i])) {
        i++;
    }
    if (i == n_units || digits >= NUMBER_TEXT_BYTES) {
        return false;
    }
    memcpy(number, text, digits);
    number[digits] = '\0';
    *unit = i;
    return true;
}

/* The number is written into the normal form as it was typed, since it has been understood; only
 * the unit is put into its proper form. */
static odeon_status set_normal_form(const char *key, option_value *value, const char *number,
                                    int32_t unit)
{
    char *text = mem_printf("%s %s%s", number, units[unit], strcmp(number, "1") == 0 ? "" : "s");
    if (text == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for %s", key);
    }
    mem_free(value->text);
    value->text = text;
    return ODEON_OK;
}

odeon_status evaluation_read(config *c, option_value *value)
{
    char number[NUMBER_TEXT_BYTES];
    if (!split(value->text, N_UNITS, number, &c->eval_unit) || !parse_number(c, number)) {
        return refuse(value);
    }
    return set_normal_form("run.eval_every", value, number, c->eval_unit);
}

odeon_status evaluation_read_count(const char *section, const char *name, option_value *value,
                                   config_count *out)
{
    char number[NUMBER_TEXT_BYTES];
    *out = (config_count){.every = 0};
    if (!value->set) {
        return ODEON_OK;
    }
    if (!split(value->text, CONFIG_STEPS + 1, number, &out->unit) ||
        number_parse_i64(number, &out->every) != NUMBER_OK || out->every < 1) {
        return location_fail(value->where, section,
                             "%s = %.60s: give a number of epochs or steps, such as 10 epochs or "
                             "500 steps",
                             name, value->text);
    }
    return set_normal_form(name, value, number, out->unit);
}
