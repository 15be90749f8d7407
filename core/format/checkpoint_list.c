#include "format/checkpoint_list.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"

static const char prefix[] = "ckpt-", suffix[] = ".safetensors";

char *checkpoint_list_folder(const char *run)
{
    return mem_printf("%s/" CHECKPOINT_LIST_FOLDER, run);
}

/* The number without leading zeros, as parse_name wants it. */
char *checkpoint_list_path(const char *folder, int64_t step)
{
    return mem_printf("%s/%s%" PRId64 "%s", folder, prefix, step, suffix);
}

/* The step in a name as checkpoint_list_path makes it. No zero stands in front, so that one step
 * has one name. At most 19 digits, which every int64 has room for. */
static bool parse_name(const char *name, int64_t *step)
{
    enum { DIGITS = 19 };
    char digits[DIGITS + 1] = "";
    size_t before = sizeof prefix - 1, after = sizeof suffix - 1, n = strlen(name);
    if (n <= before + after || n > before + after + DIGITS || strncmp(name, prefix, before) != 0 ||
        strcmp(name + n - after, suffix) != 0 || (name[before] == '0' && n != before + 1 + after)) {
        return false;
    }
    memcpy(digits, name + before, n - before - after);
    return number_parse_i64(digits, step) == NUMBER_OK && *step >= 0;
}

/* For qsort; a difference of two int64 could overflow. */
static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* The list doubles, so that a folder of many files is still read in linear time. */
static odeon_status add_step(int64_t step, size_t *n, int64_t **steps)
{
    int64_t *more = mem_grow(*steps, *n, sizeof *more);
    if (more == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory for a list of checkpoints");
    }
    *steps = more;
    more[(*n)++] = step;
    return ODEON_OK;
}

/* Other names are passed over: a folder may hold what a user put there, and temporary files of
 * another process. */
odeon_status checkpoint_list_steps(const char *folder, size_t *n, int64_t **steps)
{
    *n = 0;
    *steps = NULL;
    DIR *list = opendir(folder);
    if (list == NULL) {
        return errno == ENOENT ? ODEON_OK
                               : diag_fail(ODEON_ERR_IO, "%s: cannot open the folder: %s", folder,
                                           strerror(errno));
    }
    odeon_status status = ODEON_OK;
    const struct dirent *e = readdir(list);
    for (int64_t step; e != NULL && status == ODEON_OK; e = readdir(list)) {
        if (parse_name(e->d_name, &step)) {
            status = add_step(step, n, steps);
        }
    }
    (void)closedir(list);
    if (status != ODEON_OK) {
        mem_free(*steps);
        *steps = NULL;
        *n = 0;
    } else if (*n > 1) {
        qsort(*steps, *n, sizeof **steps, newest_first);
    }
    return status;
}

/* Newer ones than step are of no concern here: they belong to a run that had gone further before it
 * was resumed from this one, and each is replaced when this run comes there. */
void checkpoint_list_prune(const char *folder, int64_t step, size_t keep)
{
    size_t n, kept = 0;
    int64_t *steps;
    if (checkpoint_list_steps(folder, &n, &steps) != ODEON_OK) {
        diag_clear(); /* too many files are no failure of a run */
    }
    for (size_t i = 0; i < n; i++) {
        kept += steps[i] <= step;
        char *path = kept > keep ? checkpoint_list_path(folder, steps[i]) : NULL;
        if (path != NULL) {
            (void)unlink(path);
        }
        mem_free(path);
    }
    mem_free(steps);
}
