/* executor.h: carries out what the engine does, in one of two ways: eagerly, call by call, or by a
 * recording of the calls that is made once and replayed from then on. Which of them is asked of the
 * capture cache by a key; results and counts are the same to the bit.
 *
 * Whatever is captured follows one rule: a mark is taken, the calls are made, which only records
 * them, their effects on the host are noted, and the host goes back to the mark. From there on a
 * fresh recording is replayed like an old one, and one that failed has changed nothing. */
#ifndef ODEON_CORE_SOLVER_EXECUTOR_H
#define ODEON_CORE_SOLVER_EXECUTOR_H
#include "solver/state.h"

/* More evaluations are not worth a recording: they outweigh what calls cost, and it would be large.
 */
enum { EXECUTOR_MOST_EVALS = 4096 };

/* Calls of the device, and changes on the host. */
typedef odeon_status (*solver_calls)(solver *s, void *context);

/* Does the device capture, and may this field's calls be captured? */
bool executor_captures(const solver *s);

/* Starts s->key with what every key has: tag, field, what is kept, how many times. */
void executor_begin_key(solver *s, int64_t tag);

/* How something is to be carried out: what the capture cache says of s->key (CAPTURE_CACHE_*). */
typedef struct execution {
    int32_t answer;
    recorded *key; /* as long as no other question is asked; NULL: the cache keeps none of it */
} execution;
execution executor_ask(const solver *s);
execution executor_eager(void);

/* ---- an operation: calls that depend on nothing but the key ---- */

odeon_status execute(solver *s, execution how, solver_calls run, void *context);

/* ---- a loop: one step again and again ---- */

/* What a loop is made of. Invariant: none of the calls but more may wait for the device, or it
 * cannot be captured. */
typedef struct step_loop {
    solver_calls begin; /* before the first step */
    solver_calls step;
    solver_calls end; /* after the last */
    /* Is there another pass after so many? whole: a pass is the whole loop, carried out by the
     * device, with begin and end; else a step. */
    odeon_status (*more)(solver *s, void *context, int64_t passes, bool whole, bool *out);
    void *context;
    bool has_eager_step; /* else a loop that cannot be captured is left undone, behind begin if the
                            device has no loops: more is then never asked */
} step_loop;

/* Of a capture that fails the host sees nothing; how is eager from then on, and so is the loop
 * where it can be. Evaluations that a replay makes are not counted: only the caller knows how many.
 */
odeon_status execute_loop(solver *s, execution *how, const step_loop *loop);
/* Does the device carry loops out by itself? Else one step is recorded and replayed. */
bool executor_has_loops(const solver *s);
/* Evaluations among the calls of a recording, each counted once. */
int64_t executor_recorded_evals(const recorded *x);

#endif
