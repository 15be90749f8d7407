#include "plugin/host_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/path.h"

/* Of the library where the host is one, else of the program: dladdr tells by an address in here. A
 * program that was started by a relative name is known to it by that name alone, which the working
 * directory may no longer fit. */
odeon_status host_file_path(char **out)
{
    static const char anchor = 0;
    Dl_info info;
    *out = NULL;
    if (dladdr(&anchor, &info) != 0 && info.dli_fname != NULL && info.dli_fname[0] == '/') {
        *out = realpath(info.dli_fname, NULL);
    }
    if (*out == NULL) { /* linked into a program that was found by another name */
        *out = realpath("/proc/self/exe", NULL);
    }
    return *out != NULL || errno != ENOMEM ? ODEON_OK
                                           : diag_fail(ODEON_ERR_NOMEM, "no memory for a path");
}

odeon_status host_file_folder(char **out)
{
    char *file = NULL;
    *out = NULL;
    ODEON_TRY(host_file_path(&file));
    if (file == NULL) {
        return ODEON_OK;
    }
    *out = path_folder(file);
    free(file);
    return *out != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "no memory for a path");
}
