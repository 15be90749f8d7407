#include "stream.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

enum { BUFFER_BYTES = 65536, DEFLATE_RATIO = 1032 };

/* Unread input is always z.next_in, z.avail_in within buffer, for plain files too. */
struct idx_stream {
    const odeon_host *host;
    const idx_source *source;
    bool gzip;
    bool member_ended; /* the trailer of a member has been verified; another may follow */
    uint64_t n_read;   /* bytes read from the source */
    z_stream z;        /* next_in and avail_in are also used for plain files */
    unsigned char buffer[BUFFER_BYTES];
};

/* Refills an empty buffer; it stays empty only at the end of the source. */
static odeon_status fill(idx_stream *s)
{
    if (s->z.avail_in > 0) {
        return ODEON_OK;
    }
    int64_t n = s->source->read(s->source->self, s->buffer, BUFFER_BYTES);
    if (n < 0) {
        return odeon_fail(s->host, ODEON_ERR_IO, "%s: cannot read: %s", s->source->name,
                          strerror((int)-n));
    }
    s->n_read += (uint64_t)n;
    s->z.next_in = s->buffer;
    s->z.avail_in = (uInt)n;
    return ODEON_OK;
}

/* Ensures that the next two bytes are in the buffer, even if the source delivers them singly; fewer
 * only at its end. */
static odeon_status look_ahead(idx_stream *s)
{
    uint64_t n = s->z.avail_in;
    if (n >= 2) {
        return ODEON_OK;
    }
    if (n == 1) {
        s->buffer[0] = *s->z.next_in;
    }
    while (n < 2) {
        int64_t got = s->source->read(s->source->self, s->buffer + n, BUFFER_BYTES - n);
        if (got < 0) {
            return odeon_fail(s->host, ODEON_ERR_IO, "%s: cannot read: %s", s->source->name,
                              strerror((int)-got));
        }
        if (got == 0) {
            break;
        }
        n += (uint64_t)got;
        s->n_read += (uint64_t)got;
    }
    s->z.next_in = s->buffer;
    s->z.avail_in = (uInt)n;
    return ODEON_OK;
}

/* The magic number of gzip (RFC 1952, 2.3.1). */
static bool starts_member(const idx_stream *s)
{
    return s->z.avail_in >= 2 && s->z.next_in[0] == 0x1f && s->z.next_in[1] == 0x8b;
}

static voidpf zlib_alloc(voidpf host, uInt items, uInt size)
{
    return ((const odeon_host *)host)->alloc(host, (uint64_t)items * size);
}

static void zlib_free(voidpf host, voidpf memory)
{
    ((const odeon_host *)host)->free(host, memory);
}

/* zlib allocates through the host, so its memory is counted too. */
odeon_status idx_stream_open(const odeon_host *host, const idx_source *source, idx_stream **out)
{
    *out = NULL;
    idx_stream *s = host->alloc(host, sizeof *s);
    if (s == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory to read it", source->name);
    }
    memset(s, 0, sizeof *s);
    s->host = host;
    s->source = source;
    s->z.zalloc = zlib_alloc;
    s->z.zfree = zlib_free;
    /* memcpy, because zlib's opaque pointer is not const */
    memcpy(&s->z.opaque, &host, sizeof host);
    odeon_status status = look_ahead(s);
    enum { GZIP_ONLY = 16 + MAX_WBITS };
    s->gzip = status == ODEON_OK && starts_member(s);
    if (status == ODEON_OK && s->gzip && inflateInit2(&s->z, GZIP_ONLY) != Z_OK) {
        status = odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory to unpack it", source->name);
        s->gzip = false; /* inflateEnd must not be called */
    }
    if (status != ODEON_OK) {
        idx_stream_close(s);
        return status;
    }
    *out = s;
    return ODEON_OK;
}

void idx_stream_close(idx_stream *s)
{
    if (s->gzip) {
        (void)inflateEnd(&s->z);
    }
    s->host->free(s->host, s);
}

/* zlib counts in unsigned int, so long reads are divided. */
static uInt at_most(uint64_t bytes, uInt limit)
{
    return bytes < limit ? (uInt)bytes : limit;
}

static odeon_status inflate_failure(idx_stream *s, int code)
{
    if (code == Z_MEM_ERROR) {
        return odeon_fail(s->host, ODEON_ERR_NOMEM, "%s: no memory to unpack it", s->source->name);
    }
    /* only Z_DATA_ERROR is left, for which zlib sets msg */
    const char *reason = s->z.msg != NULL ? s->z.msg : "invalid data"; /* GCOVR_EXCL_BR_LINE */
    return odeon_fail(s->host, ODEON_ERR_DATA,
                      "%s: damaged gzip file: %s near byte %llu; get the file again",
                      s->source->name, reason, (unsigned long long)(s->n_read - s->z.avail_in));
}

/* A gzip file is one or several members, whose contents are concatenated (RFC 1952, 2.2). Anything
 * else between or behind them is refused, even zeros, as it means a damaged file. */
static odeon_status next_member(idx_stream *s, bool *found)
{
    ODEON_TRY(look_ahead(s));
    *found = starts_member(s);
    if (!*found && s->z.avail_in > 0) {
        return odeon_fail(s->host, ODEON_ERR_DATA,
                          "%s: something else follows the end of the gzip data, from byte %llu on; "
                          "get the file again",
                          s->source->name, (unsigned long long)(s->n_read - s->z.avail_in));
    }
    if (*found) {
        (void)inflateReset(&s->z); /* can fail only for a stream that was not initialized */
        s->member_ended = false;
    }
    return ODEON_OK;
}

/* Continues across members; an input that ends within one is cut off. */
static odeon_status read_gzip(idx_stream *s, unsigned char *out, uint64_t bytes, uint64_t *got)
{
    *got = 0;
    while (*got < bytes) {
        bool more = true;
        ODEON_TRY(s->member_ended ? next_member(s, &more) : fill(s));
        if (!more) {
            break;
        }
        if (s->z.avail_in == 0) {
            return odeon_fail(s->host, ODEON_ERR_DATA,
                              "%s: the gzip file is cut off after %llu bytes; get the file again",
                              s->source->name, (unsigned long long)s->n_read);
        }
        uInt room = at_most(bytes - *got, 1u << 30);
        s->z.next_out = out + *got;
        s->z.avail_out = room;
        int code = inflate(&s->z, Z_NO_FLUSH);
        /* input and room are never empty here, so no other code is normal */
        if (code != Z_OK && code != Z_STREAM_END) {
            return inflate_failure(s, code);
        }
        *got += room - s->z.avail_out;
        s->member_ended = code == Z_STREAM_END;
    }
    return ODEON_OK;
}

static odeon_status read_plain(idx_stream *s, unsigned char *out, uint64_t bytes, uint64_t *got)
{
    *got = 0;
    while (*got < bytes) {
        ODEON_TRY(fill(s));
        if (s->z.avail_in == 0) {
            break;
        }
        uInt n = at_most(bytes - *got, s->z.avail_in);
        memcpy(out + *got, s->z.next_in, n);
        s->z.next_in += n;
        s->z.avail_in -= n;
        *got += n;
    }
    return ODEON_OK;
}

odeon_status idx_stream_read(idx_stream *s, void *out, uint64_t bytes, uint64_t *got)
{
    return s->gzip ? read_gzip(s, out, bytes, got) : read_plain(s, out, bytes, got);
}

odeon_status idx_stream_finish(idx_stream *s)
{
    unsigned char more;
    uint64_t got;
    /* reading one byte more verifies the gzip trailer and refuses anything behind it */
    ODEON_TRY(idx_stream_read(s, &more, 1, &got));
    return got == 0 ? ODEON_OK
                    : odeon_fail(s->host, ODEON_ERR_DATA,
                                 "%s: goes on after the data that its header announces",
                                 s->source->name);
}

uint64_t idx_stream_bound(const idx_stream *s)
{
    uint64_t bytes = s->source->bytes;
    if (!s->gzip) {
        return bytes;
    }
    return bytes > UINT64_MAX / DEFLATE_RATIO ? UINT64_MAX : bytes * DEFLATE_RATIO;
}
