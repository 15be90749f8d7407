/* A small file of weights, cut at every byte and with every bit of its header flipped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"

static const char ini[] = "[run]\nworkers = 1\n"
                          "[data]\ndataset = idx(path=data, shape=1 1 2, classes=2)\n"
                          "[model.flat]\nlayer = flatten\n"
                          "[model.a]\nlayer = dense(units=3)\nthen = tanh, dense(units=classes)\n"
                          "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

/* A session, the weights that it has saved as bytes, and where damaged ones are written. */
typedef struct saved {
    support_session s;
    folder f;
    char path[FOLDER_BYTES];
    unsigned char *bytes;
    size_t n, header; /* all bytes; those of length and header */
    double *parameters;
    int64_t n_parameters;
} saved;

static int save(void **state)
{
    static saved x;
    x = (saved){.s = support_session_open(ini, 2, NULL), .f = folder_create()};
    (void)snprintf(x.path, sizeof x.path, "%s", folder_file(&x.f, "weights.safetensors"));
    support_require(session_save(x.s.session, x.path), "save");
    x.bytes = folder_read(x.path, &x.n);
    x.header = 8u + x.bytes[0] + 256u * x.bytes[1];
    x.parameters = support_parameters(&x.s, &x.n_parameters);
    *state = &x;
    return x.header < x.n ? 0 : -1;
}

static int discard(void **state)
{
    saved *x = *state;
    mem_free(x->parameters);
    free(x->bytes);
    folder_remove(&x->f);
    support_session_close(&x->s);
    return 0;
}

/* Loads n of the bytes; a refusal must be one of the data that names the file. */
static odeon_status load(saved *x, size_t n)
{
    folder_write(&x->f, "weights.safetensors", x->bytes, n);
    diag_clear();
    odeon_status status = session_load(x->s.session, x->path);
    if (status != ODEON_OK &&
        (status != ODEON_ERR_DATA || strstr(diag_message(), x->path) == NULL)) {
        fail_msg("status %d: '%s'", (int)status, diag_message());
    }
    return status;
}

static void assert_parameters_are_those_saved(saved *x)
{
    int64_t n = 0;
    double *now = support_parameters(&x->s, &n);
    assert_int_equal(n, x->n_parameters);
    assert_memory_equal(now, x->parameters, (size_t)n * sizeof *now);
    mem_free(now);
}

static void test_whole_file_loads(void **state)
{
    saved *x = *state;
    support_require(load(x, x->n), "load");
    assert_parameters_are_those_saved(x);
}

static void test_file_cut_at_any_byte_is_refused(void **state)
{
    saved *x = *state;
    for (size_t n = 0; n < x->n; n++) {
        if (load(x, n) == ODEON_OK) {
            fail_msg("the first %zu of %zu bytes load", n, x->n);
        }
    }
}

static void test_file_with_a_byte_more_is_refused(void **state)
{
    saved *x = *state;
    unsigned char *bytes = x->bytes, *longer = malloc(x->n + 1);
    assert_non_null(longer);
    memcpy(longer, bytes, x->n);
    longer[x->n] = 0;
    x->bytes = longer;
    odeon_status status = load(x, x->n + 1);
    x->bytes = bytes;
    free(longer);
    assert_int_equal(status, ODEON_ERR_DATA);
}

/* Is this byte of the file one of the metadata, whose words mean nothing to the model? */
static bool is_metadata(const saved *x, size_t at)
{
    static const char key[] = "\"__metadata__\"";
    const char *text = (const char *)x->bytes + 8;
    const char *start = strstr(text, key); /* always there: session_save writes it first */
    const char *end = start != NULL ? strchr(start, '}') : NULL;
    return end != NULL && at >= 8 + (size_t)(start - text) + sizeof key - 1 &&
           at <= 8 + (size_t)(end - text);
}

/* Whatever is still accepted is the same model with the same numbers. */
static void test_file_with_any_header_bit_flipped_is_refused_or_the_same(void **state)
{
    saved *x = *state;
    size_t refused = 0, accepted = 0;
    for (size_t bit = 0; bit < 8 * x->header; bit++) {
        unsigned char mask = (unsigned char)(1u << bit % 8);
        x->bytes[bit / 8] ^= mask;
        odeon_status status = load(x, x->n);
        x->bytes[bit / 8] ^= mask;
        if (status != ODEON_OK) {
            refused++;
        } else if (is_metadata(x, bit / 8)) {
            accepted++;
            assert_parameters_are_those_saved(x);
        } else {
            fail_msg("bit %zu of byte %zu ('%c') may be flipped", bit % 8, bit / 8,
                     x->bytes[bit / 8]);
        }
    }
    assert_int_equal(refused + accepted, 8 * x->header);
    assert_true(refused > 9 * accepted);
    print_message("%zu cuts, %zu flips: %zu refused, %zu within metadata\n", x->n, 8 * x->header,
                  refused, accepted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_file_loads),
        cmocka_unit_test(test_file_cut_at_any_byte_is_refused),
        cmocka_unit_test(test_file_with_a_byte_more_is_refused),
        cmocka_unit_test(test_file_with_any_header_bit_flipped_is_refused_or_the_same),
    };
    return cmocka_run_group_tests_name("bad weights", tests, save, discard);
}
