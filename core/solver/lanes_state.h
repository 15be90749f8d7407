/* lanes_state.h: all that a solve of rows which step by themselves holds. Private to core/solver;
 * others see lanes.h and lanes_reverse.h.
 *
 * ROWS AND ENTRIES. A row is a sample of the batch, and has the control block of its number. In a
 * round all rows that are still under way try a step each: they are its entries, packed together in
 * the order of their numbers, so that the field is evaluated at no others. */
#ifndef ODEON_CORE_SOLVER_LANES_STATE_H
#define ODEON_CORE_SOLVER_LANES_STATE_H
#include "device/buffer.h"
#include "device/lane.h"
#include "odeon/device_lanes.h"
#include "solver/controller.h"
#include "solver/frame_stack.h"
#include "solver/lanes_task.h"
#include "solver/log.h"
#include "solver/state.h"

/* Lists of rows and entries in device memory, each as long as there are rows; FROM has one for each
 * term of a combination. */
enum { LIST_BLOCK = 0, LIST_ROW = 1, LIST_TO = 2, LIST_FROM = 3, LISTS = 3 + ODEON_MAX_STAGES };

/* One row on the host. */
typedef struct lane_row {
    trial now; /* of the step to be tried next */
    double unclipped_h;
    int32_t next; /* outputs below it are written */
    bool finished;
    solve_log log;
} lane_row;

/* A step that one row has tried in a round, or its start. */
typedef struct lane_step {
    int32_t row, first_output, n_outputs;
    bool accepted;
    double t, h;
} lane_step;

/* A round on the tape; its steps are steps[first, first + n) of it. */
typedef struct lane_round {
    int64_t n;
    size_t first;
    frame_mark before; /* of its frames */
    char *frames;      /* [n_evals] of frame_bytes */
    int64_t frame_bytes;
    bool is_start;
} lane_round;

typedef struct lanes {
    /* given for life */
    const device_lane *lane;
    const odeon_device_lanes *ops;
    stepper *stepper;
    const odeon_ode_spec *spec;
    const char *path;
    /* Stands for one row after the other where what a solve does depends on its times, outputs and
     * log alone (lanes_as_row). It never solves. */
    solver *one;

    lanes_task task;
    const host_field *field; /* fitted to the entries of the round */
    odeon_control control;   /* of a row */
    lane_row *rows;          /* [row_capacity] */
    int64_t row_capacity;
    double *read_at; /* [rows, n_times]: where within its step an output was read; 1: its end */
    size_t read_capacity;

    /* The round under way: entry i is row live[i]. */
    int64_t n_live;
    int32_t *live;   /* [row_capacity] */
    int32_t *list;   /* [LISTS, row_capacity], scratch for what is uploaded */
    double *numbers; /* host: [ODEON_MAX_STAGES, row_capacity], scratch of the same kind */
    lane_step *now;  /* [row_capacity] */

    /* device memory */
    device_buffer slots, seen, times, weights, lists, vectors, outputs;
    int64_t vector_bytes;
    char *own[PROGRAM_MAX_REGISTERS]; /* a vector of each register */
    char
        *value[PROGRAM_MAX_REGISTERS]; /* what is bound: one's own, another's or in a frame; NULL */
    char *next_value[1 + ODEON_MAX_CARRY]; /* Y0 and carry in of the round that follows */
    frame_stack frames;
    odeon_frame frame; /* names the memory of the one in use */

    /* what the last solve has left */
    lane_round *tape;
    size_t n_tape, tape_capacity;
    lane_step *steps;
    size_t n_steps, steps_capacity;
    int64_t calls, evaluated; /* of the field: calls, and rows of all of them */
    int64_t rounds;
    bool gave_up; /* the samples have to be solved one by one */
} lanes;

/* ---- memory ---- */

/* Room for a solve of task.rows rows. */
odeon_status lanes_fit(lanes *l);
void lanes_release(lanes *l);
/* Room on the tape for a round more. */
odeon_status lanes_reserve_round(lanes *l, int64_t n);
/* Room for one more attempt of each live row. */
odeon_status lanes_reserve_logs(lanes *l);

/* ---- views ---- */

odeon_tensor lanes_rows_tensor(const lanes *l, char *data, int64_t rows); /* [rows, width] */
odeon_tensor lanes_flat_tensor(const lanes *l, char *data, int64_t rows); /* [rows * width] */
/* Times of one of the evaluations that n entries share: F64 [n]. */
odeon_view lanes_time_view(const lanes *l, int32_t eval, int64_t n);

/* ---- lists ---- */

/* A list of scratch on the host, and where it goes when uploaded. */
int32_t *lanes_list(const lanes *l, int32_t which);
/* n of list `which`, on the device from then on. */
odeon_status lanes_upload(const lanes *l, int32_t which, int64_t n);
const int32_t *lanes_on_device(const lanes *l, int32_t which);
/* LIST_BLOCK becomes live. */
odeon_status lanes_upload_live(lanes *l);
/* The entries of the round. */
odeon_lanes lanes_entries(const lanes *l, int64_t n);
/* count weights of n entries each, from numbers, to the device. */
odeon_status lanes_upload_weights(const lanes *l, int64_t count, int64_t n);

/* Rows LIST_TO of y = rows LIST_ROW of x, n of both. */
odeon_status lanes_move(const lanes *l, char *x, int64_t x_rows, char *y, int64_t y_rows,
                        int64_t n);

/* The solver that stands for one row: its times, outputs, counts. */
solver *lanes_as_row(const lanes *l, int32_t row);

/* The samples have to be solved one by one: what a row met has a cause that only its own solve
 * finds and names. */
odeon_status lanes_give_up(lanes *l);

#endif
