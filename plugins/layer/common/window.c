#include "window.h"

#include "shape.h"

/* A single number stands for both edges. */
static odeon_status read_pair(const odeon_host *host, const odeon_config *config, const char *id,
                              const char *name, int32_t *height, int32_t *width)
{
    int32_t n = 0;
    const int64_t *list = host->option_list_i64(config, name, &n);
    if (list == NULL || n < 1 || n > 2) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "%s: %s has %d numbers; give one, or two (height width)", id, name,
                          (int)n);
    }
    *height = (int32_t)list[0]; /* within 32 bits by the options' bounds */
    *width = (int32_t)list[n - 1];
    return ODEON_OK;
}

odeon_status window_read(const odeon_host *host, const odeon_config *config, const char *id,
                         window *out)
{
    ODEON_TRY(read_pair(host, config, id, "kernel", &out->kernel_h, &out->kernel_w));
    ODEON_TRY(read_pair(host, config, id, "padding", &out->padding_h, &out->padding_w));
    int32_t n = 0;
    if (host->option_list_i64(config, "stride", &n) == NULL) {
        out->stride_h = out->kernel_h;
        out->stride_w = out->kernel_w;
        return ODEON_OK;
    }
    return read_pair(host, config, id, "stride", &out->stride_h, &out->stride_w);
}

/* Checked here with the sizes in the message, as the device would only report a broken contract. */
odeon_status window_outputs(const odeon_host *host, const char *id, const window *w,
                            const odeon_tensor *x, int64_t *height, int64_t *width)
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
