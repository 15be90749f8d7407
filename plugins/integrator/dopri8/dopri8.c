/* dopri8: the pair of Prince and Dormand, RK8(7)13M: order 8 with an embedded method of order 7. An
 * additional last stage is the derivative at the end of the step: it is the first stage of the next
 * step (FSAL) and otherwise used by the dense output only. The dense output has degree 6 and order
 * 5 and matches the slopes at both ends; its value at the middle is torchdiffeq's. The published
 * coefficients miss b at the end by 1e-12; these are the nearest that satisfy the conditions of
 * order 5 and of both ends. Source: Prince, Dormand, High order embedded Runge-Kutta formulae, J.
 * Comp. Appl. Math. 7, 1981, table 2; torchdiffeq 0.2.5, dopri8. */
#include "odeon/integrator.h"
#include "odeon/plugin.h"

static const double a[14][14] = {
    {0.0},
    {1.0 / 18.0},
    {1.0 / 48.0, 1.0 / 16.0},
    {1.0 / 32.0, 0.0, 3.0 / 32.0},
    {5.0 / 16.0, 0.0, -75.0 / 64.0, 75.0 / 64.0},
    {3.0 / 80.0, 0.0, 0.0, 3.0 / 16.0, 3.0 / 20.0},
    {29443841.0 / 614563906.0, 0.0, 0.0, 77736538.0 / 692538347.0, -28693883.0 / 1125000000.0,
     23124283.0 / 1800000000.0},
    {16016141.0 / 946692911.0, 0.0, 0.0, 61564180.0 / 158732637.0, 22789713.0 / 633445777.0,
     545815736.0 / 2771057229.0, -180193667.0 / 1043307555.0},
    {39632708.0 / 573591083.0, 0.0, 0.0, -433636366.0 / 683701615.0, -421739975.0 / 2616292301.0,
     100302831.0 / 723423059.0, 790204164.0 / 839813087.0, 800635310.0 / 3783071287.0},
    {246121993.0 / 1340847787.0, 0.0, 0.0, -37695042795.0 / 15268766246.0,
     -309121744.0 / 1061227803.0, -12992083.0 / 490766935.0, 6005943493.0 / 2108947869.0,
     393006217.0 / 1396673457.0, 123872331.0 / 1001029789.0},
    {-1028468189.0 / 846180014.0, 0.0, 0.0, 8478235783.0 / 508512852.0, 1311729495.0 / 1432422823.0,
     -10304129995.0 / 1701304382.0, -48777925059.0 / 3047939560.0, 15336726248.0 / 1032824649.0,
     -45442868181.0 / 3398467696.0, 3065993473.0 / 597172653.0},
    {185892177.0 / 718116043.0, 0.0, 0.0, -3185094517.0 / 667107341.0, -477755414.0 / 1098053517.0,
     -703635378.0 / 230739211.0, 5731566787.0 / 1027545527.0, 5232866602.0 / 850066563.0,
     -4093664535.0 / 808688257.0, 3962137247.0 / 1805957418.0, 65686358.0 / 487910083.0},
    {403863854.0 / 491063109.0, 0.0, 0.0, -5068492393.0 / 434740067.0, -411421997.0 / 543043805.0,
     652783627.0 / 914296604.0, 11173962825.0 / 925320556.0, -13158990841.0 / 6184727034.0,
     3936647629.0 / 1978049680.0, -160528059.0 / 685178525.0, 248638103.0 / 1413531060.0},
    {14005451.0 / 335480064.0, 0.0, 0.0, 0.0, 0.0, -59238493.0 / 1068277825.0,
     181606767.0 / 758867731.0, 561292985.0 / 797845732.0, -1041891430.0 / 1371343529.0,
     760417239.0 / 1151165299.0, 118820643.0 / 751138087.0, -528747749.0 / 2220607170.0, 1.0 / 4.0},
};
static const double b[14] = {14005451.0 / 335480064.0,
                             0.0,
                             0.0,
                             0.0,
                             0.0,
                             -59238493.0 / 1068277825.0,
                             181606767.0 / 758867731.0,
                             561292985.0 / 797845732.0,
                             -1041891430.0 / 1371343529.0,
                             760417239.0 / 1151165299.0,
                             118820643.0 / 751138087.0,
                             -528747749.0 / 2220607170.0,
                             1.0 / 4.0,
                             0.0};
static const double b_hat[14] = {13451932.0 / 455176623.0,
                                 0.0,
                                 0.0,
                                 0.0,
                                 0.0,
                                 -808719846.0 / 976000145.0,
                                 1757004468.0 / 5645159321.0,
                                 656045339.0 / 265891186.0,
                                 -3867574721.0 / 1518517206.0,
                                 465885868.0 / 322736535.0,
                                 53011238.0 / 667516719.0,
                                 2.0 / 45.0,
                                 0.0,
                                 0.0};
static const double c[14] = {0.0,
                             1.0 / 18.0,
                             1.0 / 12.0,
                             1.0 / 8.0,
                             5.0 / 16.0,
                             3.0 / 8.0,
                             59.0 / 400.0,
                             93.0 / 200.0,
                             5490023248.0 / 9719169821.0,
                             13.0 / 20.0,
                             1201146811.0 / 1299019798.0,
                             1.0,
                             1.0,
                             1.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[14][6] = {
    {1.0, -6.6910181737832115, 19.99900693336869, -30.061056828966617, 22.139650499809189,
     -6.3448349392865211},
    {0.0},
    {0.0},
    {0.0},
    {0.0},
    {0.0, -7.6142658045813247, 52.227353279297624, -121.49996277313326, 116.44221495503153,
     -39.610791985225802},
    {0.0, 10.728139263040955, -46.891916418110384, 83.172100463984663, -67.145131882594924,
     20.376121380880861},
    {0.0, 0.55266370637004669, -0.18908932250372926, 9.572450755599343, -16.567224352747026,
     7.3347098826848089},
    {0.0, 4.2186562625660979, -35.707597594622491, 87.840605767720419, -89.991601484724512,
     32.880177435246033},
    {0.0, -0.66272091253506749, 6.2736448083245913, -17.415210777076279, 22.623748964852769,
     -10.158899052643729},
    {0.0, -1.2636789001131565, 10.316088127245308, -28.590328951479012, 32.236234016735459,
     -12.54012680987848},
    {0.0, 5.4106037898587189, -34.765076986661391, 81.663095058434038, -82.102031548835967,
     29.555300148451732},
    {0.0, -7.0321379067944747, 47.745797107822611, -114.93752913770093, 116.26621857911192,
     -41.79234864243913},
    {0.0, 2.3537586759714166, -19.008209934160828, 50.255836422617634, -53.902077746638447,
     20.300692582210228},
};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL,
    .stages = 14,
    .order = 8,
    .embedded_order = 7,
    .interp_degree = 6,
    .interp_order = 5,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
    .interp = interp[0],
};
/* Controller exponents and limits of OrdinaryDiffEq's DP8: beta2 = 0, beta1 = 1/8 - beta2/5. That
 * method is DOP853 of Hairer and Wanner, a different one of order 8. */
static const odeon_control_hint sciml = {
    .struct_size = sizeof sciml,
    .system = "sciml",
    .beta = {0.125, 0.0, 0.0},
    .beta_reject = 0.125,
    .factor_min = 1.0 / 3.0,
    .factor_max = 6.0,
    .source = "OrdinaryDiffEq.jl, alg_utils.jl: beta1_default, qmin_default, qmax_default of DP8",
};
static const odeon_control_hint *const hints[] = {&sciml, NULL};

static const odeon_integrator ops = {
    .struct_size = sizeof ops, .tableau = &tableau, .hints = hints};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_INTEGRATOR,
    .kind_version = ODEON_LAYOUT_INTEGRATOR,
    .id = "dopri8",
    .aliases = "dopri853|dop853|dp8|dormandprince8",
    .summary = "Prince-Dormand pair: order 8 with an error estimate of order 7, thirteen "
               "evaluations a step",
    .version = "1.0",
    .license = "MIT",
    .source = "Prince, Dormand, J. Comp. Appl. Math. 7, 1981, table 2",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("integrator/dopri8");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "dopri8",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
