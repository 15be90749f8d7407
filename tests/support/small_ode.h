/* small_ode.h: ODEs of one or two unknowns, and integrators run on them in plain doubles: the
 * meaning of a tableau and of the step verbs, apart from the host's engine. */
#ifndef ODEON_TESTS_SMALL_ODE_H
#define ODEON_TESTS_SMALL_ODE_H
#include "odeon/stepper.h"
#include "odeon/tableau.h"

enum { SMALL_ODE_N = 2 };

typedef struct small_ode {
    const char *name;
    int32_t n;
    double t0, t1;
    void (*f)(double t, const double *y, double *dy);
    void (*exact)(double t, double *y); /* y(t0) is the initial value; NULL: not known */
} small_ode;

extern const small_ode small_ode_rotation;  /* z' = i z |z|^2, z = y0 + i y1: autonomous */
extern const small_ode small_ode_growth;    /* y' = t y: not autonomous */
extern const small_ode small_ode_cubic;     /* y' = t^3 */
extern const small_ode small_ode_vanderpol; /* y'' = (1 - y^2) y' - y */
extern const small_ode small_ode_driven;    /* y0' = cos 3t - y0, y1' = y0 sin t */

/* One step of a tableau from y; error (of the embedded pair) and k [stages][SMALL_ODE_N] may be
 * NULL. */
void small_ode_tableau_step(const small_ode *ode, const odeon_tableau *tableau, double t, double h,
                            const double *y, double *y1, double *error, double *k);
/* y(t1) by so many equal steps. */
void small_ode_tableau_solve(const small_ode *ode, const odeon_tableau *tableau, int64_t steps,
                             double *y1);

typedef struct small_ode_record {
    int64_t evals, last_evals; /* of the solve, of its last step */
    char complaint[160];       /* the first rule of stepper.h that a step broke; "": none */
} small_ode_record;

/* The same by a step-tier method, whose verbs are held to the contract. Returns the first status
 * that is not 0. */
odeon_status small_ode_stepper_solve(const small_ode *ode, const odeon_stepper_ops *ops, void *self,
                                     int64_t steps, double *y1, small_ode_record *record);

/* log2 of how much smaller the end error gets when coarse steps are halved. solve is called with a
 * number of steps and gives y(t1). */
typedef odeon_status (*small_ode_solver)(const small_ode *ode, void *method, int64_t steps,
                                         double *y1);
double small_ode_order(const small_ode *ode, small_ode_solver solve, void *method, int64_t coarse);

#endif
