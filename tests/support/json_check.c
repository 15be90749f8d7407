#include "json_check.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

enum { MAX_DEPTH = 32, MAX_NAMES = 64 };

/* Functions take what they expect and answer whether it was there. */
typedef struct reader {
    const char *text;
    size_t at;
    int depth;
} reader;

static bool take_value(reader *r);

static void skip_blanks(reader *r)
{
    r->at += strspn(r->text + r->at, " \t\r\n");
}

static bool take(reader *r, char c)
{
    if (r->text[r->at] != c) {
        return false;
    }
    r->at++;
    return true;
}

static bool take_word(reader *r, const char *word)
{
    if (strncmp(r->text + r->at, word, strlen(word)) != 0) {
        return false;
    }
    r->at += strlen(word);
    return true;
}

static bool take_escape(reader *r)
{
    if (take(r, 'u')) {
        size_t digits = strspn(r->text + r->at, "0123456789abcdefABCDEF");
        r->at += digits < 4 ? digits : 4;
        return digits >= 4;
    }
    if (r->text[r->at] == '\0' || strchr("\"\\/bfnrt", r->text[r->at]) == NULL) {
        return false;
    }
    r->at++;
    return true;
}

static bool take_string(reader *r)
{
    if (!take(r, '"')) {
        return false;
    }
    while (!take(r, '"')) {
        const unsigned char *c = (const unsigned char *)r->text + r->at;
        size_t bytes = c[0] < 0x20 ? 0 : text_utf8(c, strnlen(r->text + r->at, 4));
        if (bytes == 0) {
            return false;
        }
        r->at += bytes;
        if (c[0] == '\\' && !take_escape(r)) {
            return false;
        }
    }
    return true;
}

static bool take_digits(reader *r)
{
    size_t n = strspn(r->text + r->at, "0123456789");
    r->at += n;
    return n > 0;
}

static bool take_number(reader *r)
{
    (void)take(r, '-');
    if (!take(r, '0') && !take_digits(r)) {
        return false;
    }
    if (take(r, '.') && !take_digits(r)) {
        return false;
    }
    if (take(r, 'e') || take(r, 'E')) {
        (void)(take(r, '+') || take(r, '-'));
        return take_digits(r);
    }
    return true;
}

static bool take_array(reader *r)
{
    (void)take(r, '[');
    skip_blanks(r);
    if (take(r, ']')) {
        return true;
    }
    do {
        if (!take_value(r)) {
            return false;
        }
    } while (take(r, ','));
    return take(r, ']');
}

/* The names of one object, as they stand between their quotes. */
typedef struct names {
    size_t n;
    const char *start[MAX_NAMES];
    size_t bytes[MAX_NAMES];
} names;

static bool take_name(reader *r, names *seen)
{
    size_t start = r->at;
    if (!take_string(r) || seen->n == MAX_NAMES) {
        return false;
    }
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->bytes[i] == r->at - start &&
            memcmp(seen->start[i], r->text + start, seen->bytes[i]) == 0) {
            r->at = start;
            return false;
        }
    }
    seen->start[seen->n] = r->text + start;
    seen->bytes[seen->n++] = r->at - start;
    return true;
}

static bool take_object(reader *r)
{
    names seen = {0};
    (void)take(r, '{');
    skip_blanks(r);
    if (take(r, '}')) {
        return true;
    }
    do {
        skip_blanks(r);
        if (!take_name(r, &seen)) {
            return false;
        }
        skip_blanks(r);
        if (!take(r, ':') || !take_value(r)) {
            return false;
        }
    } while (take(r, ','));
    return take(r, '}');
}

static bool take_value(reader *r)
{
    bool taken = false;
    skip_blanks(r);
    switch (r->text[r->at]) {
    case '{':
        taken = ++r->depth <= MAX_DEPTH && take_object(r);
        r->depth--;
        break;
    case '[':
        taken = ++r->depth <= MAX_DEPTH && take_array(r);
        r->depth--;
        break;
    case '"':
        taken = take_string(r);
        break;
    case 't':
        taken = take_word(r, "true");
        break;
    case 'f':
        taken = take_word(r, "false");
        break;
    case 'n':
        taken = take_word(r, "null");
        break;
    default:
        taken = take_number(r);
        break;
    }
    skip_blanks(r);
    return taken;
}

bool json_check(const char *text, size_t *at)
{
    reader r = {.text = text};
    bool whole = take_value(&r) && text[r.at] == '\0';
    *at = r.at;
    return whole;
}
