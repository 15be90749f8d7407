#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int64_t read_file(void *self, void *buffer, uint64_t bytes)
{
    return regular_file_read(self, buffer, bytes);
}

/* Opens file->path; *found says whether it exists. */
static odeon_status open_path(const odeon_host *host, idx_file *file, bool *found)
{
    ODEON_TRY(regular_file_open(host, file->path, &file->file, found));
    file->source = (idx_source){
        .self = &file->file, .name = file->path, .bytes = file->file.bytes, .read = read_file};
    return ODEON_OK;
}

/* A path that does not fit is never truncated but refused as the system would. */
static odeon_status check_fits(const odeon_host *host, int length, const char *path)
{
    if (length < 0 || length >= REGULAR_FILE_PATH_BYTES) {
        return odeon_fail(host, ODEON_ERR_IO, "%.100s...: %s", path, strerror(ENAMETOOLONG));
    }
    return ODEON_OK;
}

static odeon_status open_explicit(const odeon_host *host, const char *path, idx_file *out)
{
    bool found;
    ODEON_TRY(check_fits(host, snprintf(out->path, sizeof out->path, "%s", path), path));
    ODEON_TRY(open_path(host, out, &found));
    return found ? ODEON_OK : odeon_fail(host, ODEON_ERR_DATA, "%s: no such file", path);
}

/* Tries the names under which the files are distributed, uncompressed ones first. */
odeon_status idx_file_open(const odeon_host *host, const char *folder, const char *prefix, int d,
                           const char *explicit_path, idx_file *out)
{
    out->file.fd = -1;
    if (explicit_path != NULL) {
        return open_explicit(host, explicit_path, out);
    }
    for (int i = 0; i < 4; i++) {
        bool found;
        const char *dot = i >= 2 ? "." : "-", *packed = i % 2 == 1 ? ".gz" : "";
        int length = snprintf(out->path, sizeof out->path, "%s/%s%sidx%d-ubyte%s", folder, prefix,
                              dot, d, packed);
        ODEON_TRY(check_fits(host, length, folder));
        ODEON_TRY(open_path(host, out, &found));
        if (found) {
            return ODEON_OK;
        }
    }
    return odeon_fail(host, ODEON_ERR_DATA,
                      "%s: has neither %s-idx%d-ubyte nor %s.idx%d-ubyte, nor one of them with "
                      ".gz; conf/get_data.sh gets MNIST, Debian's package dataset-fashion-mnist "
                      "installs such files to /usr/share/datasets/fashion-mnist",
                      folder, prefix, d, prefix, d);
}

void idx_file_close(idx_file *file)
{
    regular_file_close(&file->file);
}
