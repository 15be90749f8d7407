/* bs5: the pair of Bogacki and Shampine of order 5 with an estimate of order 4, and a second one
 * that needs six of the eight stages; three stages more for dense output of order 5. For tests.
 * Source: Bogacki, Shampine, An efficient Runge-Kutta (4,5) pair, Comput. Math. Appl. 32, 1996;
 * their code RKSUITE for the stages and polynomials of dense output. */
#include "odeon/integrator.h"
#include "odeon/plugin.h"

static const double a[8][8] = {
    {0},
    {1.0 / 6.0},
    {2.0 / 27.0, 4.0 / 27.0},
    {183.0 / 1372.0, -162.0 / 343.0, 1053.0 / 1372.0},
    {68.0 / 297.0, -4.0 / 11.0, 42.0 / 143.0, 1960.0 / 3861.0},
    {597.0 / 22528.0, 81.0 / 352.0, 63099.0 / 585728.0, 58653.0 / 366080.0, 4617.0 / 20480.0},
    {174197.0 / 959244.0, -30942.0 / 79937.0, 8152137.0 / 19744439.0, 666106.0 / 1039181.0,
     -29421.0 / 29068.0, 482048.0 / 414219.0},
    {587.0 / 8064.0, 0, 4440339.0 / 15491840.0, 24353.0 / 124800.0, 387.0 / 44800.0,
     2152.0 / 5985.0, 7267.0 / 94080.0}};
static const double b[8] = {587.0 / 8064.0,         0,
                            4440339.0 / 15491840.0, 24353.0 / 124800.0,
                            387.0 / 44800.0,        2152.0 / 5985.0,
                            7267.0 / 94080.0,       0};
static const double c[8] = {0, 1.0 / 6.0, 2.0 / 9.0, 3.0 / 7.0, 2.0 / 3.0, 3.0 / 4.0, 1.0, 1.0};
static const double b_hat[8] = {2479.0 / 34992.0,    0,
                                123.0 / 416.0,       612941.0 / 3411720.0,
                                43.0 / 1440.0,       2272.0 / 6561.0,
                                79937.0 / 1113912.0, 3293.0 / 556956.0};
static const double more_b_hat[8] = {6059.0 / 80640.0,       0,
                                     8559189.0 / 30983680.0, 26411.0 / 124800.0,
                                     -927.0 / 89600.0,       443.0 / 1197.0,
                                     7267.0 / 94080.0,       0};
static const int32_t more_orders[1] = {4};
static const double interp[11][6] = {
    {1.0, -3547880131.0 / 437837400.0, 35856435071.0 / 1313512200.0, -2722545893.0 / 59875200.0,
     12923488183.0 / 350269920.0, -12134338393.0 / 1050809760.0},
    {0},
    {0, -1046723109.0 / 304608304.0, 4323308999.0 / 152304152.0, -27096444225.0 / 374902528.0,
     65150312289.0 / 870309440.0, -33197340367.0 / 1218433216.0},
    {0, -55058055073.0 / 41469456600.0, 3249645975331.0 / 248816739600.0,
     -201150852119.0 / 5671036800.0, 6343174409579.0 / 165877826400.0,
     -284800997201.0 / 19905339168.0},
    {0, -1772261.0 / 10810800.0, 3586937.0 / 4054050.0, -2903933.0 / 1478400.0,
     85695583.0 / 43243200.0, -540919.0 / 741312.0},
    {0, 2449079168.0 / 623918295.0, -9134977024.0 / 267393555.0, 413114104.0 / 5332635.0,
     -41174140576.0 / 623918295.0, 7157998304.0 / 374350977.0},
    {0, -7267.0 / 3920.0, 792103.0 / 47040.0, -1329861.0 / 31360.0, 94471.0 / 2240.0,
     -138073.0 / 9408.0},
    {0, 37.0 / 16.0, -1349.0 / 64.0, 3435.0 / 64.0, -3479.0 / 64.0, 1245.0 / 64.0},
    {0, 0, -7.0 / 3.0, 23.0, -39.0, 55.0 / 3.0},
    {0, -423642896.0 / 126351225.0, 11411880511.0 / 379053675.0, -26477681.0 / 359975.0,
     1774004627.0 / 25270245.0, -1774004627.0 / 75810735.0},
    {0, 12.0, -59.0, 117.0, -105.0, 35.0}};
static const double dense_a[3][11] = {
    {455.0 / 6144.0, 0, 10256301.0 / 35409920.0, 2307361.0 / 17971200.0, -387.0 / 102400.0,
     73.0 / 5130.0, -7267.0 / 215040.0, 1.0 / 32.0},
    {-837888343715.0 / 13176988637184.0, 30409415.0 / 52955362.0, -48321525963.0 / 759168069632.0,
     8530738453321.0 / 197654829557760.0, 1361640523001.0 / 1626788720640.0,
     -13143060689.0 / 38604458898.0, 18700221969.0 / 379584034816.0, -5831595.0 / 847285792.0,
     -5183640.0 / 26477681.0},
    {98719073263.0 / 1551965184000.0, 1307.0 / 123552.0, 4632066559387.0 / 70181753241600.0,
     7828594302389.0 / 382182512025600.0, 40763687.0 / 11070259200.0,
     34872732407.0 / 224610586200.0, -2561897.0 / 30105600.0, 1.0 / 10.0, -1.0 / 10.0,
     -1403317093.0 / 11371610250.0}};
static const double dense_c[3] = {1.0 / 2.0, 5.0 / 6.0, 1.0 / 9.0};
static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL,
    .stages = 8,
    .order = 5,
    .embedded_order = 4,
    .n_more_estimates = 1,
    .dense_stages = 3,
    .interp_degree = 6,
    .interp_order = 5,
    .a = a[0],
    .b = b,
    .c = c,
    .b_hat = b_hat,
    .more_b_hat = more_b_hat,
    .more_orders = more_orders,
    .interp = interp[0],
    .dense_a = dense_a[0],
    .dense_c = dense_c,
};
static const odeon_integrator ops = {.struct_size = sizeof ops, .tableau = &tableau};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_INTEGRATOR,
    .kind_version = ODEON_LAYOUT_INTEGRATOR,
    .id = "bs5",
    .summary = "order 5 with two estimates of order 4 and dense stages",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("integrator/bs5");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "bs5",
    .version = "1.0",
    .vendor = "Odeon's tests",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
