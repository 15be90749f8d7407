/* SVG to PNG and PDF by librsvg and cairo, which are no part of this program: they are loaded where
 * they are installed, and a line says so where they are not. Declarations are those of librsvg 2.46
 * (rsvg.h) and cairo 1.10 (cairo.h, cairo-pdf.h), as far as they are used. */
#include <dlfcn.h>
#include <string.h>

#include "drawing.h"

typedef struct rectangle {
    double x, y, width, height;
} rectangle;

typedef int (*cairo_write)(void *closure, const unsigned char *data, unsigned length);

/* Handles are pointers to what is theirs. error is a GError **, NULL: no interest. */
typedef struct libraries {
    void *rsvg, *cairo, *object;
    void *(*handle_new)(const unsigned char *data, size_t n, void **error);
    int (*render)(void *handle, void *context, const rectangle *viewport, void **error);
    void (*unref)(void *handle);
    void *(*image)(int format, int width, int height);
    void *(*pdf)(cairo_write write, void *closure, double width, double height);
    void *(*create)(void *surface);
    void (*destroy)(void *context);
    void (*scale)(void *context, double x, double y);
    int (*png)(void *surface, cairo_write write, void *closure);
    void (*finish)(void *surface);
    void (*surface_destroy)(void *surface);
    int (*state)(void *surface);
} libraries;

enum { ARGB32 = 0, PNG_SCALE = 2 };

/* ISO C has no way from an object's address to a function's. */
static bool find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static bool find_all(libraries *l)
{
    return find(l->rsvg, "rsvg_handle_new_from_data", &l->handle_new) &&
           find(l->rsvg, "rsvg_handle_render_document", &l->render) &&
           find(l->object, "g_object_unref", &l->unref) &&
           find(l->cairo, "cairo_image_surface_create", &l->image) &&
           find(l->cairo, "cairo_pdf_surface_create_for_stream", &l->pdf) &&
           find(l->cairo, "cairo_create", &l->create) &&
           find(l->cairo, "cairo_destroy", &l->destroy) &&
           find(l->cairo, "cairo_scale", &l->scale) &&
           find(l->cairo, "cairo_surface_write_to_png_stream", &l->png) &&
           find(l->cairo, "cairo_surface_finish", &l->finish) &&
           find(l->cairo, "cairo_surface_destroy", &l->surface_destroy) &&
           find(l->cairo, "cairo_surface_status", &l->state);
}

/* They stay loaded: GLib cannot be taken out of a process again. */
static odeon_status open_libraries(const odeon_host *host, libraries *l)
{
    *l =
        (libraries){.rsvg = dlopen("librsvg-2.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
                    .cairo = dlopen("libcairo.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
                    .object = dlopen("libgobject-2.0.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)};
    if (l->rsvg != NULL && l->cairo != NULL && l->object != NULL && find_all(l)) {
        return ODEON_OK;
    }
    return odeon_fail(host, ODEON_ERR_UNSUPPORTED,
                      "PNG and PDF need librsvg 2.46 or later (Debian: librsvg2-2), which is not "
                      "installed; SVG does without");
}

static int write_out(void *closure, const unsigned char *data, unsigned length)
{
    const odeon_view_out *out = closure;
    out->put(out->self, (const char *)data, length);
    return 0;
}

static bool render(const libraries *l, void *handle, void *surface, double scale, double width,
                   double height)
{
    void *context = l->create(surface);
    l->scale(context, scale, scale);
    bool done =
        l->render(handle, context, &(rectangle){.width = width, .height = height}, NULL) != 0;
    l->destroy(context);
    return done;
}

/* A point of PDF is 1/72 inch, a pixel of SVG 1/96. */
odeon_status convert_svg(const odeon_host *host, const char *svg, size_t bytes, int32_t format,
                         double width, double height, const odeon_view_out *out)
{
    libraries l;
    bool is_png = format == ODEON_VIEW_PNG;
    odeon_view_out to = *out;
    ODEON_TRY(open_libraries(host, &l));
    void *handle = l.handle_new((const unsigned char *)svg, bytes, NULL);
    if (handle == NULL) {
        return odeon_fail(host, ODEON_ERR_INTERNAL, "librsvg does not take the chart");
    }
    void *surface = is_png ? l.image(ARGB32, (int)(width * PNG_SCALE), (int)(height * PNG_SCALE))
                           : l.pdf(write_out, &to, width * .75, height * .75);
    bool done = render(&l, handle, surface, is_png ? PNG_SCALE : .75, width, height);
    done &= !is_png || l.png(surface, write_out, &to) == 0;
    l.finish(surface);
    done &= is_png || l.state(surface) == 0;
    l.surface_destroy(surface);
    l.unref(handle);
    return done ? ODEON_OK : odeon_fail(host, ODEON_ERR_INTERNAL, "librsvg cannot draw the chart");
}
