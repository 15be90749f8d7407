#include "gzip.h"

#include <dlfcn.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, RAW_WINDOW = -15 };

/* zlib's functions of that name. */
typedef struct zlib {
    void *handle;
    int (*init)(z_stream *, int, const char *, int);
    int (*inflate)(z_stream *, int);
    int (*reset)(z_stream *);
    int (*end)(z_stream *);
} zlib;

/* POSIX makes an address of dlsym one of a function; ISO C has no cast for it. */
static bool find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static odeon_status open_zlib(const odeon_host *host, const char *name, zlib *z)
{
    z->handle = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
    if (z->handle != NULL && find(z->handle, "inflateInit2_", &z->init) &&
        find(z->handle, "inflate", &z->inflate) && find(z->handle, "inflateReset", &z->reset) &&
        find(z->handle, "inflateEnd", &z->end)) {
        return ODEON_OK;
    }
    if (z->handle != NULL) {
        (void)dlclose(z->handle);
    }
    return odeon_fail(host, ODEON_ERR_UNSUPPORTED,
                      "%s: is compressed, and there is no libz.so.1 to unpack it: install zlib1g, "
                      "or unpack it before",
                      name);
}

bool gzip_is_one(const char *data, uint64_t bytes)
{
    return bytes >= 2 && (uint8_t)data[0] == 0x1f && (uint8_t)data[1] == 0x8b;
}

static odeon_status damaged(const odeon_host *host, const char *name)
{
    return odeon_fail(host, ODEON_ERR_DATA, "%s: its compressed data are damaged or cut off", name);
}

/* What is unpacked, in memory that doubles. */
typedef struct unpacking {
    const odeon_host *host;
    const char *name;
    char *out;
    uint64_t n, room, limit;
} unpacking;

/* One byte more than room, for the NUL. */
static odeon_status make_room(unpacking *u)
{
    uint64_t room = u->room > 0 ? 2 * u->room : 65536;
    if (u->n >= u->limit) {
        return odeon_fail(u->host, ODEON_ERR_DATA, "%s: unpacks to more than %llu bytes", u->name,
                          (unsigned long long)u->limit);
    }
    char *more = u->host->alloc(u->host, room + 1);
    if (more == NULL) {
        return odeon_fail(u->host, ODEON_ERR_NOMEM, "%s: no memory for %llu bytes", u->name,
                          (unsigned long long)room);
    }
    if (u->out != NULL) {
        memcpy(more, u->out, u->n);
    }
    u->host->free(u->host, u->out);
    u->out = more;
    u->room = room;
    return ODEON_OK;
}

static uInt part(uint64_t bytes)
{
    return bytes < (1u << 30) ? (uInt)bytes : 1u << 30;
}

/* Members follow one another; the stream ends with the last byte of the file. */
static odeon_status unpack_members(const zlib *z, z_stream *s, const char *data, uint64_t bytes,
                                   unpacking *u)
{
    uint64_t at = 0;
    for (int result = Z_OK; at < bytes || result != Z_STREAM_END;) {
        if (result == Z_STREAM_END && z->reset(s) != Z_OK) {
            return damaged(u->host, u->name);
        }
        if (u->n == u->room) {
            ODEON_TRY(make_room(u));
        }
        uInt given = part(bytes - at), room = part(u->room - u->n);
        memcpy(&s->next_in, &(const char *){data + at}, sizeof s->next_in);
        s->avail_in = given;
        s->next_out = (Bytef *)u->out + u->n;
        s->avail_out = room;
        result = z->inflate(s, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END) {
            return damaged(u->host, u->name);
        }
        at += given - s->avail_in;
        u->n += room - s->avail_out;
    }
    return ODEON_OK;
}

odeon_status gzip_unpack(const odeon_host *host, const char *name, const char *data, uint64_t bytes,
                         uint64_t limit, char **out, uint64_t *out_bytes)
{
    zlib z;
    z_stream s = {0};
    unpacking u = {.host = host, .name = name, .limit = limit};
    *out = NULL;
    ODEON_TRY(open_zlib(host, name, &z));
    odeon_status status = z.init(&s, GZIP_WINDOW, ZLIB_VERSION, (int)sizeof s) == Z_OK
                              ? unpack_members(&z, &s, data, bytes, &u)
                              : odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory", name);
    (void)z.end(&s);
    (void)dlclose(z.handle);
    if (status != ODEON_OK) {
        host->free(host, u.out);
        return status;
    }
    u.out[u.n] = '\0';
    *out = u.out;
    *out_bytes = u.n;
    return ODEON_OK;
}

odeon_status gzip_unpack_raw(const odeon_host *host, const char *name, const char *data,
                             uint64_t bytes, uint64_t out_bytes, char *out)
{
    zlib z;
    z_stream s = {0};
    ODEON_TRY(open_zlib(host, name, &z));
    bool sound = z.init(&s, RAW_WINDOW, ZLIB_VERSION, (int)sizeof s) == Z_OK;
    uint64_t at = 0, n = 0;
    for (int result = Z_OK; sound && result != Z_STREAM_END;) {
        uInt given = part(bytes - at), room = part(out_bytes - n);
        memcpy(&s.next_in, &(const char *){data + at}, sizeof s.next_in);
        s.avail_in = given;
        s.next_out = (Bytef *)out + n;
        s.avail_out = room;
        result = z.inflate(&s, Z_NO_FLUSH);
        sound = result == Z_OK || result == Z_STREAM_END;
        at += given - s.avail_in;
        n += room - s.avail_out;
    }
    (void)z.end(&s);
    (void)dlclose(z.handle);
    return sound && n == out_bytes ? ODEON_OK : damaged(host, name);
}
