/* What becomes of a step whose numbers went astray: it is kept as a bundle, and the run ends or
 * leaves it out. A run that leaves out step after step is not training any more, hence the limit in
 * a row; and a disk is not for hundreds of bundles, hence the limit of those that are kept. */
#include "run/failures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/host.h"
#include "run/failure_bundle.h"
#include "session/failed_batch.h"
#include "session/failure.h"

/* Becomes a warning; the failure of the step itself is reported in any case. */
static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "no memory for a bundle of the failed step");
}

/* RUN/failure/N with the first N that is free; *out stays NULL when there are enough. mkdir decides
 * who gets a number, and failures of before a resumption count. */
static odeon_status next_folder(const char *base, char **out)
{
    if (mkdir(base, 0777) != 0 && errno != EEXIST) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot create the folder: %s", base, strerror(errno));
    }
    for (int n = 1; n <= FAILURES_MAX_BUNDLES; n++) {
        char *folder = mem_printf("%s/%d", base, n);
        if (folder == NULL) {
            return no_memory();
        }
        if (mkdir(folder, 0777) == 0) {
            *out = folder;
            return ODEON_OK;
        }
        odeon_status status = errno == EEXIST
                                  ? ODEON_OK
                                  : diag_fail(ODEON_ERR_IO, "%s: cannot create the folder: %s",
                                              folder, strerror(errno));
        mem_free(folder);
        ODEON_TRY(status);
    }
    return ODEON_OK;
}

/* A run that stops has one failure, one that skips may have many. */
static odeon_status choose_folder(const failures *f, char **out)
{
    char *base = run_dir_file(f->dir, "failure");
    *out = NULL;
    if (base == NULL) {
        return no_memory();
    }
    if (f->config->on_failure == CONFIG_STOP) {
        *out = base;
        return ODEON_OK;
    }
    odeon_status status = next_folder(base, out);
    mem_free(base);
    return status;
}

/* Writes the failed batch as a bundle. *folder is where it is, or NULL if there is none; enough:
 * because there are enough. */
static void write_bundle(const failures *f, const char *reason, char **folder, bool *enough)
{
    *folder = NULL;
    *enough = false;
    if (session_failed_batch(f->session) == NULL) {
        return;
    }
    odeon_status status = choose_folder(f, folder);
    *enough = status == ODEON_OK && *folder == NULL;
    if (status == ODEON_OK && *folder != NULL) {
        status = bundle_write(f->session, f->config, *folder, reason);
    }
    if (status != ODEON_OK) {
        diag_log(ODEON_LOG_WARNING, "the failed step is not kept: %s", diag_message());
        mem_free(*folder);
        *folder = NULL;
    }
}

/* Only a training batch whose parameters could be put back can be left out; a test would be another
 * one without it. */
static bool may_skip(const failures *f)
{
    const session_batch *b = session_failed_batch(f->session);
    return f->config->on_failure == CONFIG_SKIP && b != NULL && b->training &&
           f->in_a_row <= FAILURES_MAX_IN_A_ROW;
}

/* The reason is put aside while the bundle is written, which may fail for a reason of its own. */
odeon_status failures_handle(failures *f)
{
    char *folder, how[80] = "";
    bool enough;
    const session_batch *b = session_failed_batch(f->session);
    diag_reason reason = diag_take();
    write_bundle(f, reason.text, &folder, &enough);
    f->in_a_row++;
    bool skip = may_skip(f);
    if (folder != NULL) {
        (void)snprintf(how, sizeof how, "; to repeat it: odeon replay ");
    }
    if (enough) {
        (void)snprintf(how, sizeof how, "; it is not kept: failure/ has %d steps already",
                       FAILURES_MAX_BUNDLES);
    }
    diag_clear();
    if (skip) {
        diag_log(ODEON_LOG_WARNING, "step %" PRId64 " is skipped: %s%s%s", b->step, reason.text,
                 how, folder != NULL ? folder : "");
    } else {
        const char *when = b != NULL && !b->training             ? " (in the test)"
                           : f->in_a_row > FAILURES_MAX_IN_A_ROW ? " (after ten skipped steps)"
                                                                 : "";
        (void)diag_fail(ODEON_ERR_NUMERIC, "%s%s%s%s", reason.text, when, how,
                        folder != NULL ? folder : "");
    }
    mem_free(folder);
    return skip ? ODEON_OK : ODEON_ERR_NUMERIC;
}
