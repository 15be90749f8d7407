/* canvas.h: curves in characters: a cell of Braille has two by four dots, one of ASCII is one mark.
 */
#ifndef ODEON_OBSERVER_TERMINAL_CANVAS_H
#define ODEON_OBSERVER_TERMINAL_CANVAS_H
#include <stdbool.h>
#include <stdint.h>

enum { CANVAS_COLUMNS = 160, CANVAS_ROWS = 12 };

/* Coordinates of points run over the whole canvas from 0 to 1, y upwards. */
typedef struct canvas {
    int columns, rows; /* in cells */
    bool utf8;
    uint8_t dots[CANVAS_ROWS][CANVAS_COLUMNS]; /* of Braille, by bit */
    bool mark[CANVAS_ROWS][CANVAS_COLUMNS];    /* a point that stands alone */
} canvas;

void canvas_clear(canvas *c, int columns, int rows, bool utf8);
void canvas_line(canvas *c, double x0, double y0, double x1, double y1);
void canvas_mark(canvas *c, double x, double y);
/* The characters of a row from above, without blanks at the end; out has at least 3 bytes a column
 * and one. */
void canvas_row(const canvas *c, int row, char *out);

#endif
