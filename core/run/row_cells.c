/* One list of cells stands for all files and observers: they cannot come apart in columns or
 * values. Names and numbers lie in memory that may move while it grows, so cells get their
 * addresses when all of them are there. Names are the same in every row of a run, and many numbers
 * are: they are written only where they are others than in the row before. */
#include "run/row_cells.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "data/data.h"

/* ---- one cell ---- */

static_assert((int)NUMBER_TEXT_BYTES >= (int)ODEON_CELL_TEXT_BYTES, "what observers may read");

/* The name of the next cell, in place of the one that it had; those behind it have to be written
 * again as well. */
static void put_name(row_cells *x, const char *path, const char *name)
{
    row_place *place = x->next;
    x->renamed = true;
    x->names.length = place < x->named ? place->name : x->names.length;
    x->named = place + 1;
    *place = (row_place){.name = x->names.length, .path = path, .last = name};
    if (path != NULL) {
        text_add(&x->names, path);
        text_add_bytes(&x->names, ".", 1);
    }
    text_add_bytes(&x->names, name, strlen(name) + 1);
}

/* Places for as many cells as x->room says, or more, n of which are made. */
static bool make_room(row_cells *x, size_t n)
{
    size_t room = x->room, named = (size_t)(x->named - x->places);
    row_place *places = mem_reserve(x->places, &x->room_places, n + 1, 32, sizeof *places);
    if (places == NULL) {
        return false;
    }
    x->places = places;
    x->next = places + n;
    x->named = places + named;
    odeon_cell *cells = mem_reserve(x->cells, &room, n + 1, 32, sizeof *cells);
    x->cells = cells != NULL ? cells : x->cells;
    x->room = cells != NULL ? room : x->room;
    return cells != NULL;
}

/* What the bits say. */
static void write_number(row_place *place, odeon_cell *cell)
{
    if (place->type == ODEON_CELL_WHOLE) {
        cell->value = (double)place->bits;
        cell->length = (int32_t)number_print_i64(place->bits, place->text);
        return;
    }
    memcpy(&cell->value, &place->bits, sizeof cell->value);
    place->text[0] = '\0';
    cell->length = isnan(cell->value) ? 0 : (int32_t)number_print_f64(cell->value, place->text);
}

/* The next cell, of another name, type or number than in the row before; of a word, which is a
 * constant, bits are its address. */
static void write_cell(row_cells *x, const char *path, const char *name, int32_t type, int64_t bits,
                       const char *word)
{
    size_t n = (size_t)(x->next - x->places);
    if (n >= x->room && !make_room(x, n)) {
        x->failed = true;
        return;
    }
    row_place *place = x->next;
    if (place >= x->named || place->path != path || place->last != name) {
        put_name(x, path, name);
    }
    odeon_cell *cell = &x->cells[n];
    place->bits = bits;
    place->type = cell->type = type;
    cell->text = word != NULL ? word : place->text;
    if (word == NULL) {
        write_number(place, cell);
    } else {
        cell->value = (double)NAN;
        cell->length = (int32_t)strlen(word);
    }
    x->next++;
}

/* Nothing is left to do where the row before had the same cell. */
static inline void put_cell(row_cells *x, const char *path, const char *name, int32_t type,
                            int64_t bits, const char *word)
{
    const row_place *place = x->next;
    if (place < x->named && place->bits == bits && place->last == name && place->path == path &&
        place->type == type) {
        x->next++;
    } else {
        write_cell(x, path, name, type, bits, word);
    }
}

static inline void add_whole(row_cells *x, const char *path, const char *name, int64_t value)
{
    put_cell(x, path, name, ODEON_CELL_WHOLE, value, NULL);
}

static inline void add_real(row_cells *x, const char *path, const char *name, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_cell(x, path, name, ODEON_CELL_REAL, bits, NULL);
}

static void add_word(row_cells *x, const char *name, const char *word)
{
    put_cell(x, NULL, name, ODEON_CELL_WORD, (int64_t)(intptr_t)word, word);
}

/* A count that may not be known: -1. */
static void add_count(row_cells *x, const char *name, int64_t count)
{
    if (count >= 0) {
        add_whole(x, NULL, name, count);
    } else {
        add_real(x, NULL, name, (double)NAN);
    }
}

/* ---- a row ---- */

static void add_block(row_cells *x, const ode_counters *b)
{
    add_whole(x, b->path, "evals_forward", b->evals_forward);
    add_whole(x, b->path, "evals_backward", b->evals_backward);
    add_whole(x, b->path, "accepted", b->accepted);
    add_whole(x, b->path, "rejected", b->rejected);
    add_whole(x, b->path, "accepted_backward", b->accepted_backward);
    add_whole(x, b->path, "rejected_backward", b->rejected_backward);
    add_real(x, b->path, "h_min", b->h_min);
    add_real(x, b->path, "h_max", b->h_max);
    add_real(x, b->path, "drift", b->drift);
    add_whole(x, b->path, "bytes", b->bytes);
    add_real(x, b->path, "share", b->share);
    if (b->per_sample) { /* of the block, so that all rows have the same columns */
        add_whole(x, b->path, "steps_min", b->samples > 0 ? b->steps_min : 0);
        add_real(x, b->path, "steps_mean", counters_steps_mean(b));
        add_whole(x, b->path, "steps_max", b->steps_max);
    }
}

/* A key with schedules in several phases has one column, by the first of them. A test has each at
 * its own value, as its section says. */
static void add_curve(row_cells *x, const metrics_row *row, size_t first)
{
    const curve *shown = &row->curves[first];
    for (size_t i = 0; i < row->n_curves; i++) {
        bool same = strcmp(row->curves[i].key, shown->key) == 0;
        if (same && i < first) {
            return;
        }
        shown = same && row->curves[i].under_way ? &row->curves[i] : shown;
    }
    bool training = row->split == ODEON_SPLIT_TRAIN;
    add_real(x, NULL, shown->key, training ? shown->base * shown->factor : (double)NAN);
}

static void add_figure(row_cells *x, const figure_value *f)
{
    const char *path = f->path[0] != '\0' ? f->path : NULL;
    if (f->is_whole) {
        add_whole(x, path, f->name, f->whole);
    } else {
        add_real(x, path, f->name, f->value);
    }
}

/* All cells of a row in the order of the columns. */
static void add_row(row_cells *x, const metrics_row *row)
{
    add_whole(x, NULL, "step", row->step);
    add_whole(x, NULL, "epoch", row->epoch);
    add_real(x, NULL, "seconds", row->seconds);
    add_word(x, "split",
             row->split == ODEON_SPLIT_TRAIN        ? "train"
             : row->split == ODEON_SPLIT_VALIDATION ? "validation"
                                                    : "test");
    add_real(x, NULL, "loss", row->loss);
    for (size_t i = 0; i < row->n_metrics; i++) {
        add_real(x, NULL, row->metric_names[i], row->metrics[i]);
    }
    add_real(x, NULL, "lr", row->lr);
    add_real(x, NULL, "grad_norm", row->grad_norm);
    add_real(x, NULL, "samples_per_second", row->samples_per_second);
    add_count(x, "nsync", row->device.waits);
    add_count(x, "nlaunch", row->device.launches);
    add_count(x, "nalloc", row->device.allocs);
    for (size_t i = 0; i < row->n_blocks; i++) {
        add_block(x, &row->blocks[i]);
    }
    if (row->audited) {
        add_real(x, NULL, "gradient_error", row->gradient_error);
    }
    for (size_t i = 0; i < row->n_curves; i++) {
        add_curve(x, row, i);
    }
    for (size_t i = 0; i < row->n_figures; i++) {
        add_figure(x, &row->figures[i]);
    }
}

/* Names and texts move only where a name is written. */
static void place_texts(row_cells *x)
{
    for (size_t i = 0; i < x->n; i++) {
        odeon_cell *cell = &x->cells[i];
        cell->name = x->names.data + x->places[i].name;
        cell->text = cell->type == ODEON_CELL_WORD ? cell->text : x->places[i].text;
    }
}

/* After a row that could not be made no name is known. */
static bool give_up(row_cells *x)
{
    x->n = 0;
    x->named = x->places;
    text_clear(&x->names);
    return false;
}

bool row_cells_make(row_cells *x, const metrics_row *row)
{
    size_t before = x->n;
    x->next = x->places;
    x->failed = x->renamed = false;
    add_row(x, row);
    if (x->failed || x->names.failed) {
        return give_up(x);
    }
    x->n = (size_t)(x->next - x->places);
    x->renamed |= x->n != before;
    if (x->renamed) {
        place_texts(x);
    }
    return true;
}

bool row_cells_match(const row_cells *x, const row_cells *other)
{
    bool same = x->n == other->n;
    for (size_t i = 0; same && i < x->n; i++) {
        same = strcmp(x->cells[i].name, other->cells[i].name) == 0;
    }
    return same;
}

const char *row_cells_repeated(const row_cells *x)
{
    for (size_t i = 0; i < x->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(x->cells[i].name, x->cells[j].name) == 0) {
                return x->cells[i].name;
            }
        }
    }
    return NULL;
}

void row_cells_fini(row_cells *x)
{
    mem_free(x->cells);
    mem_free(x->places);
    text_fini(&x->names);
    *x = (row_cells){.n = 0};
}
