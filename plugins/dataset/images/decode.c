#define _POSIX_C_SOURCE 200809L
#include "decode.h"

#include <dlfcn.h>
#include <string.h>
#include <strings.h>

#include "../common/regular_file.h"

bool image_has_name(const char *name)
{
    static const char *const ends[] = {".png", ".jpg", ".jpeg"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t m = strlen(ends[i]);
        if (n > m && strcasecmp(name + n - m, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A file that is being decoded: rows of pixels, channel by channel within each. */
typedef struct decoding {
    const odeon_host *host;
    const char *path;
    const image_size *size;
    const char *data;
    uint64_t bytes;
    uint8_t *rows; /* [height,width,channels] */
} decoding;

static odeon_status refuse(const decoding *d, const char *what)
{
    return odeon_fail(d->host, ODEON_ERR_DATA, "%s: %s", d->path, what);
}

static odeon_status check_size(const decoding *d, int64_t height, int64_t width)
{
    return height == d->size->height && width == d->size->width
               ? ODEON_OK
               : odeon_fail(d->host, ODEON_ERR_DATA,
                            "%s: is %lldx%lld pixels, but shape says %lldx%lld (height, width): "
                            "scale the images to one size",
                            d->path, (long long)height, (long long)width,
                            (long long)d->size->height, (long long)d->size->width);
}

/* POSIX makes an address of dlsym one of a function; ISO C has no cast for it. */
static bool find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static odeon_status no_library(const decoding *d, const char *file, const char *package)
{
    return odeon_fail(d->host, ODEON_ERR_UNSUPPORTED,
                      "%s: there is no %s to read it with: install %s", d->path, file, package);
}

/* ---- PNG: the simplified interface of libpng 1.6 ---- */

/* png_image of png.h, version 1. */
typedef struct png_picture {
    void *opaque;
    uint32_t version, width, height, format, flags, colormap_entries, warning_or_error;
    char message[64];
} png_picture;

typedef struct png_library {
    int (*begin)(png_picture *, const void *, size_t);
    int (*finish)(png_picture *, const void *, void *, int32_t, void *);
    void (*free)(png_picture *);
} png_library;

/* Bits of a format: none is grey, this one colour. */
enum { PNG_VERSION_1 = 1, PNG_COLOUR = 2 };

static odeon_status decode_png_with(const decoding *d, const png_library *png)
{
    png_picture p = {.version = PNG_VERSION_1};
    if (png->begin(&p, d->data, (size_t)d->bytes) == 0) {
        return odeon_fail(d->host, ODEON_ERR_DATA, "%s: no sound PNG file: %.60s", d->path,
                          p.message);
    }
    odeon_status status = check_size(d, (int64_t)p.height, (int64_t)p.width);
    p.format = d->size->channels == 1 ? 0 : PNG_COLOUR;
    if (status == ODEON_OK && png->finish(&p, NULL, d->rows, 0, NULL) == 0) {
        status =
            odeon_fail(d->host, ODEON_ERR_DATA, "%s: no sound PNG file: %.60s", d->path, p.message);
    }
    png->free(&p);
    return status;
}

static odeon_status decode_png(const decoding *d)
{
    static const char file[] = "libpng16.so.16";
    png_library png;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    odeon_status status = library != NULL &&
                                  find(library, "png_image_begin_read_from_memory", &png.begin) &&
                                  find(library, "png_image_finish_read", &png.finish) &&
                                  find(library, "png_image_free", &png.free)
                              ? decode_png_with(d, &png)
                              : no_library(d, file, "libpng16-16");
    if (library != NULL) {
        (void)dlclose(library);
    }
    return status;
}

/* ---- JPEG: TurboJPEG ---- */

typedef struct jpeg_library {
    void *(*init)(void);
    int (*header)(void *, const unsigned char *, unsigned long, int *, int *, int *, int *);
    int (*decompress)(void *, const unsigned char *, unsigned long, unsigned char *, int, int, int,
                      int, int);
    int (*destroy)(void *);
} jpeg_library;

/* TJPF_*, TJCS_*, and TJFLAG_LIMITSCANS: a progressive file of thousands of scans takes minutes. */
enum { JPEG_RGB = 0, JPEG_GREY = 6, JPEG_CMYK = 3, JPEG_YCCK = 4, JPEG_LIMIT_SCANS = 32768 };

static odeon_status check_jpeg(const decoding *d, int height, int width, int space)
{
    return space == JPEG_CMYK || space == JPEG_YCCK
               ? refuse(d, "has the four colours of print (CMYK): convert it to RGB")
               : check_size(d, height, width);
}

static odeon_status decode_jpeg_with(const decoding *d, const jpeg_library *jpeg)
{
    int width = 0, height = 0, sampling = 0, space = 0;
    const unsigned char *data = (const unsigned char *)d->data;
    void *handle = jpeg->init();
    if (handle == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "%s: no memory", d->path);
    }
    /* a file that is cut off before its size is no error to the library */
    bool sound = jpeg->header(handle, data, (unsigned long)d->bytes, &width, &height, &sampling,
                              &space) == 0 &&
                 width > 0 && height > 0;
    odeon_status status =
        sound ? check_jpeg(d, height, width, space) : refuse(d, "no sound JPEG file");
    int format = d->size->channels == 1 ? JPEG_GREY : JPEG_RGB;
    if (status == ODEON_OK && jpeg->decompress(handle, data, (unsigned long)d->bytes, d->rows,
                                               width, 0, height, format, JPEG_LIMIT_SCANS) != 0) {
        status = refuse(d, "no sound JPEG file");
    }
    (void)jpeg->destroy(handle);
    return status;
}

static odeon_status decode_jpeg(const decoding *d)
{
    static const char file[] = "libturbojpeg.so.0";
    jpeg_library jpeg;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    odeon_status status = library != NULL && find(library, "tjInitDecompress", &jpeg.init) &&
                                  find(library, "tjDecompressHeader3", &jpeg.header) &&
                                  find(library, "tjDecompress2", &jpeg.decompress) &&
                                  find(library, "tjDestroy", &jpeg.destroy)
                              ? decode_jpeg_with(d, &jpeg)
                              : no_library(d, file, "libturbojpeg0");
    if (library != NULL) {
        (void)dlclose(library);
    }
    return status;
}

/* ---- both ---- */

/* Which it is shows in its first bytes, not in its name. */
static odeon_status decode(const decoding *d)
{
    if (d->bytes >= 8 && memcmp(d->data, "\x89PNG\r\n\x1a\n", 8) == 0) {
        return decode_png(d);
    }
    if (d->bytes >= 3 && memcmp(d->data, "\xff\xd8\xff", 3) == 0) {
        return decode_jpeg(d);
    }
    return refuse(d, "is neither a PNG nor a JPEG file");
}

/* [height,width,channels] becomes [channels,height,width]. */
static void spread(const image_size *size, const uint8_t *rows, uint8_t *pixels)
{
    int64_t area = size->height * size->width;
    for (int64_t c = 0; c < size->channels; c++) {
        for (int64_t i = 0; i < area; i++) {
            pixels[c * area + i] = rows[i * size->channels + c];
        }
    }
}

/* Bytes of a file that are no pixels: profiles, thumbnails. */
static const uint64_t most_besides = (uint64_t)64 << 20;

odeon_status image_read(const odeon_host *host, const char *path, const image_size *size,
                        uint8_t *pixels)
{
    decoding d = {.host = host, .path = path, .size = size};
    uint64_t room = (uint64_t)(size->channels * size->height * size->width);
    char *data;
    ODEON_TRY(regular_file_load_plain(host, path, 2 * room + most_besides, &data, &d.bytes));
    d.data = data;
    d.rows = host->alloc(host, room);
    odeon_status status =
        d.rows != NULL ? ODEON_OK : odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory", path);
    if (status == ODEON_OK) {
        memset(d.rows, 0, room); /* what is transparent is black */
        status = decode(&d);
    }
    if (status == ODEON_OK) {
        spread(size, d.rows, pixels);
    }
    host->free(host, d.rows);
    host->free(host, data);
    return status;
}
