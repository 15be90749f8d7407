/* classes.h: classes that are words: named by those of the training split, numbered in the order of
 * the alphabet, so that their numbers do not depend on that of the rows. */
#ifndef ODEON_DATASET_COMMON_CLASSES_H
#define ODEON_DATASET_COMMON_CLASSES_H
#include "fitted_text.h"
#include "words.h"

/* "setosa, versicolor, ...", as many as fit; returns text. */
const char *classes_list(const words *names, char *text, uint64_t bytes);
/* Adds the words of found to names in ascending order, and a line "class WORD" each to fitted.
 * ODEON_ERR_NOMEM. */
odeon_status classes_sort(const odeon_host *host, const words *found, words *names,
                          fitted_text *fitted);
/* Takes the lines "class WORD" at *text, on to the next other one, to names and fitted.
 * ODEON_ERR_NOMEM. */
odeon_status classes_take(const odeon_host *host, const char **text, words *names,
                          fitted_text *fitted);

#endif
