#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "folder.h"
#include "plugin/elf_check.h"

static const char plugin_file[] = ODEON_BUILD "/plugins/integrator/euler.so";

/* ---- a real plugin ---- */

static uint64_t end_of_segments(const unsigned char *data)
{
    Elf64_Ehdr header;
    memcpy(&header, data, sizeof header);
    uint64_t end = 0;
    for (int i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, data + header.e_phoff + (size_t)i * sizeof segment, sizeof segment);
        uint64_t last = segment.p_offset + segment.p_filesz;
        end = last > end ? last : end;
    }
    return end;
}

static void test_plugin_of_the_build_is_accepted(void **state)
{
    (void)state;
    size_t bytes = 0;
    void *data = folder_read(plugin_file, &bytes);
    elf_info info;
    assert_int_equal(elf_check(data, bytes, &info), ODEON_OK);
    assert_string_equal(info.reason, "");
    assert_int_equal(info.abi_major, ODEON_ABI_MAJOR);
    assert_int_equal(info.abi_minor, ODEON_ABI_MINOR);
    assert_string_equal(info.components, "integrator/euler:tableau");
    size_t digits = strlen(info.build_id); /* 8 bytes by lld's default, 20 by others' */
    assert_true(digits >= 16 && digits % 2 == 0);
    assert_int_equal(strspn(info.build_id, "0123456789abcdef"), digits);
    free(data);
}

/* Behind everything else, so that the word's end is the file's. */
static void test_the_word_for_its_own_folder_is_found_anywhere(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool found;
    } cases[] = {{"", false},          {"$", false},           {"$ORIGI", false},
                 {"$ORIGIN", true},    {"${ORIGIN}", true},    {"${ORIGIN", false},
                 {"$$ORIGIN/.", true}, {"$O$${ORIGIN}", true}, {"ORIGIN", false}};
    size_t bytes = 0;
    char *data = folder_read(plugin_file, &bytes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t more = strlen(cases[i].text);
        char *longer = malloc(bytes + more);
        assert_non_null(longer);
        memcpy(longer, data, bytes);
        memcpy(longer + bytes, cases[i].text, more);
        elf_info info;
        assert_int_equal(elf_check(longer, bytes + more, &info), ODEON_OK);
        assert_int_equal(info.by_origin, cases[i].found);
        free(longer);
    }
    free(data);
}

static void test_every_truncation_within_a_segment_is_refused(void **state)
{
    (void)state;
    size_t bytes = 0;
    unsigned char *data = folder_read(plugin_file, &bytes);
    uint64_t end = end_of_segments(data);
    assert_true(end > 1000 && end <= bytes);
    for (size_t n = 0; n < bytes; n++) {
        unsigned char *part = malloc(n > 0 ? n : 1); /* its end is the memory's end */
        assert_non_null(part);
        memcpy(part, data, n);
        elf_info info;
        odeon_status status = elf_check(part, n, &info);
        if ((status != ODEON_OK) != (n < end)) {
            fail_msg("%zu of %zu bytes: %d, %s", n, bytes, status, info.reason);
        }
        free(part);
    }
    free(data);
}

static void test_flipped_header_bytes_never_lead_astray(void **state)
{
    (void)state;
    size_t bytes = 0;
    unsigned char *data = folder_read(plugin_file, &bytes);
    int refused = 0;
    for (size_t at = 0; at < 0x400; at++) { /* headers, program headers, notes */
        for (unsigned mask = 1; mask < 0x200; mask <<= 1) {
            unsigned char kept = data[at];
            data[at] = (unsigned char)(kept ^ (mask < 0x100 ? mask : 0xff));
            elf_info info;
            odeon_status status = elf_check(data, bytes, &info);
            data[at] = kept;
            assert_true(status == ODEON_OK || status == ODEON_ERR_PLUGIN);
            assert_int_equal(status == ODEON_OK, info.reason[0] == '\0');
            refused += status != ODEON_OK;
        }
    }
    assert_true(refused > 1000);
    free(data);
}

/* ---- a file made for the purpose ---- */

enum { NOTES_AT = 512, DYNAMIC_AT = 1536, FILE_BYTES = 2048 };

typedef struct made_file {
    unsigned char data[FILE_BYTES];
    Elf64_Ehdr header;
    Elf64_Phdr load, dynamic, notes;
} made_file;

/* Adds a note at *at, padded to 4, and moves *at behind it. */
static void put_note(made_file *f, size_t *at, const char *owner, uint32_t type, const void *text,
                     uint32_t bytes)
{
    Elf64_Nhdr note = {(uint32_t)strlen(owner) + 1, bytes, type};
    unsigned char *p = f->data + NOTES_AT + *at;
    memcpy(p, &note, sizeof note);
    memcpy(p + sizeof note, owner, note.n_namesz);
    size_t text_at = sizeof note + ((note.n_namesz + 3u) & ~3u);
    memcpy(p + text_at, text, bytes);
    *at += text_at + ((bytes + 3u) & ~3u);
    f->notes.p_filesz = *at;
}

static void put_odeon_note(made_file *f, size_t *at, const char *line)
{
    char text[228] = ""; /* a note may have any length */
    strcpy(text, line);
    put_note(f, at, ODEON_NOTE_OWNER, ODEON_NOTE_TYPE, text, sizeof text);
}

/* A shared object with nothing but headers; notes are for the caller to add. */
static made_file make_file(void)
{
    made_file f = {0};
    Elf64_Ehdr real;
    size_t bytes = 0;
    void *data = folder_read(plugin_file, &bytes);
    memcpy(&real, data, sizeof real);
    free(data);
    f.header = real;
    f.header.e_phoff = sizeof real;
    f.header.e_phnum = 3;
    f.load = (Elf64_Phdr){.p_type = PT_LOAD, .p_filesz = FILE_BYTES, .p_memsz = FILE_BYTES};
    f.dynamic = (Elf64_Phdr){
        .p_type = PT_DYNAMIC, .p_offset = DYNAMIC_AT, .p_filesz = 2 * sizeof(Elf64_Dyn)};
    f.notes = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = NOTES_AT, .p_align = 4};
    return f;
}

static made_file make_plugin(void)
{
    made_file f = make_file();
    size_t at = 0;
    put_odeon_note(&f, &at, "abi=1.0 components=layer/a");
    return f;
}

static odeon_status check(made_file *f, elf_info *info)
{
    memcpy(f->data, &f->header, sizeof f->header);
    const Elf64_Phdr segments[] = {f->load, f->dynamic, f->notes};
    memcpy(f->data + sizeof f->header, segments, sizeof segments);
    return elf_check(f->data, sizeof f->data, info);
}

static void assert_refused(made_file *f, const char *reason)
{
    elf_info info;
    assert_int_equal(check(f, &info), ODEON_ERR_PLUGIN);
    if (strstr(info.reason, reason) == NULL) {
        fail_msg("'%s' does not stand in '%s'", reason, info.reason);
    }
}

static void test_made_file_is_accepted(void **state)
{
    (void)state;
    made_file f = make_plugin();
    elf_info info;
    assert_int_equal(check(&f, &info), ODEON_OK);
    assert_string_equal(info.components, "layer/a");
    assert_string_equal(info.build_id, "");
}

static void test_unaligned_memory_is_read(void **state)
{
    (void)state;
    made_file f = make_plugin();
    elf_info info;
    assert_int_equal(check(&f, &info), ODEON_OK);
    unsigned char shifted[FILE_BYTES + 1];
    memcpy(shifted + 1, f.data, FILE_BYTES);
    assert_int_equal(elf_check(shifted + 1, FILE_BYTES, &info), ODEON_OK);
}

static void test_header_of_another_sort_is_refused(void **state)
{
    (void)state;
    made_file f = make_plugin();
    f.header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_refused(&f, "64-bit little-endian");
    f = make_plugin();
    f.header.e_ident[EI_DATA] = ELFDATA2MSB;
    assert_refused(&f, "64-bit little-endian");
    f = make_plugin();
    f.header.e_machine = EM_SPARCV9;
    assert_refused(&f, "another machine");
    f = make_plugin();
    f.header.e_type = ET_EXEC;
    assert_refused(&f, "no shared object");
    f = make_plugin();
    f.header.e_ident[0] = '#';
    assert_refused(&f, "no ELF file");
}

static void test_program_headers_out_of_the_file_are_refused(void **state)
{
    (void)state;
    made_file f = make_plugin();
    f.header.e_phoff = UINT64_MAX - 8;
    assert_refused(&f, "program headers");
    f = make_plugin();
    f.header.e_phnum = 0;
    assert_refused(&f, "program headers");
    f = make_plugin();
    f.header.e_phnum = PN_XNUM;
    assert_refused(&f, "program headers");
    f = make_plugin();
    f.header.e_phentsize = 32;
    assert_refused(&f, "program headers");
}

static void test_segments_out_of_the_file_are_refused(void **state)
{
    (void)state;
    made_file f = make_plugin();
    f.load.p_filesz = FILE_BYTES + 1;
    assert_refused(&f, "cut off");
    f = make_plugin();
    f.notes.p_offset = UINT64_MAX;
    assert_refused(&f, "cut off");
    f = make_plugin();
    f.load.p_memsz = 1;
    assert_refused(&f, "larger in the file");
}

static void test_missing_or_damaged_dynamic_segment_is_refused(void **state)
{
    (void)state;
    made_file f = make_plugin();
    f.dynamic.p_type = PT_NULL;
    assert_refused(&f, "no dynamic segment");
    f = make_plugin();
    f.load.p_type = PT_NULL;
    assert_refused(&f, "no dynamic segment");
    f = make_plugin();
    f.dynamic.p_filesz = 17;
    assert_refused(&f, "dynamic segment is damaged");
}

static void test_one_odeon_note_is_demanded(void **state)
{
    (void)state;
    made_file f = make_file();
    size_t at = 0;
    put_note(&f, &at, "GNU", NT_GNU_BUILD_ID, "\x01\x2f", 2);
    assert_refused(&f, "lacks the note");
    put_odeon_note(&f, &at, "abi=1.0 components=layer/a");
    put_odeon_note(&f, &at, "abi=1.0 components=layer/b");
    assert_refused(&f, "more than one");
}

static void test_notes_of_others_are_passed_over(void **state)
{
    (void)state;
    made_file f = make_file();
    size_t at = 0;
    put_note(&f, &at, "GNU", NT_GNU_BUILD_ID, "\x01\xaf", 2);
    put_note(&f, &at, "Odeon", ODEON_NOTE_TYPE + 1, "abc", 3);
    put_note(&f, &at, "Other", ODEON_NOTE_TYPE, "abc", 3);
    put_odeon_note(&f, &at, "abi=1.0 components=layer/a");
    elf_info info;
    assert_int_equal(check(&f, &info), ODEON_OK);
    assert_string_equal(info.build_id, "01af");
}

static void test_notes_out_of_their_segment_are_refused(void **state)
{
    (void)state;
    const Elf64_Nhdr name_too_long = {0xffffffffu, 0, 1}, text_too_long = {4, 0xffffffffu, 1};
    made_file f = make_plugin();
    memcpy(f.data + NOTES_AT, &name_too_long, sizeof name_too_long);
    assert_refused(&f, "notes are damaged");
    f = make_plugin();
    memcpy(f.data + NOTES_AT, &text_too_long, sizeof text_too_long);
    assert_refused(&f, "notes are damaged");
    f = make_plugin();
    f.notes.p_filesz += 4; /* too little for another note */
    assert_refused(&f, "notes are damaged");
}

static void test_build_id_of_any_length_is_read(void **state)
{
    (void)state;
    char id[100];
    memset(id, 0x5a, sizeof id);
    made_file f = make_file();
    size_t at = 0;
    put_note(&f, &at, "GNU", NT_GNU_BUILD_ID, id, sizeof id);
    put_odeon_note(&f, &at, "abi=1.0 components=layer/a");
    elf_info info;
    assert_int_equal(check(&f, &info), ODEON_OK);
    assert_int_equal(strlen(info.build_id), 2 * ELF_BUILD_ID_BYTES);
}

static void test_note_text_is_read_strictly(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "abi=",
        "abi=1",
        "abi=1.",
        "abi=1.0",
        "abi=-1.0 components=a",
        "abi= 1.0 components=a",
        "abi=1.+0 components=a",
        "abi=12345.0 components=",
        "api=1.0 components=a",
        "abi=1.0 components=a b",
        "abi=1.0  components=a",
        "abi=1.0 components=\x1b[31m",
        "abi=1.0 layouts=0a.1b",
        "abi=1.0 layouts=0a\t1b components=a",
        "abi=1.0 layouts= 0a components=a",
        "abi=1.0 components=a layouts=0a",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        made_file f = make_file();
        size_t at = 0;
        put_odeon_note(&f, &at, wrong[i]);
        assert_refused(&f, "cannot be read");
    }
    made_file f = make_file();
    size_t at = 0;
    put_odeon_note(&f, &at, "abi=12.345 layouts=0a.1b components=layer/a,layer/b");
    elf_info info;
    assert_int_equal(check(&f, &info), ODEON_OK);
    assert_string_equal(info.layouts, "0a.1b");
    assert_string_equal(info.components, "layer/a,layer/b");
    assert_int_equal(info.abi_major, 12);
    assert_int_equal(info.abi_minor, 345);
}

static void test_note_text_of_any_length_has_an_end(void **state)
{
    (void)state;
    char text[228];
    memset(text, 'a', sizeof text);
    memcpy(text, "abi=1.0 components=", 19);
    made_file f = make_file();
    size_t at = 0;
    put_note(&f, &at, ODEON_NOTE_OWNER, ODEON_NOTE_TYPE, text, sizeof text);
    assert_refused(&f, "no end");
    f = make_file();
    at = 0;
    put_note(&f, &at, ODEON_NOTE_OWNER, ODEON_NOTE_TYPE, "", 0);
    assert_refused(&f, "wrong size");
    f = make_file();
    at = 0;
    put_note(&f, &at, ODEON_NOTE_OWNER, ODEON_NOTE_TYPE, "abi=1.0 components=a", 21);
    elf_info info;
    assert_int_equal(check(&f, &info), ODEON_OK);
    assert_string_equal(info.components, "a");
    assert_string_equal(info.layouts, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plugin_of_the_build_is_accepted),
        cmocka_unit_test(test_the_word_for_its_own_folder_is_found_anywhere),
        cmocka_unit_test(test_every_truncation_within_a_segment_is_refused),
        cmocka_unit_test(test_flipped_header_bytes_never_lead_astray),
        cmocka_unit_test(test_made_file_is_accepted),
        cmocka_unit_test(test_unaligned_memory_is_read),
        cmocka_unit_test(test_header_of_another_sort_is_refused),
        cmocka_unit_test(test_program_headers_out_of_the_file_are_refused),
        cmocka_unit_test(test_segments_out_of_the_file_are_refused),
        cmocka_unit_test(test_missing_or_damaged_dynamic_segment_is_refused),
        cmocka_unit_test(test_one_odeon_note_is_demanded),
        cmocka_unit_test(test_notes_of_others_are_passed_over),
        cmocka_unit_test(test_notes_out_of_their_segment_are_refused),
        cmocka_unit_test(test_build_id_of_any_length_is_read),
        cmocka_unit_test(test_note_text_is_read_strictly),
        cmocka_unit_test(test_note_text_of_any_length_has_an_end),
    };
    return cmocka_run_group_tests_name("elf_check", tests, NULL, NULL);
}
