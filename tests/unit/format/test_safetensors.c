#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/safetensors_header.h"
#include "format/safetensors_write.h"

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

typedef struct refusal {
    const char *header;
    size_t data_bytes;
    const char *reason; /* part of the message */
} refusal;

#define OK_TENSOR "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}"
#define TENSOR(name, dtype, shape, offsets)                                                        \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const refusal refusals[] = {
    /* what is no JSON of this shape */
    {"", 0, "expected '{'"},
    {" {}", 0, "expected '{'"},
    {"[]", 0, "expected '{'"},
    {"{", 0, "expected '\"'"},
    {"{}x", 0, "something follows"},
    {"{,}", 0, "expected '\"'"},
    {"{" OK_TENSOR ",}", 2, "expected '\"'"},
    {"{" OK_TENSOR, 2, "expected '}'"},
    {"{\"a\"}", 0, "expected ':'"},
    {"{\"a\":1}", 0, "expected '{'"},
    {"{\"a\":{}}", 0, "expected '\"'"},
    {"{\"a\":{\"dtype\"}}", 0, "expected ':'"},
    {"{\"a\":{\"dtype\":7}}", 0, "expected '\"'"},
    {"{\"a\":{\"dtype\":\"U8\"", 0, "expected '}'"},
    {"{\"a\":{\"shape\":2}}", 0, "expected '['"},
    {"{\"a\":{\"shape\":[2", 0, "expected ']'"},
    {"{\"a\":{\"shape\":[2,]", 0, "expected a whole number"},
    {"{\"a\":{\"shape\":[[2]]", 0, "expected a whole number"},
    {"{\"a\":{\"data_offsets\":0}}", 0, "expected '['"},
    {"{\"a\":{\"data_offsets\":[]}}", 0, "expected a whole number"},
    {"{\"a\":{\"data_offsets\":[0]}}", 0, "expected ','"},
    {"{\"a\":{\"data_offsets\":[0,]}}", 0, "expected a whole number"},
    {"{\"a\":{\"data_offsets\":[0,1,2]}}", 0, "expected ']'"},
    {"{\"a", 0, "ends within a string"},
    /* strings */
    {"{\"a\nb\":1}", 0, "control character"},
    {"{\"\\x\":1}", 0, "unknown escape"},
    {"{\"\\", 0, "unknown escape"},
    {"{\"\\u12", 0, "four hexadecimal"},
    {"{\"\\u12g4\":1}", 0, "four hexadecimal"},
    {"{\"\\u0000\":1}", 0, "NUL"},
    {"{\"\\udc00\":1}", 0, "surrogate"},
    {"{\"\\ud800", 0, "surrogate"},
    {"{\"\\ud800ab\":1}", 0, "surrogate"},
    {"{\"\\ud800\\u0041\":1}", 0, "surrogate"},
    {"{\"\\ud800\\uffff\":1}", 0, "surrogate"},
    {"{\"\\ud800\\u00\":1}", 0, "four hexadecimal"},
    {"{\"\x80\":1}", 0, "not UTF-8"},
    {"{\"\xc0\x80\":1}", 0, "not UTF-8"},
    {"{\"\xc3\":1}", 0, "not UTF-8"},
    {"{\"\xe0\x80\x80\":1}", 0, "not UTF-8"},
    {"{\"\xed\xa0\x80\":1}", 0, "not UTF-8"},
    {"{\"\xe2\x82\":1}", 0, "not UTF-8"},
    {"{\"\xf0\x80\x80\x80\":1}", 0, "not UTF-8"},
    {"{\"\xf4\x90\x80\x80\":1}", 0, "not UTF-8"},
    {"{\"\xf5\x80\x80\x80\":1}", 0, "not UTF-8"},
    {"{\"\xf0\x9f", 0, "not UTF-8"},
    /* numbers */
    {"{" TENSOR("a", "U8", "[-1]", "[0,0]") "}", 0, "whole number"},
    {"{" TENSOR("a", "U8", "[2.0]", "[0,2]") "}", 2, "expected ']'"},
    {"{" TENSOR("a", "U8", "[1e0]", "[0,1]") "}", 1, "expected ']'"},
    {"{" TENSOR("a", "U8", "[02]", "[0,2]") "}", 2, "leading zero"},
    {"{" TENSOR("a", "U8", "[18446744073709551616]", "[0,2]") "}", 2, "over 2^64"},
    {"{" TENSOR("a", "U8", "[9223372036854775808]", "[0,2]") "}", 2, "over 2^63"},
    {"{" TENSOR("a", "U8", "[2]", "[0,18446744073709551617]") "}", 2, "over 2^64"},
    {"{" TENSOR("a", "U8", "[2]", "[-0,2]") "}", 2, "whole number"},
    /* a tensor's keys */
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2]}}", 2, "lacks one"},
    {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,2]}}", 2, "lacks one"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 2, "twice"},
    {"{\"a\":{\"strides\":[1]}}", 2, "unknown key"},
    {"{" TENSOR("a", "u8", "[2]", "[0,2]") "}", 2, "unknown dtype"},
    {"{" TENSOR("a", "F128", "[2]", "[0,2]") "}", 2, "unknown dtype"},
    {"{" TENSOR("a", "U8", "[1,1,1,1,1,1,1]", "[0,1]") "}", 1, "more than 6 dimensions"},
    /* sizes */
    {"{" TENSOR("a", "U8", "[3]", "[0,2]") "}", 2, "make 3 bytes"},
    {"{" TENSOR("a", "F32", "[2]", "[0,2]") "}", 2, "make 8 bytes"},
    {"{" TENSOR("a", "U8", "[]", "[0,2]") "}", 2, "make 1 bytes"},
    {"{" TENSOR("a", "U8", "[2]", "[2,0]") "}", 2, "make 2 bytes"},
    {"{" TENSOR("a", "U8", "[0]", "[1,0]") "}", 1, "make 0 bytes"},
    {"{" TENSOR("a", "F4", "[3]", "[0,2]") "}", 2, "whole bytes"},
    {"{" TENSOR("a", "U8", "[4294967296,4294967296]", "[0,0]") "}", 0, "overflows"},
    {"{" TENSOR("a", "U8", "[4611686018427387904]", "[0,0]") "}", 0, "overflows"},
    {"{" TENSOR("a", "F64", "[144115188075855872]", "[0,0]") "}", 0, "overflows"},
    /* the data is covered exactly once */
    {"{" OK_TENSOR "}", 1, "fill 2 bytes"},
    {"{" OK_TENSOR "}", 3, "fill 2 bytes"},
    {"{}", 1, "fill 0 bytes"},
    {"{" TENSOR("a", "U8", "[2]", "[1,3]") "}", 3, "starts at byte 1"},
    {"{" OK_TENSOR "," TENSOR("b", "U8", "[1]", "[3,4]") "}", 4, "ends at 2"},
    {"{" OK_TENSOR "," TENSOR("b", "U8", "[2]", "[1,3]") "}", 3, "ends at 2"},
    {"{" OK_TENSOR "," TENSOR("b", "U8", "[2]", "[0,2]") "}", 2, "ends at 2"},
    {"{" OK_TENSOR "," TENSOR("b", "U8", "[0]", "[1,1]") "}", 2, "ends at 2"},
    /* twins */
    {"{" OK_TENSOR "," TENSOR("a", "U8", "[1]", "[2,3]") "}", 3, "\"a\" stands twice"},
    {"{" OK_TENSOR "," TENSOR("\\u0061", "U8", "[0]", "[2,2]") "}", 2, "\"a\" stands twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ is given twice"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"1\"}}", 0, "has \"k\" twice"},
    /* metadata maps strings to strings */
    {"{\"__metadata__\":null}", 0, "expected '{'"},
    {"{\"__metadata__\":[]}", 0, "expected '{'"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "expected '\"'"},
    {"{\"__metadata__\":{\"k\":{}}}", 0, "expected '\"'"},
    {"{\"__metadata__\":{\"k\" \"v\"}}", 0, "expected ':'"},
    {"{\"__metadata__\":{1:\"v\"}}", 0, "expected '\"'"},
    {"{\"__metadata__\":{\"k\":\"v\",}}", 0, "expected '\"'"},
    {"{\"__metadata__\":{\"k\":\"v\"", 0, "expected '}'"},
};

static void test_parse_refuses_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        safetensors *file;
        image x;
        odeon_status status = parse(refusals[i].header, refusals[i].data_bytes, &file, &x);
        if (status != ODEON_ERR_DATA || strstr(diag_message(), refusals[i].reason) == NULL) {
            fail_msg("%s: status %d, \"%s\" lacks \"%s\"", refusals[i].header, (int)status,
                     diag_message(), refusals[i].reason);
        }
        assert_null(file);
        free(x.bytes);
    }
}

typedef struct acceptance {
    const char *header;
    size_t data_bytes, n;
} acceptance;

static const acceptance acceptances[] = {
    {"{}", 0, 0},
    {"{ }\n\t\r ", 0, 0},
    {"{\"__metadata__\":{}}", 0, 0},
    {"{" OK_TENSOR "}     ", 2, 1},
    {"{ \"a\" : { \"dtype\" : \"U8\" , \"shape\" : [ 2 ] , \"data_offsets\" : [ 0 , 2 ] } }", 2, 1},
    {"{\"a\":{\"data_offsets\":[0,2],\"shape\":[2],\"dtype\":\"U8\"}}", 2, 1},
    {"{" TENSOR("b", "U8", "[1]", "[2,3]") "," OK_TENSOR "}", 3, 2},
    {"{" TENSOR("s", "F64", "[]", "[0,8]") "}", 8, 1},
    {"{" TENSOR("z", "F32", "[0,4294967296]", "[0,0]") "," OK_TENSOR "}", 2, 2},
    {"{" OK_TENSOR "," TENSOR("z", "F32", "[0]", "[2,2]") "}", 2, 2},
    {"{" TENSOR("", "U8", "[1]", "[0,1]") "}", 1, 1},
    {"{" TENSOR("a", "F4", "[2,3]", "[0,3]") "}", 3, 1},
    {"{" TENSOR("a", "BF16", "[2,1,1,1,1,1]", "[0,4]") "}", 4, 1},
};

static void test_parse_accepts_what_the_format_allows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof acceptances / sizeof acceptances[0]; i++) {
        safetensors *file;
        image x;
        odeon_status status = parse(acceptances[i].header, acceptances[i].data_bytes, &file, &x);
        if (status != ODEON_OK) {
            fail_msg("%s: %s", acceptances[i].header, diag_message());
        }
        assert_int_equal(safetensors_count(file), acceptances[i].n);
        safetensors_destroy(file);
        free(x.bytes);
    }
}

static void test_parse_decodes_strings(void **state)
{
    (void)state;
    safetensors *file;
    image x;
    const char *header = "{\"__metadata__\":{\"q\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\","
                         "\"u\":\"\\u0041\\u00E9\\u20aC\\ud83d\\uDE00\\uFFFF\","
                         "\"raw\":\"\x7f\xc3\xa9\xe2\x82\xac\xee\x80\x80\xf0\x9f\x98\x80\"}}";
    assert_int_equal(parse(header, 0, &file, &x), ODEON_OK);
    assert_string_equal(safetensors_metadata(file, "q"), "\"\\/\b\f\n\r\t");
    assert_string_equal(safetensors_metadata(file, "u"),
                        "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbf");
    assert_string_equal(safetensors_metadata(file, "raw"),
                        "\x7f\xc3\xa9\xe2\x82\xac\xee\x80\x80\xf0\x9f\x98\x80");
    assert_null(safetensors_metadata(file, "none"));
    safetensors_destroy(file);
    free(x.bytes);
}

/* More than the arrays hold at first, in a file order that is not the order of names. */
static void test_parse_takes_many_tensors(void **state)
{
    (void)state;
    enum { N = 300 };
    char header[N * 64], name[8];
    size_t at = 1;
    header[0] = '{';
    for (int i = 0; i < N; i++) {
        at += (size_t)snprintf(header + at, sizeof header - at,
                               "\"%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}%s",
                               (i * 7) % N, i, i + 1, i < N - 1 ? "," : "}");
    }
    safetensors *file;
    image x;
    assert_int_equal(parse(header, N, &file, &x), ODEON_OK);
    for (int i = 0; i < N; i++) {
        (void)snprintf(name, sizeof name, "%d", (i * 7) % N);
        assert_int_equal(*(const unsigned char *)safetensors_find(file, name)->data, i % 256);
    }
    safetensors_destroy(file);
    free(x.bytes);
}

static void test_parse_knows_every_dtype_of_the_format(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int bits;
    } all[] = {{"BOOL", 8}, {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
               {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"I16", 16},
               {"U16", 16}, {"F16", 16},    {"BF16", 16},   {"I32", 32},    {"U32", 32},
               {"F32", 32}, {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char header[200];
        (void)snprintf(header, sizeof header, "{" TENSOR("a", "%s", "[8]", "[0,%d]") "}",
                       all[i].name, all[i].bits);
        safetensors *file;
        image x;
        assert_int_equal(parse(header, (size_t)all[i].bits, &file, &x), ODEON_OK);
        safetensors_destroy(file);
        free(x.bytes);
    }
}

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

/* ---- piece by piece ---- */

enum { LONG = 3 * SAFETENSORS_PIECE_BYTES / 4 + 100 }; /* floats of three pieces and a bit */

typedef struct pieces {
    const safetensors_entry *entries;
    size_t most; /* bytes asked for at once */
    int left;    /* calls until it fails; negative: never */
} pieces;

static odeon_status give_piece(void *context, size_t index, uint64_t offset, size_t bytes,
                               void *out)
{
    pieces *p = context;
    p->most = bytes > p->most ? bytes : p->most;
    memcpy(out, (const char *)p->entries[index].data + offset, bytes);
    return p->left-- == 0 ? ODEON_ERR_DEVICE : ODEON_OK;
}

static void test_pieces_make_the_same_file(void **state)
{
    (void)state;
    static float x[LONG];
    for (int i = 0; i < LONG; i++) {
        x[i] = (float)i;
    }
    const safetensors_entry entries[] = {
        {.name = "x",
         .dtype = ODEON_DTYPE_F32,
         .ndim = 1,
         .dim = {LONG},
         .data = x,
         .bytes = sizeof x},
        {.name = "a", .dtype = ODEON_DTYPE_F32, .ndim = 1, .dim = {3}, .data = x, .bytes = 12},
    };
    char at[] = "/tmp/odeon-safetensors-XXXXXX", whole[64], parts[64], command[160];
    assert_non_null(mkdtemp(at));
    (void)snprintf(whole, sizeof whole, "%s/whole", at);
    (void)snprintf(parts, sizeof parts, "%s/parts", at);
    (void)snprintf(command, sizeof command, "cmp %s %s", whole, parts);
    pieces from = {.entries = entries, .left = 2};
    assert_int_equal(safetensors_write(whole, 2, entries, 0, NULL), ODEON_OK);
    assert_int_equal(safetensors_write_from(parts, 2, entries, 0, NULL, give_piece, &from),
                     ODEON_ERR_DEVICE);
    assert_int_equal(access(parts, F_OK), -1);
    from.left = -1;
    assert_int_equal(safetensors_write_from(parts, 2, entries, 0, NULL, give_piece, &from),
                     ODEON_OK);
    assert_int_equal(from.most, SAFETENSORS_PIECE_BYTES);
    assert_int_equal(system(command), 0);
    (void)unlink(whole);
    (void)unlink(parts);
    (void)rmdir(at);
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

static void test_written_tensors_are_aligned_in_the_file(void **state)
{
    const folder *f = *state;
    safetensors *file;
    for (size_t n = 1; n <= N_FOUR; n++) { /* headers of different lengths */
        assert_int_equal(safetensors_write(f->file, n, four, 0, NULL), ODEON_OK);
        assert_int_equal(safetensors_read(f->file, &file), ODEON_OK);
        for (size_t i = 0; i < n; i++) { /* the reader's buffer is itself aligned to 64 */
            const safetensors_entry *entry = safetensors_at(file, i);
            uintptr_t width = (uintptr_t)odeon_dtype_bytes(entry->dtype);
            assert_int_equal((uintptr_t)entry->data % width, 0);
        }
        safetensors_destroy(file);
    }
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

static void test_write_refuses_what_the_reader_would(void **state)
{
    const folder *f = *state;
    safetensors_entry twins[2] = {four[0], four[1]};
    twins[1].name = twins[0].name;
    assert_int_equal(safetensors_write(f->file, 2, twins, 0, NULL), ODEON_ERR_DATA);
    safetensors_entry wrong = four[0];
    wrong.bytes = 4;
    assert_int_equal(safetensors_write(f->file, 1, &wrong, 0, NULL), ODEON_ERR_DATA);
    wrong = four[0];
    wrong.dtype = ODEON_DTYPE_NONE;
    assert_int_equal(safetensors_write(f->file, 1, &wrong, 0, NULL), ODEON_ERR_DATA);
    wrong = four[0];
    wrong.name = "__metadata__";
    assert_int_equal(safetensors_write(f->file, 1, &wrong, 0, NULL), ODEON_ERR_DATA);
    assert_int_equal(access(f->file, F_OK), -1);
}

/* The process may write limit bytes to a file and no more. */
static void limit_file_size(rlim_t limit)
{
    struct rlimit r;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void test_write_that_fails_leaves_the_old_file(void **state)
{
    const folder *f = *state;
    struct stat info;
    assert_int_equal(safetensors_write(f->file, N_FOUR, four, 0, NULL), ODEON_OK);
    assert_int_equal(stat(f->file, &info), 0);
    for (rlim_t limit = 0; limit < (rlim_t)info.st_size; limit++) { /* short writes included */
        limit_file_size(limit);
        diag_clear();
        odeon_status status = safetensors_write(f->file, N_FOUR - 1, four, 0, NULL);
        limit_file_size(RLIM_INFINITY);
        if (status == ODEON_OK) { /* one entry less is a smaller file */
            break;
        }
        assert_int_equal(status, ODEON_ERR_IO);
        assert_non_null(strstr(diag_message(), "cannot write"));
        safetensors *file;
        assert_int_equal(safetensors_read(f->file, &file), ODEON_OK);
        assert_int_equal(safetensors_count(file), N_FOUR);
        safetensors_destroy(file);
    }
    /* remove_folder fails if a temporary file is left */
}

static void test_write_survives_leftovers_of_its_own_name(void **state)
{
    const folder *f = *state;
    char leftover[160];
    (void)snprintf(leftover, sizeof leftover, "%s.%ld-0.tmp", f->file, (long)getpid());
    int fd = open(leftover, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(safetensors_write(f->file, N_FOUR, four, 0, NULL), ODEON_OK);
    assert_int_equal(access(leftover, F_OK), 0); /* not ours to remove */
    (void)unlink(leftover);
}

static void test_write_names_the_folder_that_is_missing(void **state)
{
    (void)state;
    diag_clear();
    assert_int_equal(safetensors_write("/nonexistent/a.safetensors", N_FOUR, four, 0, NULL),
                     ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "/nonexistent/a.safetensors"));
}

static void test_write_cannot_replace_a_folder(void **state)
{
    const folder *f = *state;
    assert_int_equal(mkdir(f->file, 0700), 0);
    assert_int_equal(safetensors_write(f->file, N_FOUR, four, 0, NULL), ODEON_ERR_IO);
    assert_int_equal(rmdir(f->file), 0);
}

static void test_write_frees_all_when_any_allocation_fails(void **state)
{
    const folder *f = *state;
    int64_t before = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 0;
    while (status == ODEON_ERR_NOMEM && n < 100) {
        mem_fail_at(++n);
        status = safetensors_write(f->file, N_FOUR, four, 0, NULL);
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 5);
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
        cmocka_unit_test(test_parse_refuses_what_is_wrong),
        cmocka_unit_test(test_parse_accepts_what_the_format_allows),
        cmocka_unit_test(test_parse_decodes_strings),
        cmocka_unit_test(test_parse_takes_many_tensors),
        cmocka_unit_test(test_parse_knows_every_dtype_of_the_format),
        cmocka_unit_test(test_parse_refuses_a_length_that_the_file_does_not_have),
        cmocka_unit_test(test_parse_takes_headers_up_to_the_limit),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_flipped_bit_is_refused_or_harmless),
        cmocka_unit_test(test_parse_frees_all_when_any_allocation_fails),
        cmocka_unit_test(test_as_f64_refuses_a_dtype_of_no_use),
        cmocka_unit_test(test_write_names_the_folder_that_is_missing),
        WITH_FOLDER(test_round_trip_keeps_every_dtype),
        WITH_FOLDER(test_as_f64_converts_every_dtype),
        cmocka_unit_test(test_pieces_make_the_same_file),
        cmocka_unit_test(test_tensors_are_read_where_they_are_wanted),
        WITH_FOLDER(test_metadata_round_trips),
        WITH_FOLDER(test_written_tensors_are_aligned_in_the_file),
        WITH_FOLDER(test_no_tensor_at_all_round_trips),
        WITH_FOLDER(test_write_refuses_what_the_reader_would),
        WITH_FOLDER(test_write_that_fails_leaves_the_old_file),
        WITH_FOLDER(test_write_survives_leftovers_of_its_own_name),
        WITH_FOLDER(test_tensors_of_a_file_in_memory_are_copied),
        WITH_FOLDER(test_opening_survives_every_failing_allocation),
        WITH_FOLDER(test_write_cannot_replace_a_folder),
        WITH_FOLDER(test_write_frees_all_when_any_allocation_fails),
        WITH_FOLDER(test_read_refuses_what_is_no_file),
        WITH_FOLDER(test_read_frees_all_when_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
