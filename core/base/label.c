#include "base/label.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

/* strnlen, because text may come from a plugin and need not end within the limit. */
bool label_is_line(const char *text)
{
    size_t left = text != NULL ? strnlen(text, LABEL_MAX_BYTES + 1) : LABEL_MAX_BYTES + 1;
    if (left > LABEL_MAX_BYTES) {
        return false;
    }
    const unsigned char *c = (const unsigned char *)text;
    while (left > 0) {
        size_t bytes = text_utf8(c, left);
        if (bytes == 0 || text_control(c, bytes) >= 0) {
            return false;
        }
        c += bytes;
        left -= bytes;
    }
    return true;
}

/* Plain comparisons rather than isalpha, whose answer depends on the locale. The length is looked
 * at first, as text may come from a plugin. A NUL within the limit is sure then. */
static bool is_name(const char *text, bool lower_only)
{
    if (text == NULL || strnlen(text, LABEL_MAX_ID_BYTES + 1) > LABEL_MAX_ID_BYTES) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (!lower_only && *c >= 'A' && *c <= 'Z');
        bool other = (*c >= '0' && *c <= '9') || *c == '_';
        if (!letter && !(other && c > text)) {
            return false;
        }
    }
    return text[0] != '\0';
}

/* Both cases, unlike the name of an option. */
bool label_is_id(const char *text)
{
    return is_name(text, false);
}

/* Copies the part before the @, because the check of an id needs a text that ends there. */
bool label_is_kernel(const char *text)
{
    char id[LABEL_MAX_ID_BYTES + 1];
    const char *at = text != NULL ? strchr(text, '@') : NULL;
    if (at == NULL || (size_t)(at - text) >= sizeof id) {
        return false;
    }
    memcpy(id, text, (size_t)(at - text));
    id[at - text] = '\0';
    return label_is_id(id) && label_is_id(at + 1);
}

/* Lower case alone, so that no two options of a component differ by case only. */
bool label_is_option_name(const char *text)
{
    return is_name(text, true);
}

/* Every word must be non-empty and no longer than an id. */
bool label_is_aliases(const char *text)
{
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    const char *word = text;
    if (text == NULL) {
        return true;
    }
    for (;;) {
        size_t n = strspn(word, characters);
        if (n == 0 || n > LABEL_MAX_ID_BYTES || (word[n] != '|' && word[n] != '\0')) {
            return false;
        }
        if (word[n] == '\0') {
            return label_is_line(text);
        }
        word += n + 1;
    }
}

/* Without the limit of an id: keys and names of sections are bounded where an INI is read. */
bool label_is_name(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return strspn(text, letters) > 0 && text[strspn(text, more)] == '\0';
}
