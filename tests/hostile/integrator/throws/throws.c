/* Lets a C++ exception out of its init. */
#define HOSTILE_ID   "throws"
#define HOSTILE_INIT throw_one
#include <stddef.h>

#include "odeon/host.h"

/* Of the C++ runtime: Itanium C++ ABI, 2.4. */
extern const void *const type_of_int __asm__("_ZTIi");
void *allocate_exception(size_t bytes) __asm__("__cxa_allocate_exception");
_Noreturn void throw_exception(void *exception, const void *type,
                               void (*destroy)(void *)) __asm__("__cxa_throw");

static odeon_status throw_one(const odeon_host *host)
{
    (void)host;
    throw_exception(allocate_exception(sizeof(int)), &type_of_int, NULL);
}

#include "../common/hostile.h"
