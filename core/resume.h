/* resume.h: a run that goes on where its newest sound checkpoint stands. */
#ifndef ODEON_CORE_RESUME_H
#define ODEON_CORE_RESUME_H
#include "checkpoint.h"
#include "command_line.h"
#include "setup.h"

typedef struct resume {
    run_dir *dir;
    checkpoint_file *from; /* NULL: there is none, the run begins at step 0 */
} resume;

/* Takes the run's folder a->operands[0], finds its checkpoint and loads its effective.ini with the
 * other operands as overrides: only such as cannot change the bits of a step. What the number of
 * workers was it stays. ODEON_ERR_CONFIG and what setup_open, run_dir_open answer. Both out can be
 * given to their opposites whatever the answer. */
odeon_status resume_open(const command_line *a, setup *s, resume *out);
/* Puts the session and the folder where the checkpoint has them. samples: of an epoch. */
odeon_status resume_restore(const resume *r, const setup *s, int64_t samples);
/* Says which plugins, machine or data are others than those that the run began with. */
void resume_warn(const resume *r, const manifest_facts *now);
odeon_status resume_close(resume *r);

/* The command that goes on with the run in folder, as a shell wants it: with this command line's
 * program and plugin paths. The caller frees it; NULL without memory. */
char *resume_command(const command_line *a, const char *folder);

#endif
