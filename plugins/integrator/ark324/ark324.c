/* ark324: ARK3(2)4L[2]SA, an additive pair for fields with a stiff term: an explicit method for the
 * rest and an ESDIRK for the stiff term, L-stable and stiffly accurate, both of four stages, order
 * 3 with an embedded method of order 2.
 * Source: Kennedy, Carpenter, Additive Runge-Kutta schemes for convection-diffusion-reaction
 * equations, Appl. Numer. Math. 44, 2003, appendix C. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

#define GAMMA (1767732205903.0 / 4055673282236.0)
#define B1    (1471266399579.0 / 7840856788654.0)
#define B2    (-4482444167858.0 / 7529755066697.0)
#define B3    (11266239266428.0 / 11593286722821.0)

static const double a[4][4] = {
    {0.0},
    {1767732205903.0 / 2027836641118.0},
    {5535828885825.0 / 10492691773637.0, 788022342437.0 / 10882634858940.0},
    {6485989280629.0 / 16251701735622.0, -4246266847089.0 / 9704473918619.0,
     10755448449292.0 / 10357097424841.0},
};
static const double a_im[4][4] = {
    {0.0},
    {GAMMA, GAMMA},
    {2746238789719.0 / 10658868560708.0, -640167445237.0 / 6845629431997.0, GAMMA},
    {B1, B2, B3, GAMMA},
};
static const double b[4] = {B1, B2, B3, GAMMA};
static const double b_hat[4] = {
    2756255671327.0 / 12835298489170.0, -10771552573575.0 / 22201958757719.0,
    9247589265047.0 / 10645013368117.0, 2193209047091.0 / 5459859503100.0};
static const double c[4] = {0.0, 1767732205903.0 / 2027836641118.0, 0.6, 1.0};

/* Dense output, of order 2 and for both tables: row i holds the factors of x and x^2. */
static const double interp[4][2] = {
    {4655552711362.0 / 22874653954995.0, -215264564351.0 / 13552729205753.0},
    {-18682724506714.0 / 9892148508045.0, 17870216137069.0 / 13817060693119.0},
    {34259539580243.0 / 13192909600954.0, -28141676662227.0 / 17317692491321.0},
    {584795268549.0 / 6622622206610.0, 2508943948391.0 / 7218656332882.0}};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .stages = 4,
    .order = 3,
    .embedded_order = 2,
    .interp_degree = 2,
    .interp_order = 2,
    .filter_gamma = GAMMA,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
    .interp = interp[0],
    .a_im = a_im[0],
};

ODEON_PLUGIN_WITH(
    TABLEAU, "ark324", &tableau,
    "additive pair of Kennedy and Carpenter for fields with a stiff term: order 3, the "
    "stiff term implicit, the rest explicit",
    "Kennedy, Carpenter, Appl. Numer. Math. 44, 2003", "ark3|ark32|ark324l2sa|kencarp3|imex");
