#define _POSIX_C_SOURCE 200809L
#include "fitted_text.h"

#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the character that begins at p, as RFC 3629 has them; 0: none does. */
static size_t character(const uint8_t *p)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    bool sound = n > 0 && p[0] <= 0xf4;
    for (size_t i = 1; i < n && sound; i++) {
        sound = (p[i] & 0xc0) == 0x80;
    }
    bool outside = n > 1 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
                             (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f));
    return sound && !outside ? n : 0;
}

bool fitted_is_text(const char *word)
{
    const uint8_t *p = (const uint8_t *)word;
    for (size_t n; *p != '\0'; p += n) {
        n = character(p);
        if (n == 0) {
            return false;
        }
    }
    return true;
}

static odeon_status add_line(const odeon_host *host, fitted_text *t, const char *key,
                             const char *rest)
{
    uint64_t more = strlen(key) + strlen(rest) + 2;
    if (t->bytes + more + 1 > t->room) {
        uint64_t room = 2 * (t->bytes + more + 1);
        char *text = host->alloc(host, room);
        if (text == NULL) {
            return odeon_fail(host, ODEON_ERR_NOMEM, "no memory for what was fitted");
        }
        if (t->text != NULL) {
            memcpy(text, t->text, t->bytes);
        }
        host->free(host, t->text);
        t->text = text;
        t->room = room;
    }
    (void)snprintf(t->text + t->bytes, t->room - t->bytes, "%s %s\n", key, rest);
    t->bytes += more;
    return ODEON_OK;
}

odeon_status fitted_add_word(const odeon_host *host, fitted_text *t, const char *key,
                             const char *word)
{
    return add_line(host, t, key, word);
}

/* The thread's locale decides how numbers are written and read. */
odeon_status fitted_add_numbers(const odeon_host *host, fitted_text *t, const char *key, double a,
                                double b)
{
    char rest[64];
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = uselocale(c);
    (void)snprintf(rest, sizeof rest, "%.17g %.17g", a, b);
    (void)uselocale(before);
    freelocale(c);
    return add_line(host, t, key, rest);
}

void fitted_text_free(const odeon_host *host, fitted_text *t)
{
    host->free(host, t->text);
    *t = (fitted_text){0};
}

bool fitted_take_word(const char **text, const char *key, char *word, uint64_t room)
{
    size_t n = strlen(key), length = strcspn(*text, "\n");
    if (strncmp(*text, key, n) != 0 || (*text)[n] != ' ' || length < n + 1 ||
        length - n - 1 >= room || (*text)[length] != '\n') {
        return false;
    }
    memcpy(word, *text + n + 1, length - n - 1);
    word[length - n - 1] = '\0';
    *text += length + 1;
    return true;
}

bool fitted_take_numbers(const char **text, const char *key, double *a, double *b)
{
    char line[128], *end, *last;
    const char *at = *text;
    if (!fitted_take_word(&at, key, line, sizeof line)) {
        return false;
    }
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = uselocale(c);
    *a = strtod(line, &end);
    *b = strtod(end, &last);
    (void)uselocale(before);
    freelocale(c);
    bool sound = end != line && last != end && *last == '\0';
    *text = sound ? at : *text;
    return sound;
}
