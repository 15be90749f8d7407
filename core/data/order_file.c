#include "data/order_file.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/read_file.h"

enum { INDEX_DIGITS = 19 }; /* of the largest int64 */

/* Longer texts cannot be an int64: digits then stays empty, which is no number either. */
static odeon_status read_index(const char *path, int line, const char *token, size_t length,
                               int64_t stored, int64_t *out)
{
    char digits[INDEX_DIGITS + 1] = "";
    if (length <= INDEX_DIGITS) {
        memcpy(digits, token, length); /* the rest is NUL */
    }
    if (number_parse_i64(digits, out) != NUMBER_OK || *out < 0 || *out >= stored) {
        return diag_fail(ODEON_ERR_DATA, "%s:%d: '%.*s' is no sample: expected 0 to %lld", path,
                         line, length > 40 ? 40 : (int)length, token, (long long)stored - 1);
    }
    return ODEON_OK;
}

/* Indices from text, which ends in NUL; order has room for all. */
static odeon_status parse_order(const char *path, const char *text, size_t bytes, int64_t stored,
                                int64_t *order, int64_t *n)
{
    int line = 1;
    *n = 0;
    for (size_t at = 0; at < bytes;) {
        size_t length = strcspn(text + at, " \t\r\n");
        if (length > 0) {
            ODEON_TRY(read_index(path, line, text + at, length, stored, &order[(*n)++]));
            at += length;
        } else if (text[at] == '\0') {
            return diag_fail(ODEON_ERR_DATA, "%s:%d: not a text file: it has a NUL", path, line);
        } else {
            line += text[at] == '\n';
            at++;
        }
    }
    return *n > 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_DATA, "%s: has no indices of samples: give one a line", path);
}

/* The order is the caller's on failure too, so nothing is freed here. */
odeon_status order_file_read(const char *path, int64_t stored, int64_t **order, int64_t *n)
{
    char *text;
    size_t bytes;
    *order = NULL;
    *n = 0;
    ODEON_TRY(read_file(path, &text, &bytes));
    *order = mem_zalloc(bytes / 2 + 1, sizeof **order); /* every index has a digit and a blank */
    odeon_status status = *order != NULL
                              ? parse_order(path, text, bytes, stored, *order, n)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its indices", path);
    mem_free(text);
    return status;
}
