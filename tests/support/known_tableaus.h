/* known_tableaus.h: published methods of kinds that no plugin has yet: implicit stages, IMEX pairs,
 * several estimates, dense stages. Each is what its paper says. */
#ifndef ODEON_TESTS_KNOWN_TABLEAUS_H
#define ODEON_TESTS_KNOWN_TABLEAUS_H
#include "odeon/tableau.h"

extern const odeon_tableau known_trbdf2;   /* ESDIRK, order 2(3), FSAL, filtered */
extern const odeon_tableau known_kvaerno5; /* ESDIRK, order 5(4), FSAL, filtered */
extern const odeon_tableau known_kencarp3; /* IMEX pairs, orders 3(2), 4(3), 5(4) */
extern const odeon_tableau known_kencarp4;
extern const odeon_tableau known_kencarp5;
extern const odeon_tableau known_dop853; /* order 8(5, 3), 3 dense stages, output of order 7 */

/* Numbers in memory of their own, which a test may change; lists that the original lacks are NULL.
 * Copies of copies are not made. */
enum { COPY_STAGES = 32, COPY_DEGREE = 8 };
typedef struct tableau_copy {
    odeon_tableau t;
    double a[COPY_STAGES * COPY_STAGES], a_im[COPY_STAGES * COPY_STAGES];
    double b[COPY_STAGES], c[COPY_STAGES], b_hat[COPY_STAGES], more_b_hat[COPY_STAGES];
    double interp[COPY_STAGES * COPY_DEGREE], dense_a[COPY_STAGES * COPY_STAGES];
    double dense_c[COPY_STAGES];
    int32_t more_orders[1];
} tableau_copy;

/* Of a tableau of at most COPY_STAGES stages in all, two estimates and no list of a second table
 * but a_im. */
void tableau_copy_of(const odeon_tableau *from, tableau_copy *out);

#endif
