#include "window.h"

#include "shape.h"

/* A single number stands for both edges; within 32 bits by the options' bounds. */
static odeon_status read_pair(const odeon_host *host, const char *id, const char *name,
                              const odeon_i64_list *list, int32_t *height, int32_t *width)
{
    if (list->n < 1 || list->n > 2) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "%s: %s has %d numbers; give one, or two (height width)", id, name,
                          (int)list->n);
    }
    *height = (int32_t)list->at[0];
    *width = (int32_t)list->at[list->n - 1];
    return ODEON_OK;
}

odeon_status window_init(const odeon_host *host, const char *id, window *w)
{
    const odeon_i64_list *stride = w->stride.at != NULL ? &w->stride : &w->kernel;
    ODEON_TRY(read_pair(host, id, "kernel", &w->kernel, &w->kernel_h, &w->kernel_w));
    ODEON_TRY(read_pair(host, id, "padding", &w->padding, &w->padding_h, &w->padding_w));
    return read_pair(host, id, "stride", stride, &w->stride_h, &w->stride_w);
}

/* Checked here with the sizes in the message, as the device would only report a broken contract. */
odeon_status window_outputs(const odeon_host *host, const char *id, const window *w,
                            const odeon_shape *x, int64_t *height, int64_t *width)
{
    if (x->ndim != 4) {
        return odeon_fail(host, ODEON_ERR_CONFIG, "%s: the input is %s; it takes images [B,C,H,W]",
                          id, shape_print(x).text);
    }
    int64_t room_h = x->dim[2] + 2 * (int64_t)w->padding_h - w->kernel_h;
    int64_t room_w = x->dim[3] + 2 * (int64_t)w->padding_w - w->kernel_w;
    if (room_h < 0 || room_w < 0) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "%s: a kernel of %d x %d does not fit into images of %lld x %lld with "
                          "padding %d %d; make the kernel smaller or the padding larger",
                          id, (int)w->kernel_h, (int)w->kernel_w, (long long)x->dim[2],
                          (long long)x->dim[3], (int)w->padding_h, (int)w->padding_w);
    }
    *height = room_h / w->stride_h + 1;
    *width = room_w / w->stride_w + 1;
    return ODEON_OK;
}
