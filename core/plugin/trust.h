/* trust.h: may a file be run as code, as far as owners and modes of files and folders say? */
#ifndef ODEON_CORE_PLUGIN_TRUST_H
#define ODEON_CORE_PLUGIN_TRUST_H
#include <stdbool.h>
#include <sys/stat.h>

#include "odeon/status.h"

typedef enum trust_verdict {
    TRUST_YES,
    TRUST_OWNER,   /* it belongs to somebody else */
    TRUST_WRITERS, /* somebody else may write to it */
    TRUST_GROUP    /* a group of the owner's own number may: others if it has other members */
} trust_verdict;

/* Who else than root, the user and host could change what s describes? host is whoever owns the
 * program itself where that matters, else the user. A folder's sticky bit is not looked at. [any]
 */
trust_verdict trust_judge(const struct stat *s, uid_t user, uid_t host);

/* May nobody else than root and the effective user change, replace or add to what is loaded as
 * file? The file, its folder and all folders above it, those of every link on the way too, must
 * belong to one of the two and be writable by nobody else. A sticky folder that others may write to
 * passes only well above the file: neither as the file's folder nor as folder, below which plugins
 * are looked for, since others may add to it; what stands in it cannot be replaced by others.
 *
 * file is absolute. folder is the one below which file was found, or NULL: file was named. own: it
 * is the program's own, of the build or the installation; then the folders above it are not looked
 * at, and the owner of the program is trusted, too: whoever may change those may change the
 * program.
 *
 * What has passed can be changed by nobody else between this and the loading: what is judged lies
 * in a folder that was judged before. ODEON_ERR_PLUGIN, ODEON_ERR_IO, with a message that
 * starts with file. [any] */
odeon_status trust_check(const char *file, const char *folder, bool own);
/* The same of the open file alone, once the way to it has been judged: whoever may change files
 * there, root or the user, may have put another in its place. [any] */
odeon_status trust_check_open(const char *file, int fd, bool own);

#endif
