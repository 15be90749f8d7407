/* Arrays of numpy.save: what numpy writes is read; what is malformed or not supported is refused
 * with a reason. */
#include "format/npy.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "support.h"

enum { ROOM = 512 };

/* A file: magic, version, the header's length, the header, and data_bytes of data. */
typedef struct npy_file {
    unsigned char bytes[ROOM];
    size_t n;
} npy_file;

static npy_file make(int major, int minor, const char *header, size_t data_bytes)
{
    npy_file f = {.n = major == 1 ? 10 : 12};
    size_t length = strlen(header);
    memcpy(f.bytes, "\x93NUMPY", 6);
    f.bytes[6] = (unsigned char)major;
    f.bytes[7] = (unsigned char)minor;
    f.bytes[8] = (unsigned char)(length & 0xff);
    f.bytes[9] = (unsigned char)(length >> 8);
    memcpy(f.bytes + f.n, header, length);
    f.n += length;
    for (size_t i = 0; i < data_bytes; i++) {
        f.bytes[f.n++] = (unsigned char)i;
    }
    return f;
}

static odeon_status parse(const npy_file *f, safetensors_entry *out)
{
    diag_clear();
    return npy_parse("a.npy", f->bytes, f->n, out);
}

#define HEADER(descr, order, shape)                                                                \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }   \n"

static void test_numpy_writes_are_read(void **state)
{
    (void)state;
    const struct {
        int major;
        const char *header;
        size_t bytes;
        int32_t dtype, ndim;
        int64_t first;
    } good[] = {
        {1, HEADER("<f4", "False", "(2, 3)"), 24, ODEON_DTYPE_F32, 2, 2},
        {2, HEADER("<f8", "False", "(5,)"), 40, ODEON_DTYPE_F64, 1, 5},
        {1, HEADER("|u1", "False", "(1, 2, 3, 1, 1, 1)"), 6, ODEON_DTYPE_U8, 6, 1},
        {1, HEADER("<f4", "False", "()"), 4, ODEON_DTYPE_F32, 0, 0},
        {1, HEADER("<f8", "False", "(0, 9)"), 0, ODEON_DTYPE_F64, 2, 0},
        {1, HEADER("<i8", "False", "(2, 2)"), 32, ODEON_DTYPE_I64, 2, 2},
        {1, "{'shape':(2,3),'fortran_order':False,\"descr\":'|u1'}\n", 6, ODEON_DTYPE_U8, 2, 2},
        {1, "{'shape': (2, 3,), 'fortran_order': False , 'descr': '|u1'}\n", 6, ODEON_DTYPE_U8, 2,
         2},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        npy_file f = make(good[i].major, 0, good[i].header, good[i].bytes);
        safetensors_entry x;
        if (parse(&f, &x) != ODEON_OK) {
            fail_msg("%s: %s", good[i].header, diag_message());
        }
        assert_int_equal(x.dtype, good[i].dtype);
        assert_int_equal(x.ndim, good[i].ndim);
        assert_int_equal(x.dim[0], good[i].first);
        assert_int_equal(x.bytes, good[i].bytes);
        assert_ptr_equal(x.data, f.bytes + f.n - good[i].bytes);
    }
}

static void test_wrong_headers_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *header;
        size_t bytes;
        const char *reason;
    } bad[] = {
        {HEADER(">f4", "False", "(2,)"), 8, "its elements are '>f4'"},
        {HEADER("<f2", "False", "(2,)"), 4, "its elements are '<f2'"},
        {HEADER("<i4", "False", "(2,)"), 8, "astype('uint8') what are bytes of images"},
        {HEADER("<f2", "False", "(2,)"), 4, "convert with numpy.astype('float32')"},
        {HEADER("|O", "False", "(2,)"), 16, "its elements are '|O'"},
        {HEADER("<f4", "True", "(2, 2)"), 16, "in Fortran's order"},
        {HEADER("<f4", "Falsehood", "(2,)"), 8, "expected False"},
        {HEADER("<f4", "0", "(2,)"), 8, "expected False"},
        {HEADER("<f4", "False", "(2)"), 8, "a comma after a single dimension"},
        {HEADER("<f4", "False", "2"), 8, "expected ("},
        {HEADER("<f4", "False", "(2 2)"), 16, "expected , or )"},
        {HEADER("<f4", "False", "(,)"), 0, "a dimension"},
        {HEADER("<f4", "False", "(-2,)"), 8, "a dimension"},
        {HEADER("<f4", "False", "(2.0,)"), 8, "expected , or )"},
        {HEADER("<f4", "False", "(99999999999999999999,)"), 8, "a smaller dimension"},
        {HEADER("<f4", "False", "(4294967296, 4294967296)"), 8, "not what its shape says"},
        {HEADER("<f4", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 2)"), 8, "more than 8 dimensions"},
        {HEADER("<f4", "False", "(2,)"), 7, "holds 7 bytes of data"},
        {HEADER("<f4", "False", "(2,)"), 9, "holds 9 bytes of data"},
        {HEADER("<f4", "False", "(2,"), 8, "a dimension"},
        {"[('descr', '<f4')]\n", 8, "expected {"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", 8, "expected , or }"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, "a line break at the end"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}x\n", 8, "at the end"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}\n", 8, "expected , or }"},
        {"{'descr': '<f4', 'fortran_order': False}\n", 8, "expected descr, fortran_order and"},
        {"{'descr': '<f4', 'descr': '<f4', 'shape': (2,)}\n", 8, "each once"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}\n", 8, "each once"},
        {"{'descr' '<f4'}\n", 8, "expected :"},
        {"{descr: '<f4'}\n", 8, "a text in quotes"},
        {"{'descr\": '<f4'}\n", 8, "each once"},
        {"{'descr': '<f4}\n", 8, "a text of a few characters"},
        {"{'descr': 'a text of very many letters'}\n", 8, "a text of a few characters"},
        {"{'descr': [('a', '<f4')]}\n", 8, "a text in quotes"},
        {"{}\n", 0, "expected descr, fortran_order and"},
        {"{,}\n", 0, "a text in quotes"},
        {"", 8, "expected {"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        npy_file f = make(1, 0, bad[i].header, bad[i].bytes);
        safetensors_entry x;
        assert_int_equal(parse(&f, &x), ODEON_ERR_DATA);
        if (strstr(diag_message(), bad[i].reason) == NULL) {
            fail_msg("%s: '%s' does not say '%s'", bad[i].header, diag_message(), bad[i].reason);
        }
    }
}

static void expect_refusal(const npy_file *f, const char *reason)
{
    safetensors_entry x;
    assert_int_equal(parse(f, &x), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "a.npy: "));
    assert_non_null(strstr(diag_message(), reason));
}

static void test_other_versions_are_refused(void **state)
{
    (void)state;
    const char *header = HEADER("<f4", "False", "(2,)");
    npy_file three = make(3, 0, header, 8), minor = make(1, 1, header, 8);
    expect_refusal(&three, "version 3.0");
    expect_refusal(&minor, "version 1.1");
    npy_file zero = make(2, 0, header, 8);
    zero.bytes[6] = 0;
    expect_refusal(&zero, "version 0.0");
}

static void test_other_files_are_refused(void **state)
{
    (void)state;
    npy_file f = make(1, 0, HEADER("<f4", "False", "(2,)"), 8);
    f.bytes[0] = 'x';
    expect_refusal(&f, "not an .npy file");
}

/* A NUL is no blank, and ends no text. */
static void test_nul_in_a_header_is_refused(void **state)
{
    (void)state;
    const char *header = HEADER("<f4", "False", "(2,)");
    for (size_t i = 0; i < strlen(header); i++) {
        npy_file f = make(1, 0, header, 8);
        f.bytes[10 + i] = '\0';
        safetensors_entry x;
        assert_int_equal(parse(&f, &x), ODEON_ERR_DATA);
    }
}

/* Cut anywhere, in memory of exactly that size, so that a sanitizer sees a read beyond. */
static void test_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (int major = 1; major <= 2; major++) {
        npy_file whole = make(major, 0, HEADER("<f4", "False", "(2,)"), 8);
        for (size_t n = 0; n < whole.n; n++) {
            unsigned char *part = malloc(n + 1);
            assert_non_null(part);
            memcpy(part + 1, whole.bytes, n);
            safetensors_entry x;
            diag_clear();
            assert_int_equal(npy_parse("a.npy", part + 1, n, &x), ODEON_ERR_DATA);
            free(part);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numpy_writes_are_read),
        cmocka_unit_test(test_wrong_headers_are_refused),
        cmocka_unit_test(test_other_versions_are_refused),
        cmocka_unit_test(test_other_files_are_refused),
        cmocka_unit_test(test_nul_in_a_header_is_refused),
        cmocka_unit_test(test_file_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
