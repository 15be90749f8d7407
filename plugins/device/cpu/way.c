/* Which way is fastest: one rule, made from the table below and others like it.
 *
 * GFLOP/s of nominal operations (padding counts, although vectors of filters leave most of it out),
 * float32, AVX2, an EPYC of the third generation whose multiply-adds give 98; OpenBLAS 0.3.21 with
 * its kernels for Haswell; tests/bench/bench_convolutions.
 *
 *                                 forward               by x                  by w
 * C-K, window, edge        unroll filt. plac.    unroll filt. plac.    unroll filt. plac.
 *   6-6    3x3   26            22   36   63          25   36   63          16   34   60
 *  16-16   3x3   28            38   68   64          40   71   66          37   77   64
 *  65-64   3x3    6            51   79   65          49   76   62          52   86   30
 *  64-64   3x3   32            66   81   73          67   83   75          62   85   72
 * 128-128  3x3    8            66   87   71          62   79   67          65   71   24
 * 256-256  3x3    4            47   83   41          47   85   40          58   60    4
 *  64-64   4x4/2 26            56   83    -          50   84    -          54   75    -
 *  64-64   4x4/2 13            40   81    -          36   63    -          40   59    -
 *   6-6    3x3/2 26             9   18    -           9   12    -           8   18    -
 *   1-64   3x3   28            21   24   22          19    5   18          20   15   25
 *   3-16   3x3   32            36   47   53          33   18   54          27   53   54
 *   8-8    3x3   14            18   28   45          16   28   44          16   32   41
 *  12-12   3x3   14            36   55   63          20   32   47          22   39   42
 *  40-24   3x3   10            37   45   57          31   46   56          32   51   38
 *  64-10   3x3    7            13   34   50          20   48   47          14   41   30
 *   6-16   1x1   28            31   22   47          18   11   47          13   30   50
 *  64-64   1x1    8            52   28   48          52   31   48          50   43   39
 *  16-32   1x1/2 16            19   24    -          19   10    -          19   30    -
 *
 * The best of 25 rounds, in one run on a machine with other load: ratios within a line are good to
 * some ten percent. float64 gives half of that in about the same order, but for gradients of many
 * weights. Unrolled with the device's own products these are at 2 to 29: there every convolution is
 * direct that can be.
 *
 * The same with AVX-512 on an EPYC of the fourth generation, whose multiply-adds give 112; OpenBLAS
 * with its kernels for SkylakeX. With 32 registers one vector of filters suffices, and few of its
 * lanes may be empty; loads of 64 bytes that are not aligned hold vectors of places up.
 *
 *                                 forward               by x                  by w
 * C-K, window, edge        unroll filt. plac.    unroll filt. plac.    unroll filt. plac.
 *   6-6    3x3   26            53   37   78          42   37   78          36   31   58
 *  16-16   3x3   28            61   99   91          70   98   90          48  108   62
 *  17-16   3x3   28            61   99   91          70   55   90          47  109   63
 *  64-64   3x3    6            61  129   62          60  129   61          74  126   21
 *  32-32   3x3   16            72  103   92          75  102   92          63  112   57
 *  64-64   4x4/2 26            68  105    -          60  106    -          69  110    -
 *   1-64   3x3   28            62   43   37          28    6   29          37   33   33
 *   3-16   3x3   32            79   78   73          69   19   49          49   56   55
 *   8-8    3x3   14            49   55   80          41   55   80          44   50   44
 *  12-12   3x3   14            61   83   79          49   83   78          39   77   50
 *  20-20   5x5   12            57   77   83          63   77   83          49   83   46
 *  40-24   3x3   10            71   90   75          61  100   75          54   90   45
 *   6-16   1x1   28            74   44   77          86   28   85          50   56   69
 *  64-64   1x1    8           103   94  107          82   96  108          95   91   51
 *
 * Not measured: vectors of 16 bytes. */
#include "way.h"

/* Sums of that many bytes leave L2 for every group of images. */
enum { SUMS_BYTES = 1 << 20, WIDE_CHANNELS = 32, NARROW_CHANNELS = 4 };

static int32_t is_pointwise(const cpu_windows *v)
{
    return v->kernel_h == 1 && v->kernel_w == 1;
}

static int32_t has_longest_vectors(const cpu_direct *direct)
{
    return direct->lanes * direct->bytes == 64;
}

/* Whole pairs of vectors, or few filters more than that, of a sum that is worth transposing; of the
 * longest vectors also single ones, with a quarter of all lanes empty at most. */
static int32_t fills_vectors(int64_t channels, int64_t filters, const cpu_direct *direct)
{
    int64_t lanes = direct->lanes, block = has_longest_vectors(direct) ? lanes : 2 * lanes;
    int64_t rest = filters % block, whole = (filters + lanes - 1) / lanes * lanes;
    int32_t few_more = filters >= 2 * lanes && rest * 4 <= lanes;
    int32_t almost = has_longest_vectors(direct) && filters * 4 >= whole * 3;
    return channels >= NARROW_CHANNELS && (few_more || almost);
}

/* The faster of the direct ways. */
static cpu_way direct_way(cpu_conv_mode mode, const cpu_convolution *c, const cpu_direct *direct)
{
    const cpu_windows *v = &c->windows;
    int32_t filters;
    if (mode == CPU_CONV_VJP_W) {
        int32_t many = v->channels >= NARROW_CHANNELS && c->filters >= 2 * direct->lanes;
        filters = v->width < direct->lanes ||
                  (!is_pointwise(v) && (many || fills_vectors(v->channels, c->filters, direct)));
    } else if (mode == CPU_CONV_VJP_X) {
        filters = fills_vectors(c->filters, v->channels, direct) && !is_pointwise(v);
    } else {
        filters = fills_vectors(v->channels, c->filters, direct) && !is_pointwise(v);
    }
    if (!filters && direct_can(CPU_WAY_PLACES, c)) {
        return CPU_WAY_PLACES;
    }
    return direct_can(CPU_WAY_FILTERS, c) ? CPU_WAY_FILTERS : CPU_WAY_UNROLL;
}

/* Where the matrix of windows and the products of OpenBLAS are faster. */
static int32_t prefers_products(cpu_conv_mode mode, const cpu_convolution *c,
                                const cpu_direct *direct)
{
    const cpu_windows *v = &c->windows;
    int64_t weights = v->channels * v->kernel_h * v->kernel_w * c->filters;
    if (direct->lanes * direct->bytes < 32) { /* its kernels have longer vectors, or as long ones */
        return 1;
    }
    if (is_pointwise(v) && v->channels >= WIDE_CHANNELS && c->filters >= WIDE_CHANNELS) {
        return mode == CPU_CONV_VJP_W || !has_longest_vectors(direct); /* nothing is unrolled */
    }
    if (mode == CPU_CONV_FORWARD && v->channels < NARROW_CHANNELS && c->filters >= direct->lanes) {
        return has_longest_vectors(direct);
    }
    if (mode == CPU_CONV_VJP_X) { /* most of the gradient is zero */
        return v->kernel_h < v->stride_h || v->kernel_w < v->stride_w;
    }
    return mode == CPU_CONV_VJP_W && direct->bytes == 8 && weights * direct->bytes > SUMS_BYTES;
}

cpu_way cpu_way_choose(int64_t convolution, cpu_conv_mode mode, const cpu_convolution *c,
                       const cpu_direct *direct, cpu_multiplier by)
{
    cpu_way way = direct_way(mode, c, direct);
    switch (convolution) {
    case CPU_CONVOLUTION_UNROLL:
        return CPU_WAY_UNROLL;
    case CPU_CONVOLUTION_FILTERS:
        return direct_can(CPU_WAY_FILTERS, c) ? CPU_WAY_FILTERS : CPU_WAY_UNROLL;
    case CPU_CONVOLUTION_PLACES:
        return direct_can(CPU_WAY_PLACES, c) ? CPU_WAY_PLACES : CPU_WAY_UNROLL;
    case CPU_CONVOLUTION_DIRECT:
        return way;
    default:
        return by == CPU_BY_TILES || (by == CPU_BY_BLAS && prefers_products(mode, c, direct))
                   ? CPU_WAY_UNROLL
                   : way;
    }
}
