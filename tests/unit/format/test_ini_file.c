/* The lines of an INI: what is read, what is refused, and at which line. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/ini_file.h"

/* What the linker puts in the place of read and fstat (--wrap), so that they can fail. */
static int interrupted_reads, failing_fstats;

ssize_t __wrap_read(int fd, void *buffer, size_t bytes);
ssize_t __real_read(int fd, void *buffer, size_t bytes);
ssize_t __wrap_read(int fd, void *buffer, size_t bytes)
{
    if (interrupted_reads > 0) {
        interrupted_reads--;
        errno = EINTR;
        return -1;
    }
    return __real_read(fd, buffer, bytes);
}

int __wrap_fstat(int fd, struct stat *about);
int __real_fstat(int fd, struct stat *about);
int __wrap_fstat(int fd, struct stat *about)
{
    if (failing_fstats > 0) {
        failing_fstats--;
        errno = EIO;
        return -1;
    }
    return __real_fstat(fd, about);
}

static odeon_status parse_bytes(const char *text, size_t bytes, ini_file **out)
{
    diag_clear();
    return ini_file_parse("t.ini", text, bytes, out);
}

static ini_file *parse(const char *text)
{
    ini_file *file = NULL;
    if (parse_bytes(text, strlen(text), &file) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return file;
}

static void assert_key(const ini_file *file, size_t section, size_t key, const char *name,
                       const char *value, int line)
{
    assert_in_range(section, 0, file->n_sections - 1);
    assert_in_range(key, 0, file->sections[section].n_keys - 1);
    const ini_key *k = &file->sections[section].keys[key];
    assert_string_equal(k->name, name);
    assert_string_equal(k->value, value);
    assert_int_equal(k->line, line);
}

static void assert_refused(const char *text, size_t bytes, const char *message)
{
    ini_file *file = NULL;
    odeon_status status = parse_bytes(text, bytes, &file);
    if (status != ODEON_ERR_CONFIG || strstr(diag_message(), message) == NULL) {
        fail_msg("expected '%s', got %d '%s'", message, (int)status, diag_message());
    }
    assert_null(file);
}

/* ---- what is read ---- */

static void test_file_has_sections_keys_and_lines(void **state)
{
    (void)state;
    ini_file *file = parse("; first\n[run]\nname = a b\n\n  ; indented comment\n# other\nseed=7\n"
                           "[model.x]\nlayer = relu\n");
    assert_int_equal(file->n_sections, 3);
    assert_string_equal(file->sections[1].name, "run");
    assert_int_equal(file->sections[1].line, 2);
    assert_key(file, 1, 0, "name", "a b", 3);
    assert_key(file, 1, 1, "seed", "7", 7);
    assert_string_equal(file->sections[2].name, "model.x");
    assert_key(file, 2, 0, "layer", "relu", 9);
    ini_file_destroy(file);
}

static void test_line_ends_and_byte_order_mark_are_accepted(void **state)
{
    (void)state;
    static const char *const texts[] = {"[a]\r\nx = 1\r\n", "[a]\nx = 1",
                                        "\xef\xbb\xbf[a]\nx = 1\n", "[a]\r\nx = 1\t "};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ini_file *file = parse(texts[i]);
        assert_key(file, 1, 0, "x", "1", 2);
        ini_file_destroy(file);
    }
}

/* A copy of just these bytes, so that a read behind them is seen. */
static void test_file_may_end_anywhere(void **state)
{
    (void)state;
    static const char *const texts[] = {" ", "[a]\n\t ", "[a]\n #", "\r", "[a]\n;", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t bytes = strlen(texts[i]);
        char *exact = mem_alloc(bytes);
        memcpy(exact, texts[i], bytes);
        ini_file *file = NULL;
        odeon_status status = parse_bytes(exact, bytes, &file);
        assert_int_equal(status, texts[i][0] == '\r' ? ODEON_ERR_CONFIG : ODEON_OK);
        ini_file_destroy(file);
        mem_free(exact);
    }
}

static void test_include_may_stand_first(void **state)
{
    (void)state;
    ini_file *file = parse("include = a.ini\n[run]\n");
    assert_key(file, 0, 0, "include", "a.ini", 1);
    assert_int_equal(file->sections[1].n_keys, 0);
    ini_file_destroy(file);
}

static void test_comment_after_blank_is_cut(void **state)
{
    (void)state;
    ini_file *file = parse("[a] ; section\nx = 1 ; one\ny = a;b\nz = a#fff\n"
                           "w = c(k=1, m=2) ;\n");
    assert_key(file, 1, 0, "x", "1", 2);
    assert_key(file, 1, 1, "y", "a;b", 3);
    ini_file_destroy(file);
}

static void test_value_keeps_equals_colons_and_hashes(void **state)
{
    (void)state;
    ini_file *file = parse("[a]\nx = a=b:c#d\n");
    assert_key(file, 1, 0, "x", "a=b:c#d", 2);
    ini_file_destroy(file);
}

/* Around the size of inih's buffer and far beyond; the tail would read as a key of its own. */
static void test_long_value_arrives_whole(void **state)
{
    (void)state;
    static const int lengths[] = {190, 194, 195, 196, 197,  198,  199,
                                  200, 201, 390, 400, 4096, 16000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *value = mem_zalloc((size_t)lengths[i] + 1, 1);
        for (int k = 0; k < lengths[i]; k++) {
            value[k] = "seed = 7, ab"[(k + lengths[i]) % 12];
        }
        value[0] = 'v';
        value[lengths[i] - 1] = 'e';
        char *text = mem_printf("[a]\nx = %s\nseed = 1\n", value);
        ini_file *file = parse(text);
        assert_int_equal(file->sections[1].n_keys, 2);
        assert_key(file, 1, 0, "x", value, 2);
        assert_key(file, 1, 1, "seed", "1", 3);
        ini_file_destroy(file);
        mem_free(text);
        mem_free(value);
    }
}

static void test_long_value_may_hold_what_starts_comments(void **state)
{
    (void)state;
    static const char *const runs[] = {";;;;;;;;;;", "##########", ";#;#;#;#;#"};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        for (int before = 170; before < 210; before++) { /* where inih's buffer ends */
            char *value = mem_printf("%0*d%s\xe2\x82\xac", before, 1, runs[i]);
            char *text = mem_printf("[a]\nx = %s%s\n", value, value);
            char *twice = mem_printf("%s%s", value, value);
            ini_file *file = parse(text);
            assert_key(file, 1, 0, "x", twice, 2);
            ini_file_destroy(file);
            mem_free(twice);
            mem_free(text);
            mem_free(value);
        }
    }
}

static void test_long_section_name_is_not_cut(void **state)
{
    (void)state;
    ini_file *file =
        parse("[model.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1]\n"
              "x = 1\n"
              "[model.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2]\n"
              "x = 2\n");
    assert_int_equal(file->n_sections, 3);
    assert_int_equal(strlen(file->sections[2].name), 70);
    assert_key(file, 2, 0, "x", "2", 4);
    ini_file_destroy(file);
}

/* ---- what is refused ---- */

static void test_malformed_line_is_refused_with_its_number(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[a]\nx = 1\n y = 2\n", "t.ini:3: an indented line"},
        {"[a]\n\tx = 1\n", "t.ini:2: an indented line"},
        {"[a]\n [b]\n", "t.ini:2: an indented line"},
        {"[a]\nx\n", "t.ini:2: 'x': expected key = value, or [section]"},
        {"[a]\nx : 1\n", "t.ini:2: 'x : 1': expected key = value, or [section]; a ':' does not"},
        {"[a]\nx : a = 1\n", "a ':' does not take the place of '='"},
        {"[a]\n= 1\n", "t.ini:2: a key has 1 to 127 bytes, this one has 0"},
        {"[a]\nx =\n", "t.ini:2: 'x' has no value"},
        {"[a]\nx = ; comment\n", "t.ini:2: 'x' has no value"},
        {"[a]\nx y = 1\n", "t.ini:2: 'x y' is no key"},
        {"[a]\nmodel.x = 1\n", "t.ini:2: 'model.x' is no key"},
        {"[a]\nx = 1 # one\n",
         "t.ini:2: 'x': '#' starts no comment here: comments after a value start with a "
         "blank and ;"},
        {"[a]\nx = # one\n", "t.ini:2: 'x': '#' starts no comment"},
        {"[a\nx = 1\n", "t.ini:1: '[a': the ']' is missing"},
        {"[]\n", "t.ini:1: a section's name has 1 to 127 bytes, this one has 0"},
        {"[ ]\n", "t.ini:1: a section's name has"},
        {"[a] x = 1\n", "t.ini:1: '[a] x = 1': nothing but a comment may follow the ']'"},
        {"[a]\n[b]\n[a]\n", "t.ini:3: [a] is already in line 1"},
        {"[a]\nx = 1\ny = 2\nx = 1\n", "t.ini:4: 'x' is already in line 2"},
        {"include = a\ninclude = b\n", "t.ini:2: 'include' is already in line 1"},
        {"[a]\rx = 1\r", "t.ini:1: a carriage return within a line"},
        {"[a]\nx = 1\r\r\n", "t.ini:2: a carriage return within a line"},
        {"[a]\nx = \xc3\n", "t.ini:2: this is not UTF-8"},
        {"[a]\nx = \xc0\xaf\n", "t.ini:2: this is not UTF-8"},
        {"[a]\n; \xed\xa0\x80\n", "t.ini:2: this is not UTF-8"},
        {"[a]\nx = \xef\xbb\xbfq\n", "t.ini:2: a byte order mark in the middle"},
        {"[a]\n\xff\xfex = 1\n", "t.ini:2: this is UTF-16"},
        {"[a]\n\xff\xff\n", "t.ini:2: this is not UTF-8"},
        {"[a]\n\xfe\xfe\n", "t.ini:2: this is not UTF-8"},
        {"[a]\nx = \033[31m\n", "t.ini:2: a control character"},
        {"[a]\nx = \x7f\n", "t.ini:2: a control character"},
        {"[a]\nx =;y\n", "t.ini:2: 'x': ';' starts no comment here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].message);
    }
}

static void test_bytes_of_no_text_file_are_refused(void **state)
{
    (void)state;
    assert_refused("[a]\nx = 1\0y\n", 12, "t.ini:2: a NUL byte");
    assert_refused("\0[a]\n", 5, "t.ini:1: a NUL byte");
    assert_refused("\xff\xfe[\0a\0]\0\n\0", 10, "t.ini:1: this is UTF-16");
    assert_refused("\xfe\xff\0[\0a\0]\0\n", 10, "t.ini:1: this is UTF-16");
}

static void test_overlong_line_is_refused(void **state)
{
    (void)state;
    char *text = mem_alloc(INI_FILE_MAX_LINE + 32);
    int n = snprintf(text, 32, "[a]\nx = ");
    memset(text + n, 'q', INI_FILE_MAX_LINE);
    size_t longest = 4 + INI_FILE_MAX_LINE; /* the section's line, and one that just fits */
    memcpy(text + longest, "\n", 2);
    ini_file *file = NULL;
    assert_int_equal(parse_bytes(text, longest + 1, &file), ODEON_OK);
    ini_file_destroy(file);
    memcpy(text + longest, "q\n", 3);
    assert_refused(text, longest + 2,
                   "t.ini:2: 16384 bytes in one line, at most 16383 are allowed");
    mem_free(text);
}

static void test_overlong_names_are_refused(void **state)
{
    (void)state;
    char *text = mem_printf("[a]\n%0128d = 1\n", 1);
    assert_refused(text, strlen(text), "t.ini:2: a key has 1 to 127 bytes, this one has 128");
    mem_free(text);
    text = mem_printf("[%0128d]\n", 1);
    assert_refused(text, strlen(text), "t.ini:1: a section's name has 1 to 127 bytes, this one ");
    mem_free(text);
}

static void test_long_line_that_no_piece_can_end_is_refused(void **state)
{
    (void)state;
    char *text = mem_printf("[a]\nx = 1%300s2\n", "");
    assert_refused(text, strlen(text), "t.ini:2: more than 100 blanks");
    mem_free(text);
}

static void test_too_many_sections_or_keys_are_refused(void **state)
{
    (void)state;
    char *text = mem_zalloc(INI_FILE_MAX_SECTIONS + 1, 16);
    size_t n = 0;
    for (int i = 0; i <= INI_FILE_MAX_SECTIONS; i++) {
        n += (size_t)snprintf(text + n, 16, "[s%d]\n", i);
    }
    assert_refused(text, n, "more than 1024 sections");
    n = (size_t)snprintf(text, 16, "[a]\n");
    for (int i = 0; i <= INI_FILE_MAX_KEYS; i++) {
        n += (size_t)snprintf(text + n, 16, "k%d = 1\n", i);
    }
    assert_refused(text, n, "t.ini:258: more than 256 keys in [a]");
    mem_free(text);
}

/* ---- files ---- */

static void test_directory_and_fifo_are_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/odeon-ini-XXXXXX", fifo[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *const names[] = {folder, fifo, "/dev/zero"};
    for (size_t i = 0; i < 3; i++) {
        size_t budget = INI_FILE_MAX_BYTES;
        ini_file *file = NULL;
        diag_clear();
        assert_int_equal(ini_file_read(names[i], names[i], &budget, &file), ODEON_ERR_IO);
        assert_non_null(strstr(diag_message(), ": not a regular file"));
    }
    (void)unlink(fifo);
    (void)rmdir(folder);
}

static void test_file_that_cannot_be_read_says_so(void **state)
{
    (void)state;
    size_t budget = 100;
    ini_file *file = NULL;
    diag_clear(); /* a regular file, whose first bytes no process can read */
    assert_int_equal(ini_file_read("/proc/self/mem", "x.ini", &budget, &file), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "x.ini: cannot be read: "));
    assert_null(file);
}

static void test_interrupted_read_goes_on(void **state)
{
    (void)state;
    char name[] = "/tmp/odeon-ini-XXXXXX";
    int fd = mkstemp(name);
    assert_int_equal(write(fd, "[a]\nx = 1\n", 10), 10);
    (void)close(fd);
    size_t budget = 100;
    ini_file *file = NULL;
    interrupted_reads = 2;
    assert_int_equal(ini_file_read(name, "x.ini", &budget, &file), ODEON_OK);
    assert_int_equal(interrupted_reads, 0);
    assert_key(file, 1, 0, "x", "1", 2);
    ini_file_destroy(file);
    (void)unlink(name);
}

static void test_file_of_unknown_kind_is_refused(void **state)
{
    (void)state;
    size_t budget = 100;
    ini_file *file = NULL;
    diag_clear();
    failing_fstats = 1;
    assert_int_equal(ini_file_read("/proc/self/status", "x.ini", &budget, &file), ODEON_ERR_IO);
    assert_int_equal(failing_fstats, 0);
    assert_non_null(strstr(diag_message(), "x.ini: not a regular file"));
    assert_null(file);
}

static void test_missing_file_is_named(void **state)
{
    (void)state;
    size_t budget = INI_FILE_MAX_BYTES;
    ini_file *file = NULL;
    diag_clear();
    assert_int_equal(ini_file_read("/nowhere/x.ini", "x.ini", &budget, &file), ODEON_ERR_IO);
    assert_string_equal(diag_message(), "x.ini: cannot be opened: No such file or directory");
}

static void test_file_beyond_the_budget_is_refused(void **state)
{
    (void)state;
    char name[] = "/tmp/odeon-ini-XXXXXX";
    int fd = mkstemp(name);
    assert_int_equal(write(fd, "[a]\nx = 1\n", 10), 10);
    (void)close(fd);
    size_t budget = 9;
    ini_file *file = NULL;
    diag_clear();
    assert_int_equal(ini_file_read(name, "x.ini", &budget, &file), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "at most 1048576 bytes"));
    budget = 10;
    assert_int_equal(ini_file_read(name, "x.ini", &budget, &file), ODEON_OK);
    assert_int_equal(budget, 0);
    ini_file_destroy(file);
    (void)unlink(name);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    char *text = mem_printf("[a]\nx = %0300d\n[b]\ny = 1\nz = 2\n", 1);
    int64_t before = mem_live_blocks(), k = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    for (k = 1; status == ODEON_ERR_NOMEM && k < 100; k++) {
        ini_file *file = NULL;
        mem_fail_at(k);
        status = parse_bytes(text, strlen(text), &file);
        mem_fail_at(0);
        ini_file_destroy(file);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_in_range(k, 10, 90); /* not a single one was left out, nor are there hundreds */
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_has_sections_keys_and_lines),
        cmocka_unit_test(test_line_ends_and_byte_order_mark_are_accepted),
        cmocka_unit_test(test_file_may_end_anywhere),
        cmocka_unit_test(test_include_may_stand_first),
        cmocka_unit_test(test_comment_after_blank_is_cut),
        cmocka_unit_test(test_value_keeps_equals_colons_and_hashes),
        cmocka_unit_test(test_long_value_arrives_whole),
        cmocka_unit_test(test_long_value_may_hold_what_starts_comments),
        cmocka_unit_test(test_long_section_name_is_not_cut),
        cmocka_unit_test(test_malformed_line_is_refused_with_its_number),
        cmocka_unit_test(test_bytes_of_no_text_file_are_refused),
        cmocka_unit_test(test_overlong_line_is_refused),
        cmocka_unit_test(test_overlong_names_are_refused),
        cmocka_unit_test(test_long_line_that_no_piece_can_end_is_refused),
        cmocka_unit_test(test_too_many_sections_or_keys_are_refused),
        cmocka_unit_test(test_directory_and_fifo_are_refused),
        cmocka_unit_test(test_file_that_cannot_be_read_says_so),
        cmocka_unit_test(test_interrupted_read_goes_on),
        cmocka_unit_test(test_file_of_unknown_kind_is_refused),
        cmocka_unit_test(test_missing_file_is_named),
        cmocka_unit_test(test_file_beyond_the_budget_is_refused),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
