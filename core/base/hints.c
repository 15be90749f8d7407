#include "base/hints.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/nearest.h"

/* Folded comparison (nearest.h), so that learningRate finds learning_rate. aliases are separated by
 * '|'. */
bool hint_is(const char *name, hint_name known)
{
    if (nearest_same_word(name, known.name, strlen(known.name))) {
        return true;
    }
    for (const char *word = known.aliases; word != NULL && *word != '\0';) {
        size_t n = strcspn(word, "|");
        if (nearest_same_word(name, word, n)) {
            return true;
        }
        word += n + (word[n] == '|');
    }
    return false;
}

/* Lists every known name that matches, since one foreign word may stand for several options. Text
 * that has no room is cut by snprintf, whose result still counts all of it: used may pass bytes,
 * which ends the loop. */
bool hint_write_known(char *text, size_t bytes, const char *name, size_t n, const hint_name *names)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < n && used < bytes; i++) {
        if (hint_is(name, names[i])) {
            used += (size_t)snprintf(text + used, bytes - used, "%s'%s'",
                                     used == 0 ? ": did you mean " : " or ", names[i].name);
        }
    }
    if (used > 0 && used < bytes) {
        (void)snprintf(text + used, bytes - used, "?");
    }
    return used > 0;
}

/* An alias that is known exactly beats a merely similar spelling. Out of memory there is no hint,
 * which is no failure: the caller is about to report another. */
bool hint_write(char *text, size_t bytes, const char *name, size_t n, const hint_name *names)
{
    if (hint_write_known(text, bytes, name, n, names)) {
        return true;
    }
    /* Only names take part: an alias that is misspelled is too far a guess. */
    const char **plain = mem_zalloc(n, sizeof *plain);
    for (size_t i = 0; i < n && plain != NULL; i++) {
        plain[i] = names[i].name;
    }
    const char *nearest = plain != NULL ? nearest_name(name, n, plain) : NULL;
    mem_free(plain);
    if (nearest != NULL) {
        (void)snprintf(text, bytes, ": did you mean '%s'?", nearest);
    }
    return nearest != NULL;
}

/* In the order of the table, which is the order that help prints. */
void hint_list(char *text, size_t bytes, size_t n, const hint_name *names)
{
    size_t used =
        (size_t)snprintf(text, bytes, n > 0 ? ": allowed: " : ": nothing is allowed here");
    for (size_t i = 0; i < n && used < bytes; i++) {
        used +=
            (size_t)snprintf(text + used, bytes - used, "%s%s", i > 0 ? ", " : "", names[i].name);
    }
    if (used >= bytes) {
        diag_mark_cut(text, bytes);
    }
}
