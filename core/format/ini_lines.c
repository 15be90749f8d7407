#include "format/ini_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/text.h"

/* As strspn wants them. */
static const char blanks[] = " \t";

/* The blanks of an INI; a carriage return is none. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* section and context are left to the caller. */
void ini_lines_init(ini_lines *lines, const char *name, const char *text, size_t bytes)
{
    lines->name = name;
    lines->next = text;
    lines->end = text + bytes;
    lines->line = 0;
    lines->length = lines->given = 0;
    lines->piece = false;
    lines->status = ODEON_OK;
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        lines->next += 3;
    }
}

/* The text is printed first, as location_fail takes arguments and not a list of them. */
void ini_lines_fail(ini_lines *lines, const char *format, ...)
{
    char text[DIAG_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    location where = {.file = lines->name, .line = lines->line};
    lines->status = location_fail(where, NULL, "%s", text);
}

/* ---- bytes ---- */

/* What is wrong with the bytes of one line, comments included; NULL: nothing. Each fault has its
 * own words, because what a user has to do about it differs. */
static const char *byte_fault(const unsigned char *text, size_t n)
{
    if (n >= 2 && ((text[0] == 0xff && text[1] == 0xfe) || (text[0] == 0xfe && text[1] == 0xff))) {
        return "this is UTF-16: save the file as UTF-8";
    }
    for (size_t i = 0, length; i < n; i += length) {
        length = text_utf8(text + i, n - i);
        if (text[i] == '\0') {
            return "a NUL byte: this is no text file";
        }
        if (text[i] == '\r') {
            return "a carriage return within a line: end lines with LF or CR LF";
        }
        if ((text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f) {
            return "a control character: take it out";
        }
        if (length == 0) {
            return "this is not UTF-8: save the file as UTF-8";
        }
        if (length == 3 && memcmp(text + i, "\xef\xbb\xbf", 3) == 0) {
            return "a byte order mark in the middle of the text: take it out";
        }
    }
    return NULL;
}

/* ---- lines ---- */

/* The length of text, which no NUL ends, without a comment and blanks at its end. A comment after a
 * value starts with a blank and ;, which is what inih is built to take for one; # starts one only
 * at the beginning of a line. */
static size_t content_length(const char *text, size_t n)
{
    size_t first = 0;
    while (first < n && is_blank(text[first])) {
        first++;
    }
    if (first < n && text[first] == '#') {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ';' && (i == 0 || is_blank(text[i - 1]))) {
            n = i;
        }
    }
    while (n > 0 && is_blank(text[n - 1])) {
        n--;
    }
    return n;
}

/* Takes the next line into text; false at the end and on failure. The line is copied, since it is
 * cut and changed while the text of the caller stays. */
static bool take_line(ini_lines *l)
{
    if (l->next == l->end) {
        return false;
    }
    const char *newline = memchr(l->next, '\n', (size_t)(l->end - l->next));
    const char *start = l->next, *stop = newline != NULL ? newline : l->end;
    l->next = newline != NULL ? newline + 1 : l->end;
    l->line++;
    size_t n = (size_t)(stop - start);
    n -= newline != NULL && n > 0 && start[n - 1] == '\r';
    const char *fault = byte_fault((const unsigned char *)start, n);
    if (fault != NULL) {
        ini_lines_fail(l, "%s", fault);
        return false;
    }
    n = content_length(start, n);
    if (n > INI_FILE_MAX_LINE) {
        ini_lines_fail(l,
                       "%zu bytes in one line, at most %d are allowed: give options as keys of "
                       "their own, or split the section",
                       n, INI_FILE_MAX_LINE);
        return false;
    }
    memcpy(l->text, start, n);
    l->text[n] = '\0';
    l->length = n;
    l->given = 0;
    return true;
}

/* ---- what a line is ---- */

/* Everything that inih would read otherwise than it looks: a colon as separator, a # or ; where a
 * comment seems meant, a key or a value that is empty. */
static bool check_key(ini_lines *l)
{
    size_t name = strcspn(l->text, "=:");
    if (l->text[name] != '=') {
        ini_lines_fail(l, "'%.60s': expected key = value, or [section]%s", l->text,
                       l->text[name] == ':' ? "; a ':' does not take the place of '='" : "");
        return false;
    }
    size_t value = name + 1 + strspn(l->text + name + 1, blanks);
    while (name > 0 && is_blank(l->text[name - 1])) {
        name--;
    }
    if (name == 0 || name > INI_FILE_MAX_NAME) {
        ini_lines_fail(l, "a key has 1 to %d bytes, this one has %zu", INI_FILE_MAX_NAME, name);
    } else if (value == l->length) {
        ini_lines_fail(l, "'%.*s' has no value: give one, or take the line out", (int)name,
                       l->text);
    }
    /* What is a comment has been cut off, so a # or ; behind a blank was meant as one and is
     * none. */
    for (size_t i = value; i < l->length && l->status == ODEON_OK; i++) {
        bool after = i == value || is_blank(l->text[i - 1]);
        if (after && (l->text[i] == '#' || l->text[i] == ';')) {
            ini_lines_fail(l,
                           "'%.*s': '%c' starts no comment here: comments after a value start with "
                           "a blank and ;",
                           (int)name, l->text, l->text[i]);
        }
    }
    return l->status == ODEON_OK;
}

/* Puts the number of a section in the place of its name. inih keeps 50 bytes of a name and cuts the
 * rest, a number always fits. */
static bool number_section(ini_lines *l)
{
    size_t close = strcspn(l->text, "]");
    if (close == l->length) {
        ini_lines_fail(l, "'%.60s': the ']' is missing", l->text);
        return false;
    }
    if (close + 1 != l->length) {
        ini_lines_fail(l, "'%.60s': nothing but a comment may follow the ']'", l->text);
        return false;
    }
    while (close > 1 && is_blank(l->text[close - 1])) {
        close--;
    }
    l->text[close] = '\0';
    const char *name = l->text + 1 + strspn(l->text + 1, blanks);
    size_t n = strlen(name);
    if (n == 0 || n > INI_FILE_MAX_NAME) {
        ini_lines_fail(l, "a section's name has 1 to %d bytes, this one has %zu", INI_FILE_MAX_NAME,
                       n);
        return false;
    }
    int number = l->section(l, name);
    if (number >= 0) {
        l->length = (size_t)snprintf(l->text, sizeof l->text, "[%d]", number);
    }
    return number >= 0;
}

/* An indented line would be more of the value before it to inih, which it may silently be by
 * mistake. */
static bool check_line(ini_lines *l)
{
    if (is_blank(l->text[0])) {
        ini_lines_fail(l, "an indented line: a value is one line, keys and sections start "
                          "at its first column");
        return false;
    }
    return l->text[0] == '[' ? number_section(l) : check_key(l);
}

/* ---- pieces ---- */

/* Where the piece that starts at given ends so that at most room bytes are in it: between two bytes
 * that inih neither strips nor takes for a comment, the first of them within the value. 0: nowhere.
 * inih drops blanks at the ends of what it is given and takes a first ; or # for a comment, so
 * neither side of the cut may be one of them. */
static size_t find_break(const ini_lines *l, size_t room)
{
    size_t least = l->given;
    if (l->given == 0) {
        least = strcspn(l->text, "=") + 1;
        least += strspn(l->text + least, blanks);
    }
    for (size_t i = l->given + room; i > least; i--) {
        if (!is_blank(l->text[i - 1]) && !is_blank(l->text[i]) && l->text[i] != ';' &&
            l->text[i] != '#') {
            return i;
        }
    }
    return 0;
}

/* inih takes a line that starts with a blank for more of the value before it. Three bytes of room
 * are taken by that blank, the line break and the NUL. */
static char *hand_over(ini_lines *l, char *buffer, size_t bytes)
{
    l->piece = l->given > 0;
    size_t room = bytes - 3, stop = l->length; /* the blank before, LF and NUL after */
    if (l->length - l->given > room) {
        stop = find_break(l, room);
        if (stop == 0) {
            ini_lines_fail(l,
                           "more than 100 blanks or ; or # in a row in a long line: take some out");
            return NULL;
        }
    }
    (void)snprintf(buffer, bytes, "%s%.*s\n", l->piece ? " " : "", (int)(stop - l->given),
                   l->text + l->given);
    l->given = stop;
    return buffer;
}

/* Lines without content are passed over here; their numbers still count. */
char *ini_lines_read(char *buffer, int bytes, void *stream)
{
    ini_lines *l = stream;
    while (l->status == ODEON_OK && l->given == l->length) {
        if (!take_line(l) || (l->length > 0 && !check_line(l))) {
            return NULL;
        }
    }
    return l->status == ODEON_OK && bytes > 3 ? hand_over(l, buffer, (size_t)bytes) : NULL;
}
