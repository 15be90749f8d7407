#include "canvas.h"

#include <math.h>
#include <string.h>

void canvas_clear(canvas *c, int columns, int rows, bool utf8)
{
    memset(c, 0, sizeof *c);
    c->columns = columns < CANVAS_COLUMNS ? columns : CANVAS_COLUMNS;
    c->rows = rows < CANVAS_ROWS ? rows : CANVAS_ROWS;
    c->utf8 = utf8;
}

/* Dots of a cell: two across, four down. */
enum { ACROSS = 2, DOWN = 4 };

/* Source: The Unicode Standard, Braille Patterns: the bit of each dot. */
static void set_dot(canvas *c, int x, int y)
{
    static const uint8_t bits[DOWN][ACROSS] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    int column = x / ACROSS, row = y / DOWN;
    if (x >= 0 && y >= 0 && column < c->columns && row < c->rows) {
        c->dots[row][column] |= bits[y % DOWN][x % ACROSS];
    }
}

static double clamp(double x)
{
    return fmin(fmax(x, 0.0), 1.0);
}

static double dot_x(const canvas *c, double x)
{
    return clamp(x) * (double)(ACROSS * c->columns - 1);
}

static double dot_y(const canvas *c, double y)
{
    return (1.0 - clamp(y)) * (double)(DOWN * c->rows - 1);
}

/* So many dots that no two of them have a gap in between. */
void canvas_line(canvas *c, double x0, double y0, double x1, double y1)
{
    double ax = dot_x(c, x0), ay = dot_y(c, y0), bx = dot_x(c, x1), by = dot_y(c, y1);
    int n = (int)ceil(fmax(fabs(bx - ax), fabs(by - ay)));
    for (int i = 0; i <= n; i++) {
        double t = n > 0 ? (double)i / n : 0.0;
        set_dot(c, (int)lround(ax + t * (bx - ax)), (int)lround(ay + t * (by - ay)));
    }
}

void canvas_mark(canvas *c, double x, double y)
{
    c->mark[(int)lround(dot_y(c, y)) / DOWN][(int)lround(dot_x(c, x)) / ACROSS] = true;
}

/* A character of three bytes in UTF-8, which all from U+0800 to U+FFFF are. */
static char *put_character(char *at, unsigned code)
{
    *at++ = (char)(0xe0u | code >> 12);
    *at++ = (char)(0x80u | (code >> 6 & 0x3fu));
    *at++ = (char)(0x80u | (code & 0x3fu));
    return at;
}

void canvas_row(const canvas *c, int row, char *out)
{
    enum { BRAILLE = 0x2800, DISC = 0x25cf };
    char *end = out;
    for (int i = 0; i < c->columns; i++) {
        uint8_t dots = c->dots[row][i];
        bool mark = c->mark[row][i];
        if (!mark && dots == 0) {
            *out++ = ' ';
            continue;
        }
        if (c->utf8) {
            out = put_character(out, mark ? (unsigned)DISC : (unsigned)BRAILLE + dots);
        } else {
            *out++ = mark ? 'o' : '*';
        }
        end = out;
    }
    *end = '\0';
}
