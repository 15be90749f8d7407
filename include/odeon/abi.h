/* abi.h: what every structure and every plugin of the Odeon ABI has in common.
 *
 * Frozen at 1.0, as are status.h, tensor.h, option.h, host.h and plugin.h, which belong to every
 * plugin. What an interface is says the head of its header: "Frozen at" a version, or "Draft" with
 * what has to be seen before it is frozen. A draft may change with any minor version, and has a
 * layout number (layouts.h) that changes with it; a plugin says which it was built with, and the
 * host refuses another before it runs anything of the plugin. What is frozen changes by appended
 * fields and slots, new enumerators and bits, and new ids of tables, each with a higher minor.
 *
 * Rules that hold for all headers of this folder
 * - Plain C data only: fixed-width integers, double, float, pointers, pointers to functions. No
 *   bool, enum, long, bit-field or union inside a structure, no hidden padding, no #if.
 * - A structure that may grow starts with struct_size, the sizeof of whoever filled it in. Fields
 *   are appended, never moved or removed. Read a field only where ODEON_HAS says that it is there.
 *   One without struct_size is final: it never changes, and so may be embedded, stand in arrays and
 *   be returned by value.
 * - Fields named reserved are zero, and bits of flags without a name are clear, in tables, in calls
 *   and in what is filled in at run time: whoever reads one that is not refuses it, so that a later
 *   minor can give it a meaning.
 * - MUST UNDERSTAND. Of flags that are unknown in a structure that is frozen bits 0 to 15 may be
 *   ignored: the result is then right, but may cost more. Bits 16 to 31 must be understood: who
 *   does not know one refuses the structure (ODEON_MUST_UNDERSTAND). A field appended later without
 *   which the result would differ comes with such a bit, set whenever the field is not 0. In a
 *   draft every unknown bit is refused, as it is in the calls of device operators.
 * - Strings are UTF-8 and end in NUL. Pointers passed to a call are borrowed for that call unless
 *   the comment at the slot says longer.
 * - Whoever allocates frees. A plugin takes long-lived memory from its host (host.h).
 * - Nothing unwinds across a call: no longjmp, no C++ exception, no exit, no abort.
 * - The process is the host's: a plugin leaves floating-point modes, locale, working directory,
 *   signal handlers and standard output as they are.
 *
 * Tags, one at every slot: [thread; how often]. A tag holds for the slots below it up to the next
 * comment.
 *   main        the thread that started the host, before or after all work, never twice at a time
 *   worker      the thread that owns the instance (or queue); calls on one instance never overlap
 *   any         any thread, calls may overlap
 * and, from seldom to often, what a slot is called in, each time perhaps more than once
 *   load        the life of a loaded plugin: its beginning and its end
 *   build       making, planning and taking apart of a configuration or a model, also for a batch
 *               of a size that is new
 *   run         a run: its beginning or its end
 *   epoch       a pass over the data
 *   batch       a batch: its samples, forward, backward
 *   update      a step of the optimizer
 *   solve       a solve of an ODE, forward or backward
 *   step        a step of a solver, accepted or not
 *   evaluation  an evaluation of a layer or a field
 */
#ifndef ODEON_ABI_H
#define ODEON_ABI_H
#include <stddef.h>
#include <stdint.h>

#include "odeon/layouts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Equal majors work together. A plugin names the least minor of the host that it can live with;
 * afterwards both sides use the lower of their two minors, never the one they were built with. */
#define ODEON_ABI_MAJOR 1
#define ODEON_ABI_MINOR 1

/* First word of the plugin root: 'O' 'D' 'E' 'N' in memory order on little-endian machines. */
#define ODEON_MAGIC 0x4e45444fu

/* Of flags those bits that whoever knows `known` has to refuse. */
#define ODEON_MUST_UNDERSTAND(flags, known) ((flags) & ~(uint32_t)(known)&UINT32_C(0xffff0000))

/* A structure's size up to and including one field, and whether a filled-in structure reaches that
 * far and has something there (field is a pointer or a pointer to a function). */
#define ODEON_SIZE_THROUGH(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))
#define ODEON_HAS(pointer, type, field)                                                            \
    ((pointer)->struct_size >= ODEON_SIZE_THROUGH(type, field) && (pointer)->field != NULL)

/* The one symbol of a plugin is exported with this; everything else stays hidden. */
#ifdef __cplusplus
#define ODEON_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define ODEON_EXPORT extern __attribute__((visibility("default")))
#endif

/* An ELF note, readable without loading the file: owner "Odeon", type 1, and a text such as
 * "abi=1.0 layouts=... components=layer/dense,integrator/tsit5:tableau", then NULs. The components
 * are KIND/ID separated by commas, with the interface where that has another name than the kind
 * (plugin.h); the layouts are ODEON_LAYOUTS. Of any length up to 4096 bytes. */
#define ODEON_NOTE_OWNER "Odeon"
#define ODEON_NOTE_TYPE  1u

#define ODEON_TEXT_(x) #x
#define ODEON_TEXT(x)  ODEON_TEXT_(x)

/* clang's AddressSanitizer would put a red zone behind the note, and so into its section. */
#ifdef __clang__
#define ODEON_NOTE_EXACT_ __attribute__((no_sanitize("address")))
#else
#define ODEON_NOTE_EXACT_
#endif

/* Stands once in a plugin: ODEON_PLUGIN_NOTE("integrator/tsit5:tableau"); */
#define ODEON_PLUGIN_NOTE(components)                                                              \
    ODEON_NOTE_OF_("abi=" ODEON_TEXT(ODEON_ABI_MAJOR) "." ODEON_TEXT(                              \
        ODEON_ABI_MINOR) " layouts=" ODEON_LAYOUTS " components=" components)
#define ODEON_NOTE_OF_(line)                                                                       \
    ODEON_NOTE_EXACT_                                                                              \
    __attribute__((section(".note.odeon"), used, aligned(4))) static const struct {                \
        uint32_t owner_bytes, text_bytes, type;                                                    \
        char owner[8]; /* padded as the ELF format asks, and so is the text */                     \
        char text[(sizeof(line) + 3) / 4 * 4];                                                     \
    } odeon_plugin_note = {6u, (uint32_t)((sizeof(line) + 3) / 4 * 4), ODEON_NOTE_TYPE,            \
                           ODEON_NOTE_OWNER, line}

#ifdef __cplusplus
}
#endif
#endif
