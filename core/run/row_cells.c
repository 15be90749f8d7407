/* One list of cells stands for all files and observers: they cannot come apart in columns or
 * values. Texts lie one behind the other in buffers that may move while they grow, so cells get
 * their addresses when all of them are there. Names are the same in every row of a run: they are
 * compared with those of the row before, and written only where they differ. */
#include "run/row_cells.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/data.h"

/* ---- one cell ---- */

/* Ends a text that was added and begins the next. */
static void end_text(row_cells *x)
{
    text_add_bytes(&x->text, "", 1);
}

/* What follows part in text; NULL: it does not begin so. */
static const char *skip(const char *text, const char *part)
{
    while (*part != '\0' && *text == *part) {
        text++;
        part++;
    }
    return *part == '\0' ? text : NULL;
}

/* Is text "path.name", or, where there is no path, "name"? */
static bool is_name(const char *text, const char *path, const char *name)
{
    const char *rest = path != NULL ? skip(text, path) : text;
    if (path != NULL && (rest == NULL || *rest++ != '.')) {
        return false;
    }
    return strcmp(rest, name) == 0;
}

/* The name of cell number x->n, in place of the one that it had; those behind it have to be written
 * again as well. */
static void put_name(row_cells *x, const char *path, const char *name)
{
    x->renamed = true;
    x->names.length = x->n < x->n_named ? x->places[x->n].name : x->names.length;
    x->n_named = x->n + 1;
    x->places[x->n].name = x->names.length;
    if (path != NULL) {
        text_add(&x->names, path);
        text_add_bytes(&x->names, ".", 1);
    }
    text_add_bytes(&x->names, name, strlen(name) + 1);
}

static bool make_room(row_cells *x)
{
    odeon_cell *cells = mem_reserve(x->cells, &x->room, x->n + 1, 32, sizeof *cells);
    x->cells = cells != NULL ? cells : x->cells;
    row_place *places = mem_reserve(x->places, &x->room_places, x->n + 1, 32, sizeof *places);
    x->places = places != NULL ? places : x->places;
    return cells != NULL && places != NULL;
}

/* The text of the value follows. */
static bool begin(row_cells *x, const char *path, const char *name, int32_t type, double value)
{
    if (!make_room(x)) {
        x->failed = true;
        return false;
    }
    if (x->n >= x->n_named || !is_name(x->names.data + x->places[x->n].name, path, name)) {
        put_name(x, path, name);
    }
    x->places[x->n].text = x->text.length;
    x->cells[x->n++] = (odeon_cell){.value = value, .type = type};
    return true;
}

static void add_whole(row_cells *x, const char *path, const char *name, int64_t value)
{
    if (begin(x, path, name, ODEON_CELL_WHOLE, (double)value)) {
        text_whole(&x->text, value);
        end_text(x);
    }
}

static void add_real(row_cells *x, const char *path, const char *name, double value)
{
    if (begin(x, path, name, ODEON_CELL_REAL, value)) {
        if (!isnan(value)) {
            text_number(&x->text, value);
        }
        end_text(x);
    }
}

static void add_word(row_cells *x, const char *name, const char *word)
{
    if (begin(x, NULL, name, ODEON_CELL_WORD, (double)NAN)) {
        text_add(&x->text, word);
        end_text(x);
    }
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

static void place_texts(row_cells *x)
{
    for (size_t i = 0; i < x->n; i++) {
        x->cells[i].name = x->names.data + x->places[i].name;
        x->cells[i].text = x->text.data + x->places[i].text;
    }
}

/* After a row that could not be made no name is known. */
static bool give_up(row_cells *x)
{
    x->n = x->n_named = 0;
    text_clear(&x->names);
    return false;
}

bool row_cells_make(row_cells *x, const metrics_row *row)
{
    size_t before = x->n;
    x->n = 0;
    x->failed = x->renamed = false;
    text_clear(&x->text);
    add_row(x, row);
    if (x->failed || x->text.failed || x->names.failed) {
        return give_up(x);
    }
    x->renamed |= x->n != before;
    place_texts(x);
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
    text_fini(&x->text);
    *x = (row_cells){.n = 0};
}
