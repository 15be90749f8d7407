#include "option/schema_parse.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/path.h"
#include "option/expression.h"
#include "option/kinds.h"
#include "option/schema_print.h"

/* One value under way from text to out. */
typedef struct reading {
    const component_reader *components;
    const odeon_option *option;
    const char *text;
    location where;
    const char *section, *folder;
    option_value *out;
} reading;

/* The text is cut at 120 bytes: enough to be recognized, and the reason behind it still fits. */
static odeon_status refuse(const reading *in, const char *why)
{
    return location_fail(in->where, in->section, "%s = %.120s: %s", in->option->name, in->text,
                         why);
}

/* For a value of the right form that is not allowed. */
static odeon_status refuse_value(const reading *in)
{
    char allowed[512] = "allowed: ";
    size_t n = strlen(allowed);
    schema_allowed(allowed + n, sizeof allowed - n, in->option);
    return refuse(in, allowed);
}

/* Without position: running out of memory is no fault of the line. */
static odeon_status no_memory(const reading *in)
{
    return diag_fail(ODEON_ERR_NOMEM, "out of memory for option '%s'", in->option->name);
}

/* For text that is no number of the type, or too large for it. A comma in a list is what those type
 * who come from other formats, so it has a message of its own. */
static odeon_status refuse_number(const reading *in, int fault, const char *what)
{
    char why[512], allowed[400];
    const odeon_option *o = in->option;
    schema_allowed(allowed, sizeof allowed, o);
    bool bounded = o->min_text != NULL || o->max_text != NULL;
    bool list = o->type == ODEON_OPTION_I64_LIST || o->type == ODEON_OPTION_F64_LIST;
    bool commas = list && fault == NUMBER_SYNTAX && strchr(in->text, ',') != NULL;
    (void)snprintf(why, sizeof why, "%s%s%s%s",
                   fault == NUMBER_SYNTAX ? what : "does not fit into 64 bits",
                   commas ? ": a list has blanks between its numbers, no commas" : "",
                   bounded ? "; allowed: " : "", bounded ? allowed : "");
    return refuse(in, why);
}

/* The normal form, from which the value is printed and compared. */
static odeon_status keep_text(const reading *in, const char *text)
{
    in->out->text = mem_strdup(text);
    return in->out->text != NULL ? ODEON_OK : no_memory(in);
}

/* ---- numbers ---- */

/* A bound that does not parse is none; option_table.c refuses such a plugin before. */
static bool within_i64(const odeon_option *o, int64_t value)
{
    int64_t bound = 0;
    if (o->min_text != NULL && number_parse_i64(o->min_text, &bound) == NUMBER_OK &&
        (value < bound || (value == bound && (o->flags & ODEON_OPTION_OPEN_MIN) != 0))) {
        return false;
    }
    return o->max_text == NULL || number_parse_i64(o->max_text, &bound) != NUMBER_OK ||
           value < bound || (value == bound && (o->flags & ODEON_OPTION_OPEN_MAX) == 0);
}

/* Of an option or of one element of a list. */
static odeon_status parse_i64(const reading *in, const char *text, int64_t *out)
{
    int fault = number_parse_i64(text, out);
    if (fault != NUMBER_OK) {
        return refuse_number(in, fault, "not a whole number");
    }
    return within_i64(in->option, *out) ? ODEON_OK : refuse_value(in);
}

/* A bound may be infinite; only an infinite bound makes infinity a value. */
static bool bound_f64(const char *text, double *out)
{
    if (text != NULL && (strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0)) {
        *out = text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    return text != NULL && number_parse_f64(text, out) == NUMBER_OK;
}

/* Comparisons are written so that NaN lies within no bound. */
bool schema_within(const odeon_option *o, double value)
{
    double bound = 0.0;
    if (bound_f64(o->min_text, &bound) &&
        !((o->flags & ODEON_OPTION_OPEN_MIN) != 0 ? value > bound : value >= bound)) {
        return false;
    }
    return !bound_f64(o->max_text, &bound) ||
           ((o->flags & ODEON_OPTION_OPEN_MAX) != 0 ? value < bound : value <= bound);
}

/* As typed: an infinite bound is the word itself. */
static bool is_bound(const char *text, const char *bound)
{
    return bound != NULL && strcmp(text, bound) == 0;
}

/* Infinity is not what number_parse_f64 reads; it is a value only where the table names it as a
 * bound. */
static odeon_status parse_f64(const reading *in, const char *text, double *out)
{
    bool infinite = (strcmp(text, "inf") == 0 && is_bound(text, in->option->max_text)) ||
                    (strcmp(text, "-inf") == 0 && is_bound(text, in->option->min_text));
    if (infinite) {
        (void)bound_f64(text, out);
    } else {
        int fault = number_parse_f64(text, out);
        if (fault != NUMBER_OK) {
            return refuse_number(in, fault, "not a number");
        }
    }
    return schema_within(in->option, *out) ? ODEON_OK : refuse_value(in);
}

/* Leading zeros and a minus before 0 vanish in the normal form. */
static odeon_status read_i64(const reading *in)
{
    char text[NUMBER_TEXT_BYTES];
    ODEON_TRY(parse_i64(in, in->text, &in->out->i));
    (void)snprintf(text, sizeof text, "%lld", (long long)in->out->i);
    return keep_text(in, text);
}

/* The normal form is the shortest text that reads back as the same double. */
static odeon_status read_f64(const reading *in)
{
    char text[NUMBER_TEXT_BYTES];
    ODEON_TRY(parse_f64(in, in->text, &in->out->f));
    number_print_f64(in->out->f, text);
    return keep_text(in, text);
}

/* ---- lists ---- */

/* More points than any solution is looked at; it keeps a slip of the finger from asking for
 * gigabytes. */
enum { MAX_EQUAL = 1000000 };
static const char equal_distances[] = "linspace(";

static const char blanks[] = " \t";

/* Blanks at both ends do not count. */
static size_t count_words(const char *text)
{
    size_t n = 0;
    for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks)) {
        text += strcspn(text, blanks);
        n++;
    }
    return n;
}

/* The index of the choice that is name and suffix; -1: none. The suffix is "" or "(path)", so that
 * a choice that takes a file is not found by its bare name. */
static int64_t find_choice(const char *choices, const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    int64_t index = 0;
    for (const char *choice = choices; choice != NULL; index++) {
        size_t length = strcspn(choice, "|");
        if (length == n + m && memcmp(choice, name, n) == 0 && memcmp(choice + n, suffix, m) == 0) {
            return index;
        }
        choice = choice[length] == '|' ? choice + length + 1 : NULL;
    }
    return -1;
}

/* Parses element index and writes its normal form to text, which has room. */
static odeon_status read_element(const reading *in, size_t index, const char *word, char *text)
{
    if (in->option->type == ODEON_OPTION_I64_LIST) {
        ODEON_TRY(parse_i64(in, word, &in->out->list_i[index]));
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%lld", (long long)in->out->list_i[index]);
    } else {
        ODEON_TRY(parse_f64(in, word, &in->out->list_f[index]));
        number_print_f64(in->out->list_f[index], text);
    }
    return ODEON_OK;
}

/* strtok_r cuts the copy that it is given. The texts are written one behind the other, with one
 * blank between. */
static odeon_status read_words(const reading *in, char *words)
{
    char *rest = NULL, *text = in->out->text;
    for (size_t i = 0; i < (size_t)in->out->n; i++) {
        if (i > 0) {
            *text++ = ' ';
        }
        ODEON_TRY(read_element(in, i, strtok_r(i == 0 ? words : NULL, blanks, &rest), text));
        text += strlen(text);
    }
    return ODEON_OK;
}

/* Memory for text and numbers is asked for by the count of words, before any is parsed; what was
 * taken is freed by schema_parse on failure. */
static odeon_status read_list(const reading *in)
{
    size_t n = count_words(in->text);
    if (n == 0 || n > INT32_MAX) {
        return refuse_value(in);
    }
    option_value *out = in->out;
    out->n = (int32_t)n;
    /* Room for the longest text of every number, so that the texts need not be measured first. */
    out->text = mem_zalloc(n + 1, NUMBER_TEXT_BYTES);
    if (in->option->type == ODEON_OPTION_I64_LIST) {
        out->list_i = mem_zalloc(n, sizeof *out->list_i);
    } else {
        out->list_f = mem_zalloc(n, sizeof *out->list_f);
    }
    char *words = mem_strdup(in->text);
    bool complete = words != NULL && out->text != NULL && (out->list_i || out->list_f);
    odeon_status status = complete ? read_words(in, words) : no_memory(in);
    mem_free(words);
    return status;
}

/* linspace(first last n): n values at equal distances, both ends among them. The last one is set
 * rather than computed, as rounding could miss it by a unit in the last place. */
static odeon_status fill_equal(const reading *in, char *const *words)
{
    char text[2][NUMBER_TEXT_BYTES];
    double end[2];
    int64_t n = 0;
    for (int i = 0; i < 2; i++) {
        ODEON_TRY(parse_f64(in, words[i], &end[i]));
        number_print_f64(end[i], text[i]);
    }
    if (number_parse_i64(words[2], &n) != NUMBER_OK || n < 2 || n > MAX_EQUAL) {
        return refuse(in, "linspace(first last n) needs a whole number n, 2 to 1000000");
    }
    option_value *out = in->out;
    out->text = mem_printf("linspace(%s %s %lld)", text[0], text[1], (long long)n);
    out->list_f = mem_zalloc((size_t)n, sizeof *out->list_f);
    if (out->text == NULL || out->list_f == NULL) {
        return no_memory(in);
    }
    out->n = (int32_t)n;
    for (int64_t i = 0; i < n; i++) {
        out->list_f[i] = end[0] + (end[1] - end[0]) * ((double)i / (double)(n - 1));
    }
    out->list_f[n - 1] = end[1];
    return ODEON_OK;
}

/* Blanks may stand within the brackets, and nothing behind them. */
static odeon_status read_equal(const reading *in)
{
    const char *inner = in->text + strlen(equal_distances);
    char *copy = mem_strdup(inner), *words[3] = {NULL}, *rest = NULL;
    if (copy == NULL) {
        return no_memory(in);
    }
    size_t n = strlen(copy);
    bool closed = n > 0 && copy[n - 1] == ')';
    copy[closed ? n - 1 : n] = '\0';
    bool three = closed && count_words(copy) == 3;
    for (int i = 0; i < 3 && three; i++) {
        words[i] = strtok_r(i == 0 ? copy : NULL, blanks, &rest);
    }
    odeon_status status =
        three ? fill_equal(in, words) : refuse(in, "expected linspace(first last n)");
    mem_free(copy);
    return status;
}

/* A list, or what may stand in its place. A word must be one of the choices as a whole; everything
 * else is taken for numbers. */
static odeon_status read_reals(const reading *in)
{
    const char *words = in->option->choices;
    in->out->i = words != NULL ? find_choice(words, in->text, "") : -1;
    if (in->out->i >= 0) {
        return keep_text(in, in->text);
    }
    bool equal = strncmp(in->text, equal_distances, strlen(equal_distances)) == 0;
    return equal ? read_equal(in) : read_list(in);
}

/* ---- words ---- */

/* The first four mean no. */
static odeon_status read_flag(const reading *in)
{
    static const char *const words[] = {"no", "false", "off", "0", "yes", "true", "on", "1"};
    for (int i = 0; i < 8; i++) {
        if (strcmp(in->text, words[i]) == 0) {
            in->out->i = i >= 4;
            return keep_text(in, i >= 4 ? "yes" : "no");
        }
    }
    return refuse_value(in);
}

/* A choice that is declared as name(path). Absolute at once, as the folder that it counts from is
 * known only here; then it must survive being printed into the normal form. */
static odeon_status set_choice_path(const reading *in, const expression *x)
{
    in->out->i = find_choice(in->option->choices, x->id, "(path)");
    if (in->out->i < 0 || x->n != 1 || strcmp(x->pairs[0].key, "path") != 0) {
        return refuse_value(in);
    }
    in->out->argument = path_absolute(x->pairs[0].value, in->folder);
    if (in->out->argument == NULL) {
        return no_memory(in);
    }
    ODEON_TRY(schema_check_text("path", in->out->argument, true, in->where));
    in->out->text = mem_printf("%s(path=%s)", x->id, in->out->argument);
    return in->out->text != NULL ? ODEON_OK : no_memory(in);
}

/* The words are compared as they are typed; case counts. */
static odeon_status read_choice(const reading *in)
{
    if (strchr(in->text, '(') == NULL) {
        in->out->i = find_choice(in->option->choices, in->text, "");
        return in->out->i >= 0 ? keep_text(in, in->text) : refuse_value(in);
    }
    expression x;
    ODEON_TRY(expression_parse(in->option->name, in->text, in->where, in->section, &x));
    odeon_status status = set_choice_path(in, &x);
    expression_fini(&x);
    return status;
}

/* state and classes get their numbers when the model is built (schema_bind_sizes). A number below 1
 * is no size, whatever the bounds say. */
static odeon_status read_size(const reading *in)
{
    if (strcmp(in->text, "state") == 0 || strcmp(in->text, "classes") == 0) {
        in->out->size_symbol = in->text[0] == 's' ? SIZE_STATE : SIZE_CLASSES;
        return keep_text(in, in->text);
    }
    int64_t number = 0;
    if (number_parse_i64(in->text, &number) != NUMBER_OK || number < 1) {
        return refuse_value(in);
    }
    return read_i64(in);
}

/* Whether the file is there is for its reader to find out: a configuration can be checked on
 * another machine. */
static odeon_status read_path(const reading *in)
{
    in->out->text = path_absolute(in->text, in->folder);
    return in->out->text != NULL ? ODEON_OK : no_memory(in);
}

/* The wing of plugins stands above this one, so it hands its reader down. */
static odeon_status read_component(const reading *in)
{
    int32_t kind = kind_by_name(in->option->choices);
    if (kind == 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "option '%s' is a component of the unknown kind '%s'",
                         in->option->name, in->option->choices);
    }
    return in->components->read(in->components->context, kind, in->text, in->where, in->section,
                                in->folder, &in->out->component);
}

/* A type beyond those that are known can only come from a plugin that is newer than the host. */
static odeon_status read_value(const reading *in)
{
    switch (in->option->type) {
    case ODEON_OPTION_I64:
        return read_i64(in);
    case ODEON_OPTION_F64:
        return read_f64(in);
    case ODEON_OPTION_FLAG:
        return read_flag(in);
    case ODEON_OPTION_STRING:
        return keep_text(in, in->text);
    case ODEON_OPTION_CHOICE:
        return read_choice(in);
    case ODEON_OPTION_PATH:
        return read_path(in);
    case ODEON_OPTION_I64_LIST:
        return read_list(in);
    case ODEON_OPTION_F64_LIST:
        return read_reals(in);
    case ODEON_OPTION_SIZE:
        return read_size(in);
    case ODEON_OPTION_COMPONENT:
        return read_component(in);
    default:
        return diag_fail(ODEON_ERR_PLUGIN,
                         "option '%s' has the type %d, which this host does not "
                         "know: the plugin is newer than the host",
                         in->option->name, (int)in->option->type);
    }
}

/* On failure out is empty, whatever a reader has put there. */
odeon_status schema_parse(const component_reader *components, const odeon_option *option,
                          const char *text, location where, const char *section, const char *folder,
                          option_value *out)
{
    *out = (option_value){0};
    const reading in = {.components = components,
                        .option = option,
                        .text = text,
                        .where = where,
                        .section = section,
                        .folder = folder,
                        .out = out};
    odeon_status status = text[0] != '\0' ? read_value(&in) : refuse(&in, "no value is given");
    if (status != ODEON_OK) {
        schema_value_clear(out);
        return status;
    }
    out->given = true;
    out->set = true;
    out->where = where;
    return ODEON_OK;
}
