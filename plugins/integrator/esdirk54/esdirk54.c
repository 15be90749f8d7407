/* esdirk54: ESDIRK5(4)7L[2]SA2 of seven stages, order 5 with an embedded method of order 4;
 * L-stable, stiffly accurate, gamma = 23/125; the last stage is the first of the next step (FSAL).
 * The published fractions are given as decimals.
 * Source: Kennedy, Carpenter, Diagonally implicit Runge-Kutta methods for ordinary differential
 * equations, a review, NASA TM-2016-219173. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[7][7] = {
    {0.0},
    {0.184, 0.184},
    {0.22210764773832474449, 0.22210764773832474449, 0.184},
    {-0.014049475381926281932, -0.014049475381926281932, -0.017090850935864150017, 0.184},
    {-0.40838859254931465027, -0.40838859254931465027, 0.16646399821362963202,
     1.1662718062895743965, 0.184},
    {-0.53929072355881132945, -0.53929072355881132945, -0.2422344288454250204,
     1.4888806111225146267, 0.5563122281913183929, 0.184},
    {-0.039466069109740259325, -0.039466069109740259325, 0.2726364902502426817,
     0.43216517252028821339, 0.35241608623288913612, -0.16228561078393951257, 0.184},
};
static const double b[7] = {-0.039466069109740259325,
                            -0.039466069109740259325,
                            0.2726364902502426817,
                            0.43216517252028821339,
                            0.35241608623288913612,
                            -0.16228561078393951257,
                            0.184};
static const double b_hat[7] = {-0.080689466566647432665, -0.080689466566647432665,
                                0.18289968461343554318,   0.51701387376623100238,
                                0.42659973130245431984,   -0.10432685796713497222,
                                0.13919250141830897215};
static const double c[7] = {0.0,
                            0.368,
                            0.62821529547664948898,
                            0.13881019830028328612,
                            0.69995861940457472794,
                            0.90837696335078534031,
                            1.0};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL,
    .stages = 7,
    .order = 5,
    .embedded_order = 4,
    .filter_gamma = 0.184,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
};

ODEON_PLUGIN_WITH(TABLEAU, "esdirk54", &tableau,
                  "ESDIRK pair of Kennedy and Carpenter for stiff problems: order 5 with an error "
                  "estimate of order 4",
                  "Kennedy, Carpenter, NASA TM-2016-219173", "esdirk547l2sa2");
