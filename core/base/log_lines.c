#include "base/log_lines.h"

#include <stdatomic.h>

static atomic_ulong lines;

void log_lines_add(void)
{
    atomic_fetch_add(&lines, 1);
}

unsigned long log_lines(void)
{
    return atomic_load(&lines);
}
