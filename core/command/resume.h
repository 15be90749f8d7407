/* resume.h: a run that goes on where its newest sound checkpoint stands. */
#ifndef ODEON_CORE_COMMAND_RESUME_H
#define ODEON_CORE_COMMAND_RESUME_H
#include "command/command_line.h"
#include "command/setup.h"
#include "format/checkpoint.h"
#include "run/run_dir.h"

typedef struct resume {
    run_dir *dir;
    checkpoint_file *from; /* NULL: the run begins at step 0 */
    bool changed;          /* the configuration or the data are others, which is accepted */
} resume;

/* Takes the run's folder a->operands[0], finds its checkpoint and loads its effective.ini with the
 * other operands as overrides: only such as cannot change the bits of a step (config_changes.h),
 * or, with --accept-changes, any. What the number of workers was it stays. A run that has results
 * and no checkpoint that can be used is refused (ODEON_ERR_DATA, ODEON_ERR_IO) and left as it is,
 * but with --from-start, which looks for none. ODEON_ERR_CONFIG and what setup_open, run_dir_open
 * answer. Both out can be given to their opposites whatever the answer. */
odeon_status resume_open(const command_line *a, setup *s, resume *out);
/* Puts the session and the folder where the checkpoint has them, if configuration and data are
 * those of it or a has --accept-changes, which names what is another; then r->changed. With
 * --from-start moves what the run had come to out of the way. Weights that a finished run lacks are
 * written again. ODEON_ERR_CONFIG, ODEON_ERR_DATA: the folder is as it was. */
odeon_status resume_restore(const command_line *a, const setup *s, const manifest_facts *facts,
                            resume *r);
/* Says which plugins or machine are others than those that the run began with. */
void resume_warn(const resume *r, const manifest_facts *now);
odeon_status resume_close(resume *r);

/* The command that goes on with the run in folder, as a shell wants it: with this command line's
 * program and plugin paths. The caller frees it; NULL without memory. */
char *resume_command(const command_line *a, const char *folder);

#endif
