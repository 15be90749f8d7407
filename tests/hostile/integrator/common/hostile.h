/* hostile.h: the plugin of Euler's method. A source that wants one thing about it wrong defines it
 * before including this. */
#ifndef ODEON_TESTS_HOSTILE_H
#define ODEON_TESTS_HOSTILE_H
#include "odeon/odeon.h"

#ifdef HOSTILE_ABI_MAJOR
#undef ODEON_ABI_MAJOR
#define ODEON_ABI_MAJOR HOSTILE_ABI_MAJOR
#endif
#ifdef HOSTILE_ABI_MINOR
#undef ODEON_ABI_MINOR
#define ODEON_ABI_MINOR HOSTILE_ABI_MINOR
#endif
#ifndef HOSTILE_MAGIC
#define HOSTILE_MAGIC ODEON_MAGIC
#endif
#ifndef HOSTILE_ROOT_MAJOR
#define HOSTILE_ROOT_MAJOR ODEON_ABI_MAJOR
#endif
#ifndef HOSTILE_NEEDS_MINOR
#define HOSTILE_NEEDS_MINOR 0
#endif
#ifndef HOSTILE_BYTES
#define HOSTILE_BYTES sizeof(odeon_component)
#endif
#ifndef HOSTILE_KIND_VERSION
#define HOSTILE_KIND_VERSION ODEON_LAYOUT_TABLEAU
#endif
#ifndef HOSTILE_RESERVED
#define HOSTILE_RESERVED 0
#endif
#ifndef HOSTILE_INTERFACE
#define HOSTILE_INTERFACE ODEON_INTERFACE_TABLEAU
#define HOSTILE_ENTRY     ODEON_ENTRY_TABLEAU(HOSTILE_ID)
#endif
#ifndef HOSTILE_ENTRY
#define HOSTILE_ENTRY ODEON_ENTRY_STEPPER(HOSTILE_ID)
#endif
#ifndef HOSTILE_SUMMARY
#define HOSTILE_SUMMARY "Euler's method"
#endif
#ifndef HOSTILE_OPTIONS
#define HOSTILE_OPTIONS NULL
#endif
#ifndef HOSTILE_ALIASES
#define HOSTILE_ALIASES NULL
#endif
#ifndef HOSTILE_OPS
#define HOSTILE_OPS &euler
static const double zero[] = {0.0}, one[] = {1.0};
static const odeon_tableau euler = {
    .struct_size = sizeof euler, .stages = 1, .order = 1, .a = zero, .b = one, .c = zero};
#endif
#ifndef HOSTILE_INIT
#define HOSTILE_INIT NULL
#endif
#ifndef HOSTILE_SHUTDOWN
#define HOSTILE_SHUTDOWN NULL
#endif

#ifndef HOSTILE_ROOT_LAYOUTS
#define HOSTILE_ROOT_LAYOUTS ODEON_LAYOUTS
#endif
/* The note's: as if other headers had been there. */
#ifdef HOSTILE_NOTE_LAYOUTS
#undef ODEON_LAYOUTS
#define ODEON_LAYOUTS HOSTILE_NOTE_LAYOUTS
#endif

/* A component as a later minor version might have it: with more at its end. */
typedef struct longer_component {
    odeon_component known;
    uint64_t later[2];
} longer_component;

static const longer_component component = {
    .known = {.struct_size = (uint32_t)(HOSTILE_BYTES),
              .kind = ODEON_KIND_INTEGRATOR,
              .interface_version = HOSTILE_KIND_VERSION,
              .interface = HOSTILE_INTERFACE,
              .id = HOSTILE_ID,
              .summary = HOSTILE_SUMMARY,
              .version = "1.0",
              .license = "MIT",
              .options = HOSTILE_OPTIONS,
              .ops = HOSTILE_OPS,
              .aliases = HOSTILE_ALIASES},
    .later = {~(uint64_t)0, ~(uint64_t)0},
};

#ifdef HOSTILE_TWICE
static const odeon_component *const components[] = {&component.known, &component.known, NULL};
#else
static const odeon_component *const components[] = {&component.known, NULL};
#endif

ODEON_PLUGIN_NOTE(HOSTILE_ENTRY);
const odeon_plugin odeon_plugin_v1 = {
    .magic = HOSTILE_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = HOSTILE_ROOT_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .host_minor_required = HOSTILE_NEEDS_MINOR,
    .reserved0 = HOSTILE_RESERVED,
    .name = HOSTILE_ID,
    .version = "1.0",
    .vendor = "Odeon's tests",
    .init = HOSTILE_INIT,
    .shutdown = HOSTILE_SHUTDOWN,
    .components = components,
    .layouts = HOSTILE_ROOT_LAYOUTS,
};
#endif
