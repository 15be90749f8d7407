#include "support.h"

#include <math.h>
#include <stdbool.h>

#include <Random123/philox.h>

#include "base/rng.h"

/* Random123's known answers for philox4x32 with 10 rounds: counter, key, result. */
static const uint32_t known[3][10] = {
    {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e,
     0xa20bc7c6, 0x6d5451fd},
    {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb,
     0x5001e420, 0x24126ea1},
};

static philox4x32_ctr_t cipher(const uint32_t counter[4], const uint32_t key[2])
{
    philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
    philox4x32_key_t k = {{key[0], key[1]}};
    return philox4x32(c, k);
}

static void test_the_cipher_gives_the_known_answers(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        philox4x32_ctr_t c = cipher(known[i], known[i] + 4);
        assert_memory_equal(c.v, known[i] + 6, sizeof c.v);
    }
}

static void test_bits_are_the_ciphers(void **state)
{
    (void)state;
    assert_true(rng_bits(0, 0) == 0xe169c58d6627e8d5u);
    uint32_t counter[4] = {0x76543210, 0xfedcba98, 0, 0}, key[2] = {0x89abcdef, 0x01234567};
    philox4x32_ctr_t c = cipher(counter, key);
    assert_true(rng_bits(0x0123456789abcdefu, 0xfedcba9876543210u) ==
                (c.v[0] | (uint64_t)c.v[1] << 32));
}

/* Streams never change: a run with the same seed is the same run in every version. */
static void test_streams_stay_as_they_are(void **state)
{
    (void)state;
    static const uint64_t bits[] = {0x77f5493b9ceaf053u, 0x53ba6cfdfcdb2127u, 0xa8875dcbd36c0225u,
                                    0xabaf0dabbac70475u};
    static const double uniforms[] = {0x1.dfd524ee73abcp-2, 0x1.4ee9b3f7f36c8p-2,
                                      0x1.510ebb97a6d8p-1, 0x1.575e1b57758ep-1};
    static const double normals[] = {-0.60765105393351915, -0.85364406331160891,
                                     0.21637628796618585, -1.0808154976343705};
    for (uint64_t i = 0; i < 4; i++) {
        assert_true(rng_bits(42, i) == bits[i]);
        assert_true(rng_uniform(42, i) == uniforms[i]);
        /* log and cos of another libm may differ by an ulp each */
        assert_true(fabs(rng_normal(42, i) - normals[i]) < 1e-14);
    }
}

static void test_keys_stay_as_they_are(void **state)
{
    (void)state;
    assert_true(rng_key(1, "order", 0, 0) == 0xe58f33c033a57f82u);
    assert_true(rng_key(1, "order", 1, 0) == 0x5aa69d0c5060d406u);
    assert_true(rng_key(UINT64_MAX, "init:ode.block.weight", 3, 7) == 0x15dd5234a3bced0eu);
}

static void test_permutations_stay_as_they_are(void **state)
{
    (void)state;
    static const int64_t golden[12] = {4, 3, 0, 6, 2, 9, 11, 1, 10, 8, 5, 7};
    int64_t order[12];
    rng_permutation(42, 12, order);
    assert_memory_equal(order, golden, sizeof golden);
}

static void test_every_part_of_a_key_matters(void **state)
{
    (void)state;
    uint64_t keys[7] = {rng_key(1, "a", 2, 3), rng_key(2, "a", 2, 3), rng_key(1, "b", 2, 3),
                        rng_key(1, "a", 3, 3), rng_key(1, "a", 2, 2), rng_key(1, "a", 3, 2),
                        rng_key(1, "", 2, 3)};
    for (int i = 0; i < 7; i++) {
        for (int k = 0; k < i; k++) {
            assert_true(keys[i] != keys[k]);
        }
    }
}

static void test_uniforms_fill_the_unit_interval_evenly(void **state)
{
    (void)state;
    enum { BINS = 64, N = 64000 };
    int count[BINS] = {0};
    for (uint64_t i = 0; i < N; i++) {
        double u = rng_uniform(7, i);
        assert_true(u >= 0.0 && u < 1.0);
        count[(int)(u * BINS)]++;
    }
    double chi2 = 0.0, expected = (double)N / BINS;
    for (int i = 0; i < BINS; i++) {
        chi2 += (count[i] - expected) * (count[i] - expected) / expected;
    }
    /* chi square with 63 degrees: mean 63, deviation sqrt(126); within 4 of them on both sides */
    assert_true(fabs(chi2 - 63.0) < 4.0 * sqrt(126.0));
}

static void test_neighbours_of_a_stream_are_uncorrelated(void **state)
{
    (void)state;
    enum { N = 50000 };
    double same_key = 0.0, next_key = 0.0;
    for (uint64_t i = 0; i < N; i++) {
        double u = rng_uniform(7, i) - 0.5;
        same_key += 12.0 * u * (rng_uniform(7, i + 1) - 0.5) / N;
        next_key += 12.0 * u * (rng_uniform(8, i) - 0.5) / N;
    }
    /* a sample correlation has deviation 1 / sqrt(N) */
    assert_true(fabs(same_key) < 4.0 / sqrt(N));
    assert_true(fabs(next_key) < 4.0 / sqrt(N));
}

static void test_normals_have_the_normal_distribution(void **state)
{
    (void)state;
    enum { N = 50000, POINTS = 7 };
    int below[POINTS] = {0};
    for (uint64_t i = 0; i < N; i++) {
        double x = rng_normal(9, i);
        assert_true(isfinite(x));
        for (int p = 0; p < POINTS; p++) {
            below[p] += x < p - 3;
        }
    }
    for (int p = 0; p < POINTS; p++) {
        double cdf = 0.5 * erfc(-(p - 3) / sqrt(2.0));
        double deviation = sqrt(cdf * (1.0 - cdf) / N);
        assert_true(fabs((double)below[p] / N - cdf) < 4.0 * deviation);
    }
}

static void test_permutation_has_every_index_once(void **state)
{
    (void)state;
    enum { N = 1000 };
    int64_t order[N];
    for (int64_t n = 0; n <= N; n += n < 5 ? 1 : 199) {
        bool seen[N] = {false};
        rng_permutation(3, n, order);
        for (int64_t i = 0; i < n; i++) {
            assert_in_range(order[i], 0, n - 1);
            assert_false(seen[order[i]]);
            seen[order[i]] = true;
        }
    }
}

static void test_permutation_changes_with_the_key(void **state)
{
    (void)state;
    int64_t a[100], b[100];
    rng_permutation(rng_key(1, "order", 0, 0), 100, a);
    rng_permutation(rng_key(1, "order", 1, 0), 100, b);
    assert_memory_not_equal(a, b, sizeof a);
    rng_permutation(rng_key(1, "order", 0, 0), 100, b);
    assert_memory_equal(a, b, sizeof a);
}

/* All 24 orders of four things come up equally often. */
static void test_permutations_are_equally_likely(void **state)
{
    (void)state;
    enum { N = 24000 };
    int count[256] = {0};
    for (uint64_t key = 0; key < N; key++) {
        int64_t o[4];
        rng_permutation(key, 4, o);
        count[o[0] + 4 * o[1] + 16 * o[2] + 64 * o[3]]++;
    }
    double chi2 = 0.0;
    int n_orders = 0;
    for (int i = 0; i < 256; i++) {
        if (count[i] > 0) {
            n_orders++;
            chi2 += (count[i] - 1000.0) * (count[i] - 1000.0) / 1000.0;
        }
    }
    assert_int_equal(n_orders, 24);
    assert_true(fabs(chi2 - 23.0) < 4.0 * sqrt(46.0)); /* 23 degrees of freedom */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_cipher_gives_the_known_answers),
        cmocka_unit_test(test_bits_are_the_ciphers),
        cmocka_unit_test(test_streams_stay_as_they_are),
        cmocka_unit_test(test_keys_stay_as_they_are),
        cmocka_unit_test(test_permutations_stay_as_they_are),
        cmocka_unit_test(test_every_part_of_a_key_matters),
        cmocka_unit_test(test_uniforms_fill_the_unit_interval_evenly),
        cmocka_unit_test(test_neighbours_of_a_stream_are_uncorrelated),
        cmocka_unit_test(test_normals_have_the_normal_distribution),
        cmocka_unit_test(test_permutation_has_every_index_once),
        cmocka_unit_test(test_permutation_changes_with_the_key),
        cmocka_unit_test(test_permutations_are_equally_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
