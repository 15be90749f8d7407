/* Changes the locale, and so how numbers are read, while it is loaded. */
#define HOSTILE_ID "sets_locale"
#include <locale.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void change(void)
{
    (void)setlocale(LC_ALL, "C.UTF-8");
}
