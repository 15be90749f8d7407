/* Named tensors to a file: whole or not at all, in one piece or piece by piece, and also to what is
 * no file. */
#include "format/safetensors_write.h"

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
#include "format/safetensors.h"
#include "support.h"

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

/* The process may write limit bytes to a file and no more. */
static void limit_file_size(rlim_t limit)
{
    struct rlimit r;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
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
    int64_t live = mem_live_blocks();
    assert_int_equal(safetensors_write(whole, 2, entries, 0, NULL), ODEON_OK);
    assert_int_equal(safetensors_write_from(parts, 2, entries, 0, NULL, give_piece, &from),
                     ODEON_ERR_DEVICE);
    assert_int_equal(access(parts, F_OK), -1);
    from.left = -1;
    assert_int_equal(safetensors_write_from(parts, 2, entries, 0, NULL, give_piece, &from),
                     ODEON_OK);
    assert_int_equal(from.most, SAFETENSORS_PIECE_BYTES);
    assert_int_equal(mem_live_blocks(), live);
    assert_int_equal(system(command), 0);
    (void)unlink(whole);
    (void)unlink(parts);
    (void)rmdir(at);
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

/* ---- what is in the file ---- */

static unsigned char *read_bytes(const char *path, size_t *n)
{
    static unsigned char bytes[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *n = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    return bytes;
}

/* Wide elements first, then by name; the data begins at a multiple of 8. */
static void test_the_file_is_this_to_the_byte(void **state)
{
    const folder *f = *state;
    static const char header[] = "{\"__metadata__\":{\"k\":\"v\"},"
                                 "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                                 "\"a\":{\"dtype\":\"U8\",\"shape\":[1,2],\"data_offsets\":[4,6]},"
                                 "\"c\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[6,7]}}";
    static const safetensors_meta meta = {"k", "v"};
    static const float number = 1.0f;
    const safetensors_entry entries[] = {{"c", ODEON_DTYPE_U8, 0, {0}, "z", 1},
                                         {"a", ODEON_DTYPE_U8, 2, {1, 2}, "xy", 2},
                                         {"b", ODEON_DTYPE_F32, 1, {1}, &number, 4}};
    assert_int_equal(safetensors_write(f->file, 3, entries, 1, &meta), ODEON_OK);
    size_t n, padded = (sizeof header - 1 + 7) / 8 * 8;
    const unsigned char *bytes = read_bytes(f->file, &n);
    uint64_t length;
    memcpy(&length, bytes, 8);
    assert_int_equal(length, padded);
    assert_int_equal(n, 8 + padded + 7);
    assert_memory_equal(bytes + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < padded; i++) {
        assert_int_equal(bytes[8 + i], ' ');
    }
    assert_memory_equal(bytes + 8 + padded, &number, 4);
    assert_memory_equal(bytes + 8 + padded + 4, "xyz", 3);
}

/* What is written twice has the same bytes, in whatever order its entries come. */
static void test_the_order_of_entries_does_not_matter(void **state)
{
    const folder *f = *state;
    safetensors_entry turned[N_FOUR];
    unsigned char first[4096];
    size_t n, again;
    for (size_t i = 0; i < N_FOUR; i++) {
        turned[i] = four[N_FOUR - 1 - i];
    }
    assert_int_equal(safetensors_write(f->file, N_FOUR, four, 0, NULL), ODEON_OK);
    memcpy(first, read_bytes(f->file, &n), sizeof first);
    assert_int_equal(safetensors_write(f->file, N_FOUR, turned, 0, NULL), ODEON_OK);
    assert_memory_equal(first, read_bytes(f->file, &again), n);
    assert_int_equal(n, again);
}

/* ---- to what is no file ---- */

static void test_tensors_go_to_a_pipe_too(void **state)
{
    const folder *f = *state;
    unsigned char piped[4096];
    size_t n;
    assert_int_equal(safetensors_write(f->file, N_FOUR, four, 0, NULL), ODEON_OK);
    const unsigned char *bytes = read_bytes(f->file, &n);
    (void)unlink(f->file);
    assert_int_equal(mkfifo(f->file, 0600), 0);
    int fd = open(f->file, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(safetensors_write_output(f->file, N_FOUR, four, 0, NULL), ODEON_OK);
    assert_int_equal(read(fd, piped, sizeof piped), n);
    assert_memory_equal(piped, bytes, n);
    (void)close(fd);
    diag_clear();
    assert_int_equal(safetensors_write_output(f->path, N_FOUR, four, 0, NULL), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), ": is a folder: name a file in it"));
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_make_the_same_file),
        WITH_FOLDER(test_written_tensors_are_aligned_in_the_file),
        WITH_FOLDER(test_write_refuses_what_the_reader_would),
        WITH_FOLDER(test_write_that_fails_leaves_the_old_file),
        WITH_FOLDER(test_write_survives_leftovers_of_its_own_name),
        cmocka_unit_test(test_write_names_the_folder_that_is_missing),
        WITH_FOLDER(test_write_cannot_replace_a_folder),
        WITH_FOLDER(test_write_frees_all_when_any_allocation_fails),
        WITH_FOLDER(test_the_file_is_this_to_the_byte),
        WITH_FOLDER(test_the_order_of_entries_does_not_matter),
        WITH_FOLDER(test_tensors_go_to_a_pipe_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
