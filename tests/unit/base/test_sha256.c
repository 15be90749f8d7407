#include <string.h>

#include "support.h"

#include "base/sha256.h"

static void expect(const void *data, size_t bytes, const char *hash)
{
    char text[SHA256_TEXT_BYTES];
    sha256_print(data, bytes, text);
    assert_string_equal(text, hash);
}

/* The examples of FIPS 180-2, appendix B, and the empty message. */
static void test_hashes_are_those_of_the_standards_examples(void **state)
{
    (void)state;
    static char letters[1000000];
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    expect("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(two_blocks, strlen(two_blocks),
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(letters, 'a', sizeof letters);
    expect(letters, sizeof letters,
           "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Where the length no longer fits into the last block. By sha256sum of coreutils. */
static void test_hashes_at_the_ends_of_blocks_are_right(void **state)
{
    (void)state;
    char letters[64];
    memset(letters, 'a', sizeof letters);
    expect(letters, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    expect(letters, 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
    expect(letters, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_are_those_of_the_standards_examples),
        cmocka_unit_test(test_hashes_at_the_ends_of_blocks_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
