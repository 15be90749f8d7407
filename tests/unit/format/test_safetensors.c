/* Named tensors of a file, in memory and where they stand: what they are, and files that are cut or
 * damaged. */
#include "format/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/safetensors_header.h"
#include "format/safetensors_write.h"
#include "support.h"

/* ---- files in memory ---- */

typedef struct image {
    unsigned char *bytes;
    size_t n;
} image;

/* A file of this header and data_bytes bytes 0, 1, 2, ...; the header's length is as given. */
static image make_image(const char *header, size_t header_bytes, uint64_t length, size_t data_bytes)
{
    image x = {.n = 8 + header_bytes + data_bytes};
    x.bytes = malloc(x.n);
    assert_non_null(x.bytes);
    memcpy(x.bytes, &length, 8);
    memcpy(x.bytes + 8, header, header_bytes);
    for (size_t i = 0; i < data_bytes; i++) {
        x.bytes[8 + header_bytes + i] = (unsigned char)i;
    }
    return x;
}

static odeon_status parse(const char *header, size_t data_bytes, safetensors **out, image *x)
{
    *x = make_image(header, strlen(header), strlen(header), data_bytes);
    diag_clear();
    return safetensors_parse("test", x->bytes, x->n, out);
}

#define TENSOR(name, dtype, shape, offsets)                                                        \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_parse_refuses_a_length_that_the_file_does_not_have(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {
        0, 1, 3, 9, 1000, 100000000, 100000001, (uint64_t)1 << 63, UINT64_MAX - 7, UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        safetensors *file;
        image x = make_image("{}", 2, lengths[i], 0);
        assert_int_equal(safetensors_parse("test", x.bytes, x.n, &file), ODEON_ERR_DATA);
        free(x.bytes);
    }
}

/* Headers of the limit itself and of one byte more, all blanks after {}. */
static void test_parse_takes_headers_up_to_the_limit(void **state)
{
    (void)state;
    size_t n = (size_t)SAFETENSORS_MAX_HEADER + 1;
    unsigned char *bytes = malloc(8 + n);
    assert_non_null(bytes);
    memset(bytes, ' ', 8 + n);
    memcpy(bytes + 8, "{}", 2);
    for (uint64_t length = n - 1; length <= n; length++) {
        safetensors *file;
        memcpy(bytes, &length, 8);
        odeon_status status = safetensors_parse("test", bytes, 8 + length, &file);
        assert_int_equal(status, length < n ? ODEON_OK : ODEON_ERR_DATA);
        safetensors_destroy(file);
    }
    free(bytes);
}

/* ---- every truncation, every flipped bit ---- */

#define SMALL_HEADER                                                                               \
    "{\"__metadata__\":{\"k\":\"v\\n\"}," TENSOR(                                                  \
        "w.\xc3\xa9", "F64", "[2,1]", "[0,16]") "," TENSOR("b", "F32", "[3]",                      \
                                                           "[16,28]") "," TENSOR("z", "U8", "[0]", \
                                                                                 "[28,28]") " }"

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    image x = make_image(SMALL_HEADER, strlen(SMALL_HEADER), strlen(SMALL_HEADER), 28);
    safetensors *file;
    assert_int_equal(safetensors_parse("test", x.bytes, x.n, &file), ODEON_OK);
    safetensors_destroy(file);
    for (size_t n = 0; n < x.n; n++) {
        unsigned char *cut = malloc(n > 0 ? n : 1); /* its own block: ASan sees a read past it */
        assert_non_null(cut);
        memcpy(cut, x.bytes, n);
        assert_int_equal(safetensors_parse("test", cut, n, &file), ODEON_ERR_DATA);
        assert_null(file);
        free(cut);
    }
    free(x.bytes);
}

/* Reads everything that a file claims to have. */
static double use(const safetensors *file)
{
    double sum = 0.0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const safetensors_entry *entry = safetensors_at(file, i);
        assert_ptr_equal(safetensors_find(file, entry->name), entry);
        for (uint64_t k = 0; k < entry->bytes; k++) {
            sum += ((const unsigned char *)entry->data)[k];
        }
    }
    return sum;
}

static void test_every_flipped_bit_is_refused_or_harmless(void **state)
{
    (void)state;
    image x = make_image(SMALL_HEADER, strlen(SMALL_HEADER), strlen(SMALL_HEADER), 28);
    size_t n_bits = 8 * (8 + strlen(SMALL_HEADER)), accepted = 0;
    for (size_t bit = 0; bit < n_bits; bit++) {
        safetensors *file;
        x.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        odeon_status status = safetensors_parse("test", x.bytes, x.n, &file);
        assert_true(status == ODEON_OK || status == ODEON_ERR_DATA);
        if (status == ODEON_OK) {
            assert_int_equal((int)use(file), 27 * 28 / 2); /* the same bytes under other names */
            accepted++;
            safetensors_destroy(file);
        }
        x.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_in_range(accepted, 1, n_bits / 4); /* only letters of names can change unnoticed */
    free(x.bytes);
}

static void test_parse_frees_all_when_any_allocation_fails(void **state)
{
    (void)state;
    image x = make_image(SMALL_HEADER, strlen(SMALL_HEADER), strlen(SMALL_HEADER), 28);
    int64_t before = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 0;
    while (status == ODEON_ERR_NOMEM) {
        safetensors *file;
        mem_fail_at(++n);
        status = safetensors_parse("test", x.bytes, x.n, &file);
        mem_fail_at(0);
        safetensors_destroy(file);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(n, 5); /* file, strings, metadata, tensors: four failures, then success */
    free(x.bytes);
}

/* ---- writing and reading files ---- */

typedef struct folder {
    char path[64], file[96];
} folder;

static int make_folder(void **state)
{
    folder *f = malloc(sizeof *f);
    if (f == NULL) {
        return -1;
    }
    (void)snprintf(f->path, sizeof f->path, "/tmp/odeon-test-XXXXXX");
    if (mkdtemp(f->path) == NULL) {
        return -1;
    }
    (void)snprintf(f->file, sizeof f->file, "%s/a.safetensors", f->path);
    *state = f;
    return 0;
}

static int remove_folder(void **state)
{
    folder *f = *state;
    (void)unlink(f->file);
    int result = rmdir(f->path); /* fails if a temporary file was left */
    free(f);
    return result;
}

static const double f64_values[] = {0.1, -2.5e300, 3.0};
static const float f32_values[] = {0.1f, -7.25f};
static const int64_t i64_values[] = {INT64_MIN, -1, 9007199254740993};
static const unsigned char u8_values[] = {0, 7, 255, 1, 2};

static const safetensors_entry four[] = {
    {"bytes", ODEON_DTYPE_U8, 2, {5, 1}, u8_values, 5},
    {"float", ODEON_DTYPE_F32, 1, {2}, f32_values, 8},
    {"int", ODEON_DTYPE_I64, 1, {3}, i64_values, 24},
    {"double", ODEON_DTYPE_F64, 3, {1, 3, 1}, f64_values, 24},
    {"scalar", ODEON_DTYPE_F32, 0, {0}, f32_values, 4},
    {"empty", ODEON_DTYPE_F64, 2, {0, 3}, NULL, 0},
};
enum { N_FOUR = sizeof four / sizeof four[0] };

static void test_round_trip_keeps_every_dtype(void **state)
{
    const folder *f = *state;
    safetensors *file;
    assert_int_equal(safetensors_write(f->file, N_FOUR, four, 0, NULL), ODEON_OK);
    assert_int_equal(safetensors_read(f->file, &file), ODEON_OK);
    assert_int_equal(safetensors_count(file), N_FOUR);
    for (size_t i = 0; i < N_FOUR; i++) {
        const safetensors_entry *entry = safetensors_find(file, four[i].name);
        assert_non_null(entry);
        assert_int_equal(entry->dtype, four[i].dtype);
        assert_int_equal(entry->ndim, four[i].ndim);
        assert_memory_equal(entry->dim, four[i].dim, sizeof entry->dim);
        assert_int_equal(entry->bytes, four[i].bytes);
        if (entry->bytes > 0) {
            assert_memory_equal(entry->data, four[i].data, entry->bytes);
        }
    }
    assert_null(safetensors_find(file, "none"));
    safetensors_destroy(file);
}

static void test_as_f64_converts_every_dtype(void **state)
{
    const folder *f = *state;
    safetensors *file;
    double out[5];
    assert_int_equal(safetensors_write(f->file, N_FOUR, four, 0, NULL), ODEON_OK);
    assert_int_equal(safetensors_read(f->file, &file), ODEON_OK);
    assert_int_equal(safetensors_as_f64(safetensors_find(file, "bytes"), out), ODEON_OK);
    assert_true(out[2] == 255.0 && out[4] == 2.0);
    assert_int_equal(safetensors_as_f64(safetensors_find(file, "float"), out), ODEON_OK);
    assert_true(out[0] == (double)0.1f && out[1] == -7.25);
    assert_int_equal(safetensors_as_f64(safetensors_find(file, "int"), out), ODEON_OK);
    assert_true(out[0] == -9223372036854775808.0 && out[1] == -1.0);
    assert_int_equal(safetensors_as_f64(safetensors_find(file, "double"), out), ODEON_OK);
    assert_memory_equal(out, f64_values, sizeof f64_values);
    assert_int_equal(safetensors_elements(safetensors_find(file, "scalar")), 1);
    assert_int_equal(safetensors_elements(safetensors_find(file, "empty")), 0);
    safetensors_destroy(file);
}

static void test_as_f64_refuses_a_dtype_of_no_use(void **state)
{
    (void)state;
    safetensors *file;
    image x;
    double out;
    assert_int_equal(parse("{" TENSOR("a", "BF16", "[1]", "[0,2]") "}", 2, &file, &x), ODEON_OK);
    assert_int_equal(safetensors_as_f64(safetensors_at(file, 0), &out), ODEON_ERR_DATA);
    safetensors_destroy(file);
    free(x.bytes);
}

/* Of a file that was parsed in memory the data is there. */
static void test_tensors_of_a_file_in_memory_are_copied(void **state)
{
    const folder *f = *state;
    const int64_t x[2] = {10, 20};
    const safetensors_entry entry = {
        .name = "x", .dtype = ODEON_DTYPE_I64, .ndim = 1, .dim = {2}, .data = x, .bytes = sizeof x};
    char path[128];
    int64_t last = 0;
    safetensors *file = NULL;
    (void)snprintf(path, sizeof path, "%s/copied", f->path);
    assert_int_equal(safetensors_write(path, 1, &entry, 0, NULL), ODEON_OK);
    assert_int_equal(safetensors_read(path, &file), ODEON_OK);
    assert_int_equal(safetensors_get(file, safetensors_find(file, "x"), 8, sizeof last, &last),
                     ODEON_OK);
    assert_int_equal(last, 20);
    safetensors_destroy(file);
    (void)unlink(path);
}

static void test_opening_survives_every_failing_allocation(void **state)
{
    const folder *f = *state;
    const float x[1] = {1.0f};
    const safetensors_entry entry = {
        .name = "x", .dtype = ODEON_DTYPE_F32, .ndim = 1, .dim = {1}, .data = x, .bytes = sizeof x};
    char path[128];
    safetensors *file = NULL;
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t before, n = 0;
    (void)snprintf(path, sizeof path, "%s/opened", f->path);
    assert_int_equal(safetensors_write(path, 1, &entry, 0, NULL), ODEON_OK);
    before = mem_live_blocks();
    while (status == ODEON_ERR_NOMEM && n < 100) {
        mem_fail_at(++n);
        status = safetensors_open(path, &file);
        mem_fail_at(0);
        safetensors_destroy(file);
        file = NULL;
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 3);
    (void)unlink(path);
}

/* Opened without its data, and cut off afterwards. */
static void test_tensors_are_read_where_they_are_wanted(void **state)
{
    (void)state;
    const int64_t x[4] = {10, 20, 30, 40};
    const safetensors_entry entry = {
        .name = "x", .dtype = ODEON_DTYPE_I64, .ndim = 1, .dim = {4}, .data = x, .bytes = sizeof x};
    char path[] = "/tmp/odeon-safetensors-XXXXXX";
    int64_t two[2] = {0, 0};
    safetensors *file = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(safetensors_write(path, 1, &entry, 0, NULL), ODEON_OK);
    assert_int_equal(safetensors_open(path, &file), ODEON_OK);
    const safetensors_entry *found = safetensors_find(file, "x");
    assert_null(found->data);
    assert_int_equal(safetensors_get(file, found, 8, sizeof two, two), ODEON_OK);
    assert_int_equal(two[0], 20);
    assert_int_equal(two[1], 30);
    assert_int_equal(truncate(path, 8), 0);
    diag_clear();
    assert_int_equal(safetensors_get(file, found, 8, sizeof two, two), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "shrank while it was read"));
    safetensors_destroy(file);
    assert_int_equal(safetensors_open(path, &file), ODEON_ERR_DATA);
    assert_null(file);
    diag_clear();
    assert_int_equal(safetensors_open("/dev/null", &file), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "not a regular file"));
    assert_int_equal(safetensors_open("/tmp/nowhere/at/all", &file), ODEON_ERR_IO);
    (void)unlink(path);
}

static void test_metadata_round_trips(void **state)
{
    const folder *f = *state;
    static const safetensors_meta meta[] = {
        {"format", "pt"}, {"text", "a\"b\\c\nd\te\x01\xc3\xa9/"}, {"", ""}};
    safetensors *file;
    assert_int_equal(safetensors_write(f->file, N_FOUR, four, 3, meta), ODEON_OK);
    assert_int_equal(safetensors_read(f->file, &file), ODEON_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(safetensors_metadata(file, meta[i].key), meta[i].value);
    }
    safetensors_destroy(file);
}

static void test_no_tensor_at_all_round_trips(void **state)
{
    const folder *f = *state;
    safetensors *file;
    assert_int_equal(safetensors_write(f->file, 0, NULL, 0, NULL), ODEON_OK);
    assert_int_equal(safetensors_read(f->file, &file), ODEON_OK);
    assert_int_equal(safetensors_count(file), 0);
    assert_null(safetensors_find(file, "a"));
    safetensors_destroy(file);
}

static void test_read_refuses_what_is_no_file(void **state)
{
    const folder *f = *state;
    safetensors *file;
    assert_int_equal(safetensors_read(f->file, &file), ODEON_ERR_IO);
    assert_null(file);
    assert_int_equal(safetensors_read(f->path, &file), ODEON_ERR_IO);
    assert_int_equal(mkfifo(f->file, 0600), 0);
    assert_int_equal(safetensors_read(f->file, &file), ODEON_ERR_IO); /* and does not wait */
}

static void test_read_frees_all_when_any_allocation_fails(void **state)
{
    const folder *f = *state;
    assert_int_equal(safetensors_write(f->file, N_FOUR, four, 0, NULL), ODEON_OK);
    int64_t before = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    for (int64_t n = 1; status == ODEON_ERR_NOMEM; n++) {
        safetensors *file;
        mem_fail_at(n);
        status = safetensors_read(f->file, &file);
        mem_fail_at(0);
        safetensors_destroy(file);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_refuses_a_length_that_the_file_does_not_have),
        cmocka_unit_test(test_parse_takes_headers_up_to_the_limit),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_flipped_bit_is_refused_or_harmless),
        cmocka_unit_test(test_parse_frees_all_when_any_allocation_fails),
        cmocka_unit_test(test_as_f64_refuses_a_dtype_of_no_use),
        WITH_FOLDER(test_round_trip_keeps_every_dtype),
        WITH_FOLDER(test_as_f64_converts_every_dtype),
        cmocka_unit_test(test_tensors_are_read_where_they_are_wanted),
        WITH_FOLDER(test_metadata_round_trips),
        WITH_FOLDER(test_no_tensor_at_all_round_trips),
        WITH_FOLDER(test_tensors_of_a_file_in_memory_are_copied),
        WITH_FOLDER(test_opening_survives_every_failing_allocation),
        WITH_FOLDER(test_read_refuses_what_is_no_file),
        WITH_FOLDER(test_read_frees_all_when_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
