#include <math.h>

#include "odeon/device_random.h"
#include "reference.h"

/* ---- random numbers ---- */

typedef struct words {
    uint32_t v[4];
} words;

static uint32_t high_half(uint64_t x)
{
    return (uint32_t)(x >> 32);
}

/* Philox4x32-10: ten rounds, between which the key is advanced by Weyl constants. Written out
 * rather than taken from a library, so that the oracle is independent of what it tests. Source:
 * Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011, section 3.3. */
static words philox(uint64_t key, uint64_t index)
{
    static const uint64_t multiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
    static const uint32_t weyl[2] = {0x9E3779B9u, 0xBB67AE85u};
    words x = {{(uint32_t)index, high_half(index), 0, 0}};
    uint32_t k0 = (uint32_t)key, k1 = high_half(key);
    for (int32_t round = 0; round < 10; round++) {
        uint64_t a = multiplier[0] * x.v[0], b = multiplier[1] * x.v[2];
        x = (words){
            {high_half(b) ^ x.v[1] ^ k0, (uint32_t)b, high_half(a) ^ x.v[3] ^ k1, (uint32_t)a}};
        k0 += weyl[0];
        k1 += weyl[1];
    }
    return x;
}

/* The upper 53 bits of two words, the low one first, as a number in [0, 1). */
static double fraction(const uint32_t *word)
{
    uint64_t bits = word[0] | (uint64_t)word[1] << 32;
    return (double)(bits >> 11) * 0x1p-53;
}

static double uniform(uint64_t key, uint64_t index)
{
    words x = philox(key, index);
    return fraction(x.v);
}

/* ---- noise ---- */

static double draw(int32_t id, uint64_t key, uint64_t index)
{
    static const double pi = 3.141592653589793;
    words x = philox(key, index);
    double u = fraction(x.v);
    if (id == ODEON_NOISE_NORMAL) {
        return sqrt(-2.0 * log(1.0 - u)) * cos(2.0 * pi * fraction(x.v + 2));
    }
    return id == ODEON_NOISE_SIGN ? (u < 0.5 ? -1.0 : 1.0) : u;
}

/* y: any shape. */
static odeon_status reference_noise(odeon_queue *queue, const odeon_noise *call)
{
    ODEON_TRY(reference_begin(queue, "noise", call->flags));
    ODEON_TRY(reference_expect_real(queue, "noise: y", &call->y->view.shape, 0));
    ODEON_TRY(reference_expect_true(queue, call->id >= 0 && call->id < ODEON_NOISE_COUNT,
                                    "noise: there is no such id"));
    for (int64_t i = 0; i < odeon_count(&call->y->view.shape); i++) {
        store(call->y, i, draw(call->id, call->key, (uint64_t)(call->first + i)));
    }
    return ODEON_OK;
}

/* ---- dropout ---- */

/* x, y: any shape. The number of element i depends on first + i alone, so the mask does not depend
 * on how samples are divided among workers. */
static odeon_status reference_dropout(odeon_queue *queue, const odeon_dropout *call)
{
    ODEON_TRY(reference_begin(queue, "dropout", call->flags));
    ODEON_TRY(reference_expect_real(queue, "dropout: x", &call->x->shape, 0));
    ODEON_TRY(reference_expect_like(queue, "dropout: y", &call->y->view.shape, &call->x->shape));
    ODEON_TRY(reference_expect_true(queue, call->p >= 0.0 && call->p < 1.0,
                                    "dropout: p is not in [0, 1)"));
    for (int64_t i = 0; i < odeon_count(&call->x->shape); i++) {
        double u = uniform(call->key, (uint64_t)(call->first + i));
        store(call->y, i, load(call->x, i) * (u >= call->p ? 1.0 / (1.0 - call->p) : 0.0));
    }
    return ODEON_OK;
}

/* ---- windows ---- */

/* Where the window [P,Q] of one sample lies in its image: element [b,c,p,q] of the window is
 * element [b,c,top + p,left + q] of the image, or [b,c,top + p,left + Q - 1 - q] if mirrored.
 * Positions outside of the image are zero padding. */
typedef struct placement {
    int64_t top, left;
    int32_t mirrored;
} placement;

/* A number below n from a 32-bit word: floor(word n / 2^32). */
static int64_t choose(uint32_t word, int64_t n)
{
    return (int64_t)((uint64_t)word * (uint64_t)n >> 32);
}

/* Draws the placement of one sample, the same for all its channels; without random the window is
 * centred. */
static placement place(const odeon_window_geometry *g, uint64_t key, int64_t sample,
                       const odeon_view *image, const odeon_view *window)
{
    int64_t rows = image->shape.dim[2] + 2 * (int64_t)g->padding - window->shape.dim[2] + 1;
    int64_t columns = image->shape.dim[3] + 2 * (int64_t)g->padding - window->shape.dim[3] + 1;
    words drawn = philox(key, (uint64_t)sample);
    return (placement){
        .top = (g->random ? choose(drawn.v[0], rows) : (rows - 1) / 2) - g->padding,
        .left = (g->random ? choose(drawn.v[1], columns) : (columns - 1) / 2) - g->padding,
        .mirrored = (double)drawn.v[2] * 0x1p-32 < g->flip_probability,
    };
}

/* image [B,C,H,W], window [B,C,P,Q] no larger than the padded image. */
static odeon_status expect_window(odeon_queue *queue, const odeon_window_geometry *g,
                                  const odeon_shape *image, const odeon_shape *window)
{
    int64_t room = 2 * (int64_t)g->padding;
    ODEON_TRY(reference_expect_real(queue, "window2d: image", image, 4));
    ODEON_TRY(reference_expect_true(queue, window->ndim == 4, "window2d: the window is not 4-d"));
    ODEON_TRY(reference_expect(
        queue, "window2d: window", window, image->dtype, 4,
        (int64_t[]){image->dim[0], image->dim[1], window->dim[2], window->dim[3]}));
    return reference_expect_true(
        queue, window->dim[2] <= image->dim[2] + room && window->dim[3] <= image->dim[3] + room,
        "window2d: the window is larger than the padded image");
}

/* Offset in the image of element [b,c,p,q] of the window; -1 in the padding. */
static int64_t source_of(const placement *at, const odeon_view *image, int64_t Q, int64_t b,
                         int64_t c, int64_t p, int64_t q)
{
    int64_t row = at->top + p, column = at->left + (at->mirrored ? Q - 1 - q : q);
    int32_t inside =
        row >= 0 && row < image->shape.dim[2] && column >= 0 && column < image->shape.dim[3];
    return inside ? at4(image, b, c, row, column) : -1;
}

/* x [B,C,H,W] -> y [B,C,P,Q]. */
static odeon_status reference_window2d(odeon_queue *queue, const odeon_window2d *call)
{
    ODEON_TRY(reference_begin(queue, "window2d", call->flags));
    ODEON_TRY(expect_window(queue, &call->geometry, &call->x->shape, &call->y->view.shape));
    int64_t Q = call->y->view.shape.dim[3], P = call->y->view.shape.dim[2],
            C = call->y->view.shape.dim[1];
    for (int64_t i = 0; i < odeon_count(&call->y->view.shape); i++) {
        int64_t q = i % Q, p = i / Q % P, c = i / (Q * P) % C, b = i / (Q * P * C);
        placement at =
            place(&call->geometry, call->key, call->first_sample + b, call->x, &call->y->view);
        int64_t from = source_of(&at, call->x, Q, b, c, p, q);
        store(call->y, i, from < 0 ? 0.0 : load(call->x, from));
    }
    return ODEON_OK;
}

/* dy [B,C,P,Q] -> dx [B,C,H,W]. Each element of the image is seen at most once, so the vjp stores
 * and need not accumulate. */
static odeon_status reference_window2d_vjp(odeon_queue *queue, const odeon_window2d_vjp *call)
{
    ODEON_TRY(reference_begin(queue, "window2d_vjp", call->flags));
    ODEON_TRY(expect_window(queue, &call->geometry, &call->dx->view.shape, &call->dy->shape));
    int64_t Q = call->dy->shape.dim[3], P = call->dy->shape.dim[2], C = call->dy->shape.dim[1];
    for (int64_t i = 0; i < odeon_count(&call->dx->view.shape); i++) {
        store(call->dx, i, 0.0); /* elements outside the window have gradient 0 */
    }
    for (int64_t i = 0; i < odeon_count(&call->dy->shape); i++) {
        int64_t q = i % Q, p = i / Q % P, c = i / (Q * P) % C, b = i / (Q * P * C);
        placement at =
            place(&call->geometry, call->key, call->first_sample + b, &call->dx->view, call->dy);
        int64_t to = source_of(&at, &call->dx->view, Q, b, c, p, q);
        if (to >= 0) {
            store(call->dx, to, load(call->dy, i));
        }
    }
    return ODEON_OK;
}

const odeon_random_family reference_random = {
    .struct_size = sizeof(odeon_random_family),
    .dropout = reference_dropout,
    .window2d = reference_window2d,
    .window2d_vjp = reference_window2d_vjp,
    .noise = reference_noise,
};
