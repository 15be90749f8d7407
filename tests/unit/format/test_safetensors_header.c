/* The JSON header of a safetensors file: every rule of the format, strings, dtypes, order. */
#include "format/safetensors_header.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

static odeon_status parse(const char *text, uint64_t data_bytes, safetensors_header *out)
{
    diag_clear();
    return safetensors_header_init("test", text, strlen(text), data_bytes, out);
}

/* ---- what is refused ---- */

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
    {"{" TENSOR("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, "more than 8 dimensions"},
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

static void assert_empty(const safetensors_header *h)
{
    assert_null(h->strings);
    assert_null(h->tensors);
    assert_null(h->meta);
    assert_int_equal(h->n_tensors, 0);
    assert_int_equal(h->n_meta, 0);
}

static void test_what_is_wrong_is_refused(void **state)
{
    (void)state;
    static const char before[] = "test: no valid safetensors file: header byte ";
    int64_t live = mem_live_blocks();
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        safetensors_header h;
        odeon_status status = parse(refusals[i].header, refusals[i].data_bytes, &h);
        if (status != ODEON_ERR_DATA || strstr(diag_message(), refusals[i].reason) == NULL ||
            strncmp(diag_message(), before, sizeof before - 1) != 0) {
            fail_msg("%s: status %d, \"%s\" lacks \"%s\"", refusals[i].header, (int)status,
                     diag_message(), refusals[i].reason);
        }
        assert_empty(&h);
        assert_int_equal(mem_live_blocks(), live);
    }
}

static void test_the_byte_is_named_at_which_it_fails(void **state)
{
    (void)state;
    safetensors_header h;
    assert_int_equal(parse("{\"a\":{\"dtype\":\"X8\"}}", 0, &h), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "test: no valid safetensors file: header byte 18: unknown "
                                        "dtype \"X8\"");
    assert_int_equal(parse("{} x", 0, &h), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "test: no valid safetensors file: header byte 3: something "
                                        "follows the closing '}'");
}

/* ---- what is taken ---- */

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
    {"{" TENSOR("a", "BF16", "[2,1,1,1,1,1,1,1]", "[0,4]") "}", 4, 1},
};

static void test_what_the_format_allows_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof acceptances / sizeof acceptances[0]; i++) {
        safetensors_header h;
        if (parse(acceptances[i].header, acceptances[i].data_bytes, &h) != ODEON_OK) {
            fail_msg("%s: %s", acceptances[i].header, diag_message());
        }
        assert_int_equal(h.n_tensors, acceptances[i].n);
        safetensors_header_fini(&h);
        assert_empty(&h);
    }
}

static void test_a_tensor_has_its_shape_and_place(void **state)
{
    (void)state;
    safetensors_header h;
    assert_int_equal(
        parse("{" TENSOR("b", "F32", "[2,3]", "[0,24]") "," TENSOR("a", "I64", "[]", "[24,32]") "}",
              32, &h),
        ODEON_OK);
    const safetensors_tensor *a = &h.tensors[0], *b = &h.tensors[1];
    assert_string_equal(a->entry.name, "a");
    assert_int_equal(a->entry.dtype, ODEON_DTYPE_I64);
    assert_int_equal(a->entry.ndim, 0);
    assert_int_equal(a->entry.bytes, 8);
    assert_int_equal(a->begin, 24);
    assert_int_equal(a->end, 32);
    assert_string_equal(b->entry.name, "b");
    assert_int_equal(b->entry.dtype, ODEON_DTYPE_F32);
    assert_int_equal(b->entry.ndim, 2);
    assert_int_equal(b->entry.dim[0], 2);
    assert_int_equal(b->entry.dim[1], 3);
    assert_int_equal(b->entry.bytes, 24);
    assert_null(b->entry.data);
    safetensors_header_fini(&h);
}

static void test_metadata_is_sorted_by_key(void **state)
{
    (void)state;
    safetensors_header h;
    assert_int_equal(parse("{\"__metadata__\":{\"z\":\"1\",\"\":\"2\",\"k\":\"\"}}", 0, &h),
                     ODEON_OK);
    static const safetensors_meta expected[] = {{"", "2"}, {"k", ""}, {"z", "1"}};
    assert_int_equal(h.n_meta, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(h.meta[i].key, expected[i].key);
        assert_string_equal(h.meta[i].value, expected[i].value);
    }
    safetensors_header_fini(&h);
}

static void test_strings_are_decoded(void **state)
{
    (void)state;
    safetensors_header h;
    static const char text[] = "{\"__metadata__\":{\"1\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\","
                               "\"2\":\"\\u0041\\u00E9\\u20aC\\ud83d\\uDE00\\uFFFF\","
                               "\"3\":\"\x7f\xc3\xa9\xe2\x82\xac\xee\x80\x80\xf0\x9f\x98\x80\"}}";
    assert_int_equal(parse(text, 0, &h), ODEON_OK);
    assert_string_equal(h.meta[0].value, "\"\\/\b\f\n\r\t");
    assert_string_equal(h.meta[1].value, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbf");
    assert_string_equal(h.meta[2].value, "\x7f\xc3\xa9\xe2\x82\xac\xee\x80\x80\xf0\x9f\x98\x80");
    safetensors_header_fini(&h);
}

/* More than the arrays hold at first, in a file order that is not the order of names. */
static void test_many_tensors_are_sorted_by_name(void **state)
{
    (void)state;
    enum { N = 300 };
    char text[N * 64];
    size_t at = 1;
    text[0] = '{';
    for (int i = 0; i < N; i++) {
        at +=
            (size_t)snprintf(text + at, sizeof text - at,
                             "\"%03d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}%s",
                             (i * 7) % N, i, i + 1, i < N - 1 ? "," : "}");
    }
    safetensors_header h;
    assert_int_equal(parse(text, N, &h), ODEON_OK);
    assert_int_equal(h.n_tensors, N);
    for (int i = 0; i < N; i++) {
        char name[16];
        int number = (i * 7) % N;
        (void)snprintf(name, sizeof name, "%03d", number);
        assert_string_equal(h.tensors[number].entry.name, name);
        assert_int_equal(h.tensors[number].begin, i);
    }
    safetensors_header_fini(&h);
}

/* ---- dtypes ---- */

static void test_every_dtype_of_the_format_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t bits;
        uint32_t dtype;
    } all[] = {{"F32", 32, ODEON_DTYPE_F32},     {"F64", 64, ODEON_DTYPE_F64},
               {"U8", 8, ODEON_DTYPE_U8},        {"I64", 64, ODEON_DTYPE_I64},
               {"BOOL", 8, ODEON_DTYPE_NONE},    {"I8", 8, ODEON_DTYPE_NONE},
               {"I16", 16, ODEON_DTYPE_NONE},    {"U16", 16, ODEON_DTYPE_NONE},
               {"I32", 32, ODEON_DTYPE_NONE},    {"U32", 32, ODEON_DTYPE_NONE},
               {"U64", 64, ODEON_DTYPE_NONE},    {"F16", 16, ODEON_DTYPE_NONE},
               {"BF16", 16, ODEON_DTYPE_NONE},   {"C64", 64, ODEON_DTYPE_NONE},
               {"F8_E4M3", 8, ODEON_DTYPE_NONE}, {"F8_E5M2", 8, ODEON_DTYPE_NONE},
               {"F8_E8M0", 8, ODEON_DTYPE_NONE}, {"F6_E2M3", 6, ODEON_DTYPE_NONE},
               {"F6_E3M2", 6, ODEON_DTYPE_NONE}, {"F4", 4, ODEON_DTYPE_NONE}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char text[200];
        safetensors_header h;
        const safetensors_dtype *found = safetensors_dtype_named(all[i].name, strlen(all[i].name));
        assert_non_null(found);
        assert_string_equal(found->name, all[i].name);
        assert_int_equal(found->bits, all[i].bits);
        assert_int_equal(found->dtype, all[i].dtype);
        (void)snprintf(text, sizeof text, "{" TENSOR("a", "%s", "[8]", "[0,%u]") "}", all[i].name,
                       (unsigned)all[i].bits);
        assert_int_equal(parse(text, all[i].bits, &h), ODEON_OK);
        assert_int_equal(h.tensors[0].entry.dtype, all[i].dtype);
        safetensors_header_fini(&h);
        if (all[i].dtype != ODEON_DTYPE_NONE) {
            assert_ptr_equal(safetensors_dtype_of(all[i].dtype), found);
        }
    }
}

static void test_what_is_no_dtype_of_the_format(void **state)
{
    (void)state;
    assert_null(safetensors_dtype_named("F3", 2));
    assert_null(safetensors_dtype_named("F32", 2)); /* the length counts */
    assert_null(safetensors_dtype_named("F320", 4));
    assert_null(safetensors_dtype_named("f32", 3));
    assert_null(safetensors_dtype_named("", 0));
    assert_null(safetensors_dtype_of(ODEON_DTYPE_NONE));
    assert_null(safetensors_dtype_of(UINT32_MAX));
    assert_null(safetensors_dtype_of(99));
}

/* ---- memory ---- */

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static const char text[] =
        "{\"__metadata__\":{\"k\":\"v\"}," TENSOR("a", "U8", "[2]", "[0,2]") "}";
    int64_t live = mem_live_blocks(), n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 20) {
        safetensors_header h;
        mem_fail_at(++n);
        status = parse(text, 2, &h);
        mem_fail_at(0);
        if (status != ODEON_OK) {
            assert_empty(&h);
            assert_non_null(strstr(diag_message(), "test: no memory for "));
        }
        safetensors_header_fini(&h);
        assert_int_equal(mem_live_blocks(), live);
    }
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(n, 4); /* strings, metadata, tensors, and none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_wrong_is_refused),
        cmocka_unit_test(test_the_byte_is_named_at_which_it_fails),
        cmocka_unit_test(test_what_the_format_allows_is_taken),
        cmocka_unit_test(test_a_tensor_has_its_shape_and_place),
        cmocka_unit_test(test_metadata_is_sorted_by_key),
        cmocka_unit_test(test_strings_are_decoded),
        cmocka_unit_test(test_many_tensors_are_sorted_by_name),
        cmocka_unit_test(test_every_dtype_of_the_format_is_known),
        cmocka_unit_test(test_what_is_no_dtype_of_the_format),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
