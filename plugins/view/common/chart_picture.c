/* What has no axes: a matrix of counts, and grey pictures as PNG. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "chart_model.h"

/* ---- PNG ---- */

/* Bytes on their way into base64, with the sums that PNG and zlib ask for. */
typedef struct encoder {
    chart_text *out;
    uint32_t crc, s1, s2; /* of the chunk; Adler-32 of the data within it */
    uint32_t held;        /* bytes that wait for a group of three */
    int n_held;
} encoder;

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_group(encoder *e)
{
    char group[4];
    uint32_t bits = e->held << 8 * (3 - e->n_held);
    for (int i = 0; i < 4; i++) {
        group[i] = i <= e->n_held ? base64[bits >> (18 - 6 * i) & 63] : '=';
    }
    chart_put_bytes(e->out, group, sizeof group);
    e->held = 0;
    e->n_held = 0;
}

static void put_byte(encoder *e, unsigned byte)
{
    e->crc ^= byte;
    for (int i = 0; i < 8; i++) {
        e->crc = e->crc >> 1 ^ (e->crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    e->held = e->held << 8 | byte;
    if (++e->n_held == 3) {
        put_group(e);
    }
}

static void put_word32(encoder *e, uint32_t word)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        put_byte(e, word >> shift & 255);
    }
}

/* The length is not part of the sum; the sum is, of what comes after it, begun anew. */
static void begin_chunk(encoder *e, uint32_t bytes, const char *type)
{
    put_word32(e, bytes);
    e->crc = UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        put_byte(e, (unsigned char)type[i]);
    }
}

static void end_chunk(encoder *e)
{
    put_word32(e, ~e->crc);
}

static void put_data(encoder *e, unsigned byte)
{
    e->s1 = (e->s1 + byte) % 65521;
    e->s2 = (e->s2 + e->s1) % 65521;
    put_byte(e, byte);
}

/* Each row is one stored block: a byte that says that no filter is used, then its pixels. */
static void put_rows(encoder *e, size_t width, size_t height, const unsigned char *grey)
{
    uint32_t n = (uint32_t)width + 1;
    for (size_t row = 0; row < height; row++) {
        put_byte(e, row + 1 == height);
        put_byte(e, n & 255);
        put_byte(e, n >> 8);
        put_byte(e, ~n & 255);
        put_byte(e, ~n >> 8 & 255);
        put_data(e, 0);
        for (size_t i = 0; i < width; i++) {
            put_data(e, grey[row * width + i]);
        }
    }
}

/* width is at most 65,534, what a stored block holds. */
void chart_put_png(chart_text *out, size_t width, size_t height, const unsigned char *grey)
{
    static const unsigned char magic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    encoder e = {.out = out, .s1 = 1};
    for (size_t i = 0; i < sizeof magic; i++) {
        put_byte(&e, magic[i]);
    }
    begin_chunk(&e, 13, "IHDR");
    put_word32(&e, (uint32_t)width);
    put_word32(&e, (uint32_t)height);
    put_byte(&e, 8); /* bits; then grey, deflate, the filters, not interlaced */
    for (int i = 0; i < 4; i++) {
        put_byte(&e, 0);
    }
    end_chunk(&e);
    begin_chunk(&e, (uint32_t)(2 + height * (width + 6) + 4), "IDAT");
    put_byte(&e, 0x78);
    put_byte(&e, 0x01);
    put_rows(&e, width, height, grey);
    put_word32(&e, e.s2 << 16 | e.s1);
    end_chunk(&e);
    begin_chunk(&e, 0, "IEND");
    end_chunk(&e);
    if (e.n_held > 0) {
        put_group(&e);
    }
}

/* ---- a matrix of counts ---- */

static double sum_of(size_t n, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum;
}

typedef struct grid {
    double x, y, wide, high; /* pixels: the corner, and a cell */
} grid;

/* Errors are few, so that their colour is 2.5 times as strong. Where it is, words are light. */
static void put_cell(const grid *g, size_t row, size_t column, double count, double share,
                     chart_text *out)
{
    double strength = .85 * fmin(1, row == column ? share : 2.5 * share);
    double x = g->x + (double)column * g->wide, y = g->y + (double)row * g->high;
    char text[CHART_NUMBER_BYTES];
    if (!(count > 0)) {
        return;
    }
    chart_put(out,
              "<rect class=\"f~d\" fill-opacity=\"~g\" x=\"~x\" y=\"~x\" width=\"~x\" "
              "height=\"~x\" rx=\"2\"/>",
              row == column ? CHART_BLUE : CHART_RED, rint(strength * 1000) / 1000, x + 1, y + 1,
              g->wide - 2, g->high - 2);
    chart_put(out, "<text class=\"~s\" x=\"~x\" y=\"~x\" text-anchor=\"middle\">~s</text>",
              strength > .5 ? "page" : "f7", x + g->wide / 2, y + g->high / 2 + 4,
              chart_fixed(count, 0, text));
}

static void put_row(const chart *c, const grid *g, size_t row, chart_text *out)
{
    const double *counts = c->matrix + row * c->n_matrix;
    double sum = sum_of(c->n_matrix, counts), y = g->y + (double)row * g->high + g->high / 2 + 4;
    char text[64], number[CHART_NUMBER_BYTES];
    chart_shorten(c->matrix_names[row], g->x - 8, 11, false, text);
    chart_put(out, "<text class=\"f0\" x=\"~x\" y=\"~x\" text-anchor=\"end\">~e</text>", g->x - 8,
              y, text);
    chart_shorten(c->matrix_names[row], g->wide - 2, 11, false, text);
    chart_put(out, "<text class=\"f0\" x=\"~x\" y=\"~x\" text-anchor=\"middle\">~e</text>",
              g->x + ((double)row + .5) * g->wide, g->y - 5, text);
    for (size_t i = 0; i < c->n_matrix; i++) {
        put_cell(g, row, i, counts[i], sum > 0 ? counts[i] / sum : 0, out);
    }
    if (sum > 0) {
        chart_put(out, "<text class=\"f7 b\" x=\"~x\" y=\"~x\" text-anchor=\"end\">~s</text>",
                  c->width, y, chart_percent(counts[row] / sum, 1, number));
    }
}

void chart_put_matrix(const chart *c, double y, chart_text *out)
{
    double n = (double)c->n_matrix, names = 0;
    for (size_t i = 0; i < c->n_matrix; i++) {
        names = fmax(names, chart_width(c->matrix_names[i], 11, false));
    }
    grid g = {.x = fmin(fmax(names, 30) + 8, 140), .y = y + 34};
    g.wide = (c->width - g.x - 52) / n;
    g.high = (c->height - g.y - 2) / n;
    chart_put(out,
              "<text class=\"f0\" x=\"~x\" y=\"~x\">predicted →</text>"
              "<text class=\"f0\" x=\"0\" y=\"~x\">true ↓</text>"
              "<text class=\"f0\" x=\"~x\" y=\"~x\" text-anchor=\"end\">recall</text>",
              g.x, y + 12, y + 12, c->width, g.y - 5);
    for (size_t i = 0; i < c->n_matrix; i++) {
        put_row(c, &g, i, out);
    }
}

/* ---- pictures ---- */

void chart_put_images(const chart *c, double y, chart_text *out)
{
    static const double pitch = 110.4, side = 84, row = 128;
    size_t in_a_row = (size_t)((c->width + pitch - side) / pitch), i = 0;
    for (const chart_image *p = c->first_image; p != NULL; p = p->next) {
        double x = (double)(i % in_a_row) * pitch, top = y + 8 + (double)(i / in_a_row) * row;
        char text[64];
        chart_put(out,
                  "<image x=\"~x\" y=\"~x\" width=\"~x\" height=\"~x\" "
                  "href=\"data:image/png;base64,",
                  x, top, side, side);
        chart_put_png(out, p->width, p->height, p->grey);
        chart_shorten(p->words != NULL ? p->words : "", pitch - 4, 11, true, text);
        chart_put(out, "\"/><text class=\"f2 b\" x=\"~x\" y=\"~x\">~e</text>", x, top + side + 14,
                  text);
        chart_shorten(p->more != NULL ? p->more : "", pitch - 4, 11, false, text);
        chart_put(out, "<text class=\"f0\" x=\"~x\" y=\"~x\">~e</text>", x, top + side + 28, text);
        i++;
    }
}
