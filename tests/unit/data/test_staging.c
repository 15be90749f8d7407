/* Samples on their way through the host to the device. The device is one made here, which counts
 * what it gives and takes, with pinned memory or without. */
#include "data/staging.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "data_fixture.h"
#include "odeon/device_ext.h"
#include "support.h"

enum { SLACK = 64 }; /* bytes that a device buffer has beyond its samples */

typedef struct fake {
    odeon_device_ops ops;
    odeon_device device;
    odeon_queue queue;
    bool has_pinned;
    int allocs, frees, pinned_allocs, pinned_frees, uploads, waits;
    int fails_at; /* the call of this number, from 1, of those that can fail; 0: none */
    int calls;
} fake;

static odeon_status may_fail(fake *f, const char *what)
{
    return ++f->calls == f->fails_at ? diag_fail(ODEON_ERR_DEVICE, "fake: %s", what) : ODEON_OK;
}

static odeon_status fake_alloc(void *self, uint64_t bytes, void **out)
{
    fake *f = self;
    *out = NULL;
    ODEON_TRY(may_fail(f, "alloc"));
    f->allocs++;
    *out = malloc(bytes);
    return ODEON_OK;
}

static void fake_free(void *self, void *memory)
{
    ((fake *)self)->frees++;
    free(memory);
}

static odeon_status pinned_alloc(void *self, uint64_t bytes, void **out)
{
    fake *f = self;
    *out = NULL;
    ODEON_TRY(may_fail(f, "pinned"));
    f->pinned_allocs++;
    *out = malloc(bytes);
    return ODEON_OK;
}

static void pinned_free(void *self, void *memory)
{
    ((fake *)self)->pinned_frees += memory != NULL;
    free(memory);
}

static odeon_status fake_upload(odeon_queue *queue, void *destination, const void *source,
                                uint64_t bytes)
{
    fake *f = queue->handle;
    ODEON_TRY(may_fail(f, "upload"));
    f->uploads++;
    memcpy(destination, source, bytes);
    return ODEON_OK;
}

static odeon_status fake_wait(odeon_queue *queue)
{
    fake *f = queue->handle;
    ODEON_TRY(may_fail(f, "wait"));
    f->waits++;
    return ODEON_OK;
}

static const void *get_table(const odeon_device *device, const char *id)
{
    static const odeon_device_pinned pinned = {
        .struct_size = sizeof pinned, .alloc = pinned_alloc, .free = pinned_free};
    const fake *f = device->handle;
    return f->has_pinned && strcmp(id, ODEON_DEVICE_PINNED) == 0 ? &pinned : NULL;
}

static void open_fake(fake *f, bool has_pinned)
{
    *f = (fake){.has_pinned = has_pinned};
    f->ops = (odeon_device_ops){.struct_size = sizeof f->ops,
                                .alloc = fake_alloc,
                                .free = fake_free,
                                .upload = fake_upload,
                                .wait = fake_wait};
    f->device = (odeon_device){.struct_size = sizeof f->device,
                               .handle = f,
                               .self = f,
                               .ops = &f->ops,
                               .get_table = get_table};
    f->queue = (odeon_queue){.handle = f, .self = f};
    diag_clear();
}

/* Whatever was taken has been given back. */
static void close_fake(const fake *f)
{
    assert_int_equal(f->allocs, f->frees);
    assert_int_equal(f->pinned_allocs, f->pinned_frees);
}

/* An input of three floats and a class. */
static data_fields make_fields(void)
{
    data_fields fields = {.n_fields = 2, .index = {1, 0, -1, -1, -1, -1}};
    fields.of[ODEON_ROLE_INPUT] =
        (odeon_field_info){.dtype = ODEON_DTYPE_F32, .ndim = 1, .dim = {3}, .scale = 1.0};
    fields.of[ODEON_ROLE_LABEL] =
        (odeon_field_info){.dtype = ODEON_DTYPE_I64, .classes = 3, .scale = 1.0};
    return fields;
}

/* ---- memory ---- */

static void test_pinned_memory_is_what_the_device_offers(void **state)
{
    (void)state;
    fake f;
    open_fake(&f, true);
    assert_non_null(staging_pinned(&f.device));
    f.has_pinned = false;
    assert_null(staging_pinned(&f.device));
}

static void test_it_begins_empty(void **state)
{
    (void)state;
    fake f;
    open_fake(&f, true);
    staging s = staging_make(&f.device, staging_pinned(&f.device));
    assert_ptr_equal(s.device, &f.device);
    assert_ptr_equal(s.pinned, staging_pinned(&f.device));
    assert_int_equal(s.samples, 0);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        assert_null(s.host[role]);
        assert_null(s.on_device[role].data);
    }
    staging_release(&s);
    s = (staging){.device = NULL};
    staging_release(&s);
    assert_int_equal(f.pinned_frees + f.frees, 0);
}

static void test_both_sides_have_room_for_the_fields_that_are_there(void **state)
{
    (void)state;
    data_fields fields = make_fields();
    for (int pinned = 0; pinned < 2; pinned++) {
        fake f;
        int64_t live = mem_live_blocks();
        open_fake(&f, pinned);
        staging s = staging_make(&f.device, staging_pinned(&f.device));
        assert_int_equal(staging_fit(&s, &fields, 4), ODEON_OK);
        assert_int_equal(s.samples, 4);
        assert_int_equal(s.on_device[ODEON_ROLE_INPUT].bytes, 4 * 12 + SLACK);
        assert_int_equal(s.on_device[ODEON_ROLE_LABEL].bytes, 4 * 8 + SLACK);
        assert_null(s.on_device[ODEON_ROLE_TIME].data);
        assert_non_null(s.host[ODEON_ROLE_INPUT]);
        assert_non_null(s.host[ODEON_ROLE_LABEL]);
        assert_null(s.host[ODEON_ROLE_MASK]);
        assert_int_equal(f.pinned_allocs, pinned ? 2 : 0);
        assert_int_equal(mem_live_blocks() - live, pinned ? 0 : 2);
        staging_release(&s);
        assert_int_equal(s.samples, 0);
        assert_null(s.host[ODEON_ROLE_INPUT]);
        staging_release(&s);
        assert_int_equal(mem_live_blocks(), live);
        close_fake(&f);
    }
}

static void test_it_grows_and_never_shrinks(void **state)
{
    (void)state;
    data_fields fields = make_fields();
    fake f;
    open_fake(&f, true);
    staging s = staging_make(&f.device, staging_pinned(&f.device));
    assert_int_equal(staging_fit_host(&s, &fields, 2), ODEON_OK);
    assert_int_equal(f.allocs, 0); /* the host's side alone */
    const void *before = s.host[ODEON_ROLE_INPUT];
    assert_int_equal(staging_fit_host(&s, &fields, 1), ODEON_OK);
    assert_int_equal(staging_fit_host(&s, &fields, 2), ODEON_OK);
    assert_ptr_equal(s.host[ODEON_ROLE_INPUT], before);
    assert_int_equal(s.samples, 2);
    assert_int_equal(f.pinned_allocs, 2);
    assert_int_equal(staging_fit_host(&s, &fields, 3), ODEON_OK);
    assert_int_equal(s.samples, 3);
    assert_int_equal(f.pinned_allocs, 4);
    assert_int_equal(f.pinned_frees, 2);
    staging_release(&s);
    close_fake(&f);
}

static void test_without_memory_it_is_empty_and_may_be_asked_again(void **state)
{
    (void)state;
    data_fields fields = make_fields();
    fake f;
    int64_t live = mem_live_blocks();
    open_fake(&f, false);
    for (int64_t n = 1; n <= 2; n++) {
        staging s = staging_make(&f.device, NULL);
        diag_clear();
        mem_fail_at(n);
        odeon_status status = staging_fit_host(&s, &fields, 10);
        mem_fail_at(0);
        assert_int_equal(status, ODEON_ERR_NOMEM);
        assert_string_equal(diag_message(), n == 1 ? "samples of a batch: no memory for 120 bytes"
                                                   : "samples of a batch: no memory for 80 bytes");
        assert_int_equal(s.samples, 0);
        assert_int_equal(staging_fit_host(&s, &fields, 10), ODEON_OK);
        staging_release(&s);
        assert_int_equal(mem_live_blocks(), live);
    }
}

static void test_a_device_may_refuse_any_of_it(void **state)
{
    (void)state;
    data_fields fields = make_fields();
    for (int n = 1; n <= 4; n++) { /* two buffers, two of pinned memory */
        fake f;
        open_fake(&f, true);
        f.fails_at = n;
        staging s = staging_make(&f.device, staging_pinned(&f.device));
        assert_int_equal(staging_fit(&s, &fields, 4), ODEON_ERR_DEVICE);
        assert_string_equal(diag_message(), n <= 2 ? "fake: alloc" : "fake: pinned");
        assert_int_equal(s.samples, 0);
        staging_release(&s);
        close_fake(&f);
    }
}

/* ---- samples ---- */

static void test_samples_come_to_the_device(void **state)
{
    data_source *source =
        data_fixture_source(data_fixture_use(*state, "numbered"), ODEON_SPLIT_TRAIN);
    const data_fields *fields = data_source_fields(source);
    static const int64_t indices[] = {7, 2, 9};
    static const float inputs[] = {7, 0, 2, 0, 9, 0};
    static const int64_t labels[] = {1, 2, 0};
    for (int pinned = 0; pinned < 2; pinned++) {
        fake f;
        open_fake(&f, pinned);
        staging s = staging_make(&f.device, staging_pinned(&f.device));
        assert_int_equal(staging_fit(&s, fields, 3), ODEON_OK);
        assert_int_equal(staging_read(&s, source, 3, indices), ODEON_OK);
        assert_memory_equal(s.host[ODEON_ROLE_INPUT], inputs, sizeof inputs);
        assert_memory_equal(s.host[ODEON_ROLE_LABEL], labels, sizeof labels);
        assert_int_equal(staging_upload(&s, &f.queue, fields, 3), ODEON_OK);
        assert_memory_equal(s.on_device[ODEON_ROLE_INPUT].data, inputs, sizeof inputs);
        assert_memory_equal(s.on_device[ODEON_ROLE_LABEL].data, labels, sizeof labels);
        assert_int_equal(f.uploads, 2);
        assert_int_equal(f.waits, pinned); /* plain memory has been copied by then */
        staging_release(&s);
        close_fake(&f);
    }
    data_close(source);
}

static void test_what_fails_on_the_way_is_passed_on(void **state)
{
    data_source *source =
        data_fixture_source(data_fixture_use(*state, "numbered(unreadable=3)"), ODEON_SPLIT_TRAIN);
    const data_fields *fields = data_source_fields(source);
    static const int64_t good = 2, bad = 3;
    fake f;
    open_fake(&f, true);
    staging s = staging_make(&f.device, staging_pinned(&f.device));
    assert_int_equal(staging_fit(&s, fields, 1), ODEON_OK);
    assert_int_equal(staging_read(&s, source, 1, &bad), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "data: numbered: sample 3 is unreadable");
    assert_int_equal(staging_read(&s, source, 1, &good), ODEON_OK);
    for (int n = 1; n <= 3; n++) { /* two uploads and the wait */
        f.calls = 0;
        f.fails_at = n;
        diag_clear();
        assert_int_equal(staging_upload(&s, &f.queue, fields, 1), ODEON_ERR_DEVICE);
        assert_string_equal(diag_message(), n <= 2 ? "fake: upload" : "fake: wait");
    }
    staging_release(&s);
    close_fake(&f);
    data_close(source);
}

#define WITH_DATA(test) cmocka_unit_test_setup_teardown(test, data_fixture_open, data_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pinned_memory_is_what_the_device_offers),
        cmocka_unit_test(test_it_begins_empty),
        cmocka_unit_test(test_both_sides_have_room_for_the_fields_that_are_there),
        cmocka_unit_test(test_it_grows_and_never_shrinks),
        cmocka_unit_test(test_without_memory_it_is_empty_and_may_be_asked_again),
        cmocka_unit_test(test_a_device_may_refuse_any_of_it),
        WITH_DATA(test_samples_come_to_the_device),
        WITH_DATA(test_what_fails_on_the_way_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
