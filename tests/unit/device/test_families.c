/* Families of operators: whole tables are taken, others refused, and what a device lacks says so.
 * The devices are tables made here, copies of the reference's. */
#include "device/families.h"

#include <string.h>

#include "base/diag.h"
#include "odeon/device_conv.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "odeon/odeon.h"
#include "support.h"

typedef struct family {
    const char *name, *id;
    size_t bytes;
} family;

#define FAMILY(name, header) {#name, ODEON_FAMILY(name), sizeof(odeon_##name##_family)},
static family families[] = {ODEON_FAMILY_LIST(FAMILY)};
#undef FAMILY

/* Up to what every table has: behind that a slot may be empty, or not be there. */
static void leave_out_optional(void)
{
    static const struct {
        const char *name;
        size_t bytes;
    } needed[] = {{"pool", offsetof(odeon_pool_family, pool2d_jvp)},
                  {"conv", offsetof(odeon_conv_family, conv2d_fused_scratch)},
                  {"norm", offsetof(odeon_norm_family, group_norm_act_vjp)},
                  {"random", offsetof(odeon_random_family, noise)}};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        for (size_t k = 0; k < sizeof needed / sizeof needed[0]; k++) {
            if (strcmp(families[i].name, needed[k].name) == 0) {
                families[i].bytes = needed[k].bytes;
            }
        }
        if (strcmp(families[i].name, "conv") == 0) {
            families[i].bytes = offsetof(odeon_conv_family, conv2d_fused_scratch);
        }
    }
}

enum { FAMILIES = sizeof families / sizeof families[0], MAX_TABLE = 256, HEAD = 8 };

/* ---- tables ---- */

/* What a device answers to one id; to all others NULL. */
typedef struct source {
    const char *id;
    const void *table;
} source;

static const void *look_up(const void *context, const char *id)
{
    const source *s = context;
    return s->id != NULL && strcmp(s->id, id) == 0 ? s->table : NULL;
}

/* Every family, as a device has them that is whole. */
static const void *whole(const void *context, const char *id)
{
    const support_device *reference = context;
    return reference->device->get_table(reference->device, id);
}

typedef struct fixture {
    registry *plugins;
    support_device reference;
    odeon_device device;
    _Alignas(16) unsigned char table[MAX_TABLE]; /* a copy, to be spoilt */
} fixture;

static int open_fixture(void **state)
{
    static fixture f;
    leave_out_optional();
    f.plugins = support_registry();
    f.reference = support_device_open(f.plugins, "reference", ODEON_DTYPE_F32);
    f.device = (odeon_device){.struct_size = sizeof f.device, .id = "odd"};
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    support_device_close(&f->reference);
    registry_destroy(f->plugins);
    return 0;
}

static void copy_table(fixture *f, const family *of)
{
    assert_true(of->bytes <= sizeof f->table);
    memset(f->table, 0, sizeof f->table);
    memcpy(f->table, whole(&f->reference, of->id), of->bytes);
}

static odeon_status resolve(fixture *f, const family *of)
{
    const source own = {of->id, f->table};
    diag_clear();
    return families_resolve(&f->device, look_up, &own, NULL, NULL);
}

static void expect_refused(fixture *f, const family *of, const char *words)
{
    char expected[200];
    (void)snprintf(expected, sizeof expected, "device odd: its family %s %s", of->name, words);
    if (resolve(f, of) != ODEON_ERR_PLUGIN) {
        fail_msg("%s is taken, though it %s", of->name, words);
    }
    if (strstr(diag_message(), expected) == NULL) {
        fail_msg("'%s' does not stand in '%s'", expected, diag_message());
    }
}

/* ---- which table is taken ---- */

static void test_whole_tables_are_taken(void **state)
{
    fixture *f = *state;
    const odeon_device *reference = f->reference.device;
    assert_int_equal(families_resolve(&f->device, whole, &f->reference, NULL, NULL), ODEON_OK);
#define SAME(name, header) assert_ptr_equal(f->device.name, reference->name);
    ODEON_FAMILY_LIST(SAME)
#undef SAME
    assert_null(families_missing(&f->device));
}

static void test_own_family_goes_before_that_of_the_base(void **state)
{
    fixture *f = *state;
    const odeon_product_family product = *f->reference.device->product;
    const source own = {ODEON_FAMILY(product), &product};
    assert_int_equal(families_resolve(&f->device, look_up, &own, whole, &f->reference), ODEON_OK);
    assert_ptr_equal(f->device.product, &product);
    assert_ptr_equal(f->device.move, f->reference.device->move);
    assert_ptr_equal(f->device.optimizer, f->reference.device->optimizer);
    assert_null(families_missing(&f->device));
}

/* Of a later version of the header. */
static void test_longer_table_is_taken(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < FAMILIES; i++) {
        copy_table(f, &families[i]);
        const uint32_t bytes = (uint32_t)families[i].bytes + 8;
        memcpy(f->table, &bytes, sizeof bytes);
        assert_int_equal(resolve(f, &families[i]), ODEON_OK);
    }
}

static void test_optional_slot_may_be_missing_or_empty(void **state)
{
    fixture *f = *state;
    odeon_pool_family pool = *f->reference.device->pool;
    const source own = {ODEON_FAMILY(pool), &pool};
    pool.struct_size = (uint32_t)offsetof(odeon_pool_family, pool2d_jvp);
    assert_int_equal(families_resolve(&f->device, look_up, &own, NULL, NULL), ODEON_OK);
    assert_ptr_equal(f->device.pool, &pool);
    assert_false(ODEON_HAS(f->device.pool, odeon_pool_family, pool2d_jvp));
    pool.struct_size = sizeof pool;
    pool.pool2d_jvp = NULL;
    assert_int_equal(families_resolve(&f->device, look_up, &own, NULL, NULL), ODEON_OK);
    assert_false(ODEON_HAS(f->device.pool, odeon_pool_family, pool2d_jvp));
}

/* ---- which is refused ---- */

static void test_table_that_is_too_short_is_refused(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < FAMILIES; i++) {
        char words[100];
        const uint32_t bytes = (uint32_t)families[i].bytes - 8;
        copy_table(f, &families[i]);
        memcpy(f->table, &bytes, sizeof bytes);
        (void)snprintf(words, sizeof words, "has %u bytes, expected at least %zu", (unsigned)bytes,
                       families[i].bytes);
        expect_refused(f, &families[i], words);
    }
}

static void test_table_with_flags_is_refused(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < FAMILIES; i++) {
        const uint32_t flags = UINT32_C(1) << i;
        char words[100];
        copy_table(f, &families[i]);
        memcpy(f->table + sizeof flags, &flags, sizeof flags);
        (void)snprintf(words, sizeof words, "has unknown flags 0x%x", (unsigned)flags);
        expect_refused(f, &families[i], words);
    }
}

static void test_table_with_an_empty_slot_is_refused(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < FAMILIES; i++) {
        for (size_t at = HEAD; at < families[i].bytes; at += sizeof(void (*)(void))) {
            char words[100];
            copy_table(f, &families[i]);
            memset(f->table + at, 0, sizeof(void (*)(void)));
            (void)snprintf(words, sizeof words, "leaves operator %zu empty",
                           (at - HEAD) / sizeof(void (*)(void)) + 1);
            expect_refused(f, &families[i], words);
        }
    }
}

/* ---- what a device lacks ---- */

#define OPERATORS(X)                                                                               \
    X(move, copy)                                                                                  \
    X(move, cast)                                                                                  \
    X(move, gather)                                                                                \
    X(move, fill)                                                                                  \
    X(move, copy2d)                                                                                \
    X(move, rows_fill)                                                                             \
    X(move, rows_sum)                                                                              \
    X(solver, slots_write)                                                                         \
    X(solver, stage_times)                                                                         \
    X(solver, lincomb)                                                                             \
    X(solver, error_sum)                                                                           \
    X(solver, dot)                                                                                 \
    X(solver, step_control)                                                                        \
    X(solver, step_start)                                                                          \
    X(solver, select)                                                                              \
    X(solver, row_store)                                                                           \
    X(solver, row_load)                                                                            \
    X(solver, step_back)                                                                           \
    X(pointwise, unary)                                                                            \
    X(pointwise, unary_vjp)                                                                        \
    X(pointwise, binary)                                                                           \
    X(pointwise, power)                                                                            \
    X(product, gemm)                                                                               \
    X(product, channel_sum)                                                                        \
    X(conv, conv2d)                                                                                \
    X(conv, conv2d_vjp_x)                                                                          \
    X(conv, conv2d_vjp_w)                                                                          \
    X(pool, pool2d)                                                                                \
    X(pool, pool2d_vjp)                                                                            \
    X(norm, group_norm)                                                                            \
    X(norm, group_norm_vjp)                                                                        \
    X(norm, channel_moment)                                                                        \
    X(norm, batch_norm)                                                                            \
    X(norm, batch_norm_vjp_sums)                                                                   \
    X(norm, batch_norm_vjp)                                                                        \
    X(random, dropout)                                                                             \
    X(random, window2d)                                                                            \
    X(random, window2d_vjp)                                                                        \
    X(loss, softmax_cross_entropy)                                                                 \
    X(loss, difference_loss)                                                                       \
    X(optimizer, sgd_step)                                                                         \
    X(optimizer, adam_step)                                                                        \
    X(optimizer, rmsprop_step)

static void expect_lacking(odeon_status status, const char *in, const char *name)
{
    char expected[200];
    (void)snprintf(expected, sizeof expected,
                   "run.device: the device has no operator %s (family %s), and no base", name, in);
    assert_int_equal(status, ODEON_ERR_UNSUPPORTED);
    if (strstr(diag_message(), expected) == NULL) {
        fail_msg("'%s' does not stand in '%s'", expected, diag_message());
    }
    diag_clear();
}

#define LACKS(in, operator_)                                                                       \
    expect_lacking(ODEON_DO(d, in, operator_, NULL, .flags = 0), #in, #operator_);

static void test_operators_of_a_missing_family_name_what_lacks(void **state)
{
    fixture *f = *state;
    const odeon_device *d = &f->device;
    const source nothing = {NULL, NULL};
    diag_clear();
    assert_int_equal(families_resolve(&f->device, look_up, &nothing, NULL, NULL), ODEON_OK);
    OPERATORS(LACKS)
    assert_int_equal(d->conv->conv2d_scratch(d, NULL, NULL, NULL), 0);
    assert_string_equal(families_missing(d), "move");
}

/* What the device has stays in use, and so does what its base has. */
static void test_only_the_missing_family_is_stood_in_for(void **state)
{
    fixture *f = *state;
    const odeon_device *reference = f->reference.device;
    const source own = {ODEON_FAMILY(move), reference->move};
    const source base = {ODEON_FAMILY(solver), reference->solver};
    assert_int_equal(families_resolve(&f->device, look_up, &own, look_up, &base), ODEON_OK);
    assert_ptr_equal(f->device.move, reference->move);
    assert_ptr_equal(f->device.solver, reference->solver);
    assert_string_equal(families_missing(&f->device), "pointwise");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_tables_are_taken),
        cmocka_unit_test(test_own_family_goes_before_that_of_the_base),
        cmocka_unit_test(test_longer_table_is_taken),
        cmocka_unit_test(test_table_that_is_too_short_is_refused),
        cmocka_unit_test(test_table_with_flags_is_refused),
        cmocka_unit_test(test_table_with_an_empty_slot_is_refused),
        cmocka_unit_test(test_optional_slot_may_be_missing_or_empty),
        cmocka_unit_test(test_operators_of_a_missing_family_name_what_lacks),
        cmocka_unit_test(test_only_the_missing_family_is_stood_in_for),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
