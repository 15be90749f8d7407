/* fitted_text.h: what a data set fitted, as text that its weights carry: lines of a key and a word
 * or numbers, in the order in which they were written. */
#ifndef ODEON_DATASET_COMMON_FITTED_TEXT_H
#define ODEON_DATASET_COMMON_FITTED_TEXT_H
#include <stdbool.h>

#include "odeon/host.h"

/* Grows as lines are added. */
typedef struct fitted_text {
    char *text; /* ends with NUL; NULL: no line yet */
    uint64_t bytes, room;
} fitted_text;

/* Can the word travel with weights, whose header is UTF-8? */
bool fitted_is_text(const char *word);
/* "KEY WORD": the word may have blanks, and no line end. ODEON_ERR_NOMEM. */
odeon_status fitted_add_word(const odeon_host *host, fitted_text *t, const char *key,
                             const char *word);
/* "KEY A B", in digits that read back as the same numbers, in every locale. */
odeon_status fitted_add_numbers(const odeon_host *host, fitted_text *t, const char *key, double a,
                                double b);
void fitted_text_free(const odeon_host *host, fitted_text *t);

/* Reads the next line at *text if its key is that, and goes on to the one behind it: false where it
 * is another. The word is at most room - 1 bytes; a longer one is false. */
bool fitted_take_word(const char **text, const char *key, char *word, uint64_t room);
bool fitted_take_numbers(const char **text, const char *key, double *a, double *b);

#endif
