#include "plugin/elf_check.h"

#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Any bytes may come: an interrupted download, another machine's plugin, a file made to harm.
 * Nothing is read before it is known to lie within the file, sizes are compared by subtraction,
 * which cannot wrap, and structures are copied out, since offsets need not be aligned. */

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { MACHINE = EM_RISCV };
#elif defined(__powerpc64__)
enum { MACHINE = EM_PPC64 };
#else
#error "which e_machine do shared objects of this machine have?"
#endif

/* A file under examination, and what has been found in it so far. */
typedef struct elf_walk {
    const unsigned char *data;
    uint64_t bytes;
    elf_info *out;
    int loads, dynamics, odeon_notes;
} elf_walk;

static odeon_status refuse(elf_info *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static odeon_status refuse(elf_info *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out->reason, sizeof out->reason, format, arguments);
    va_end(arguments);
    return ODEON_ERR_PLUGIN;
}

/* Does [offset, offset + length) lie within [0, bytes)? Nothing here can wrap around. */
static bool within(uint64_t offset, uint64_t length, uint64_t bytes)
{
    return offset <= bytes && length <= bytes - offset;
}

/* Tables of sections are not looked at: a loader goes by segments alone, and a stripped file has
 * no sections. */
static odeon_status check_header(const Elf64_Ehdr *header, const elf_walk *walk)
{
    const unsigned char *ident = header->e_ident;
    if (memcmp(ident, ELFMAG, SELFMAG) != 0) {
        return refuse(walk->out, "it is no ELF file");
    }
    if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB ||
        ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT) {
        return refuse(walk->out, "it is no 64-bit little-endian ELF file");
    }
    if (header->e_machine != MACHINE) {
        return refuse(walk->out, "it is for another machine (e_machine %d, expected %d)",
                      header->e_machine, MACHINE);
    }
    if (header->e_type != ET_DYN) {
        return refuse(walk->out, "it is no shared object (e_type %d, expected %d)", header->e_type,
                      ET_DYN);
    }
    if (header->e_ehsize != sizeof(Elf64_Ehdr) || header->e_phentsize != sizeof(Elf64_Phdr) ||
        header->e_phnum == 0 || header->e_phnum == PN_XNUM ||
        !within(header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr), walk->bytes)) {
        return refuse(walk->out, "its program headers are damaged or cut off");
    }
    return ODEON_OK;
}

/* One to four digits. */
static const char *read_number(const char *c, int32_t *out)
{
    const char *first = c;
    *out = 0;
    while (*c >= '0' && *c <= '9' && c - first < 4) {
        *out = 10 * *out + (*c++ - '0');
    }
    return c > first ? c : NULL;
}

/* Skips word; NULL if c is NULL or does not start with it. */
static const char *read_word(const char *c, const char *word)
{
    return c != NULL && strncmp(c, word, strlen(word)) == 0 ? c + strlen(word) : NULL;
}

/* The note is printed and split at blanks and commas, so nothing else that is special may stand in
 * it. */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

/* "LAYOUTS components=...": the word up to the blank; what comes behind it. NULL: not so. */
static const char *read_layouts(const char *c, elf_info *out)
{
    size_t n = strcspn(c, " ");
    memcpy(out->layouts, c, n);
    out->layouts[n] = '\0';
    return is_plain(out->layouts) ? c + n : NULL;
}

/* "abi=1.0 layouts=... components=layer/a,layer/b", then zeros, as many as there are. */
static odeon_status read_odeon_note(const unsigned char *text, uint64_t bytes, elf_info *out)
{
    char line[ELF_NOTE_BYTES];
    if (bytes == 0 || bytes > sizeof line || text[bytes - 1] != '\0') {
        return refuse(out, "its Odeon note has the wrong size or no end");
    }
    memcpy(line, text, bytes);
    const char *c = read_word(line, "abi=");
    c = c != NULL ? read_number(c, &out->abi_major) : NULL;
    c = read_word(c, ".");
    c = c != NULL ? read_number(c, &out->abi_minor) : NULL;
    const char *layouts = read_word(c, " layouts=");
    c = layouts != NULL ? read_layouts(layouts, out) : c;
    c = read_word(c, " components=");
    if (c == NULL || !is_plain(c)) {
        return refuse(out, "its Odeon note cannot be read");
    }
    memcpy(out->components, c, strlen(c) + 1);
    return ODEON_OK;
}

/* Longer ones are cut: a name for the build is wanted, no more. */
static void read_build_id(const unsigned char *id, uint64_t bytes, elf_info *out)
{
    static const char digit[] = "0123456789abcdef";
    uint64_t n = bytes < ELF_BUILD_ID_BYTES ? bytes : ELF_BUILD_ID_BYTES;
    for (uint64_t i = 0; i < n; i++) {
        out->build_id[2 * i] = digit[id[i] >> 4];
        out->build_id[2 * i + 1] = digit[id[i] & 15];
    }
    out->build_id[2 * n] = '\0';
}

/* Notes of others, compilers' and linkers', stand in the same segments and are passed over. */
static odeon_status read_note(elf_walk *walk, const Elf64_Nhdr *note, const unsigned char *name,
                              const unsigned char *text)
{
    static const char owner[] = ODEON_NOTE_OWNER, gnu[] = ELF_NOTE_GNU;
    if (note->n_namesz == sizeof gnu && memcmp(name, gnu, sizeof gnu) == 0) {
        if (note->n_type == NT_GNU_BUILD_ID) {
            read_build_id(text, note->n_descsz, walk->out);
        }
        return ODEON_OK;
    }
    if (note->n_namesz != sizeof owner || memcmp(name, owner, sizeof owner) != 0 ||
        note->n_type != ODEON_NOTE_TYPE) {
        return ODEON_OK;
    }
    walk->odeon_notes++;
    return read_odeon_note(text, note->n_descsz, walk->out);
}

/* alignment is a power of two. */
static uint64_t align_up(uint64_t at, uint64_t alignment)
{
    return (at + alignment - 1) & ~(alignment - 1);
}

/* Sizes of a note are 32 bits and a segment lies in the file, so that sums of them cannot wrap. */
static odeon_status read_notes(elf_walk *walk, const Elf64_Phdr *segment)
{
    uint64_t alignment = segment->p_align == 8 ? 8 : 4, at = 0;
    const unsigned char *base = walk->data + segment->p_offset;
    while (at < segment->p_filesz) {
        Elf64_Nhdr note;
        if (!within(at, sizeof note, segment->p_filesz)) {
            return refuse(walk->out, "its notes are damaged");
        }
        memcpy(&note, base + at, sizeof note);
        uint64_t name = at + sizeof note;
        uint64_t text = at + align_up(sizeof note + (uint64_t)note.n_namesz, alignment);
        if (!within(name, note.n_namesz, segment->p_filesz) ||
            !within(text, note.n_descsz, segment->p_filesz)) {
            return refuse(walk->out, "its notes are damaged");
        }
        ODEON_TRY(read_note(walk, &note, base + name, base + text));
        at = align_up(text + note.n_descsz, alignment);
    }
    return ODEON_OK;
}

/* Each must lie in the file: the loader maps it without asking, and a page beyond the end of a
 * file is SIGBUS when it is touched. */
static odeon_status check_segment(elf_walk *walk, const Elf64_Phdr *segment)
{
    if (segment->p_type == PT_NULL) {
        return ODEON_OK;
    }
    if (!within(segment->p_offset, segment->p_filesz, walk->bytes)) {
        return refuse(walk->out,
                      "it is cut off: a segment ends at byte %llu + %llu, the file at %llu",
                      (unsigned long long)segment->p_offset, (unsigned long long)segment->p_filesz,
                      (unsigned long long)walk->bytes);
    }
    if (segment->p_type == PT_LOAD) {
        if (segment->p_filesz > segment->p_memsz) {
            return refuse(walk->out, "a segment of it is larger in the file than in memory");
        }
        walk->loads++;
    } else if (segment->p_type == PT_DYNAMIC) {
        if (segment->p_filesz == 0 || segment->p_filesz % sizeof(Elf64_Dyn) != 0) {
            return refuse(walk->out, "its dynamic segment is damaged");
        }
        walk->dynamics++;
    } else if (segment->p_type == PT_NOTE) {
        return read_notes(walk, segment);
    }
    return ODEON_OK;
}

/* Does word lie in data, with its R at p? */
static bool lies_at(const char *data, uint64_t bytes, const char *p, const char *word)
{
    uint64_t before = (uint64_t)(strchr(word, 'R') - word), length = strlen(word);
    uint64_t at = (uint64_t)(p - data);
    return at >= before && within(at - before, length, bytes) &&
           memcmp(p - before, word, length) == 0;
}

/* Does it name its own folder, as paths of libraries that it needs do? Looked for anywhere: whoever
 * says so elsewhere is loaded by name for nothing. Files of megabytes are read at every start, so
 * this goes from one R to the next, the byte of the word that is rarest in code. */
static bool names_origin(const char *data, uint64_t bytes)
{
    const char *end = data + bytes;
    for (const char *p = memchr(data, 'R', bytes); p != NULL;
         p = memchr(p + 1, 'R', (size_t)(end - p - 1))) {
        if (lies_at(data, bytes, p, "$ORIGIN") || lies_at(data, bytes, p, "${ORIGIN}")) {
            return true;
        }
    }
    return false;
}

/* Everything that is looked for is known to be there when this answers that it is a plugin: one
 * note, one dynamic segment, all segments whole. */
odeon_status elf_check(const void *data, uint64_t bytes, elf_info *out)
{
    memset(out, 0, sizeof *out);
    elf_walk walk = {.data = data, .bytes = bytes, .out = out};
    Elf64_Ehdr header;
    if (bytes < sizeof header) {
        return refuse(out, "it is no ELF file: only %llu bytes", (unsigned long long)bytes);
    }
    memcpy(&header, data, sizeof header);
    ODEON_TRY(check_header(&header, &walk));
    for (uint64_t i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, walk.data + header.e_phoff + i * sizeof segment, sizeof segment);
        ODEON_TRY(check_segment(&walk, &segment));
    }
    if (walk.loads == 0 || walk.dynamics != 1) {
        return refuse(out, "it is no shared object: it has no dynamic segment");
    }
    if (walk.odeon_notes != 1) {
        return refuse(out, walk.odeon_notes == 0
                               ? "it is no Odeon plugin: it lacks the note of ODEON_PLUGIN_NOTE"
                               : "it has more than one Odeon note");
    }
    out->by_origin = names_origin(data, bytes);
    return ODEON_OK;
}
