#include "names.h"

#include <string.h>

/* A linear search: formulas have few names. */
names_entry *names_find(names *table, const scan_name *name)
{
    for (int32_t i = 0; i < table->n; i++) {
        const scan_name *known = &table->entries[i].name;
        if (known->length == name->length &&
            memcmp(known->start, name->start, (size_t)name->length) == 0) {
            return &table->entries[i];
        }
    }
    return NULL;
}

names_entry *names_add(names *table, const scan_name *name)
{
    if (table->n == NAMES_MAX) {
        return NULL;
    }
    names_entry *entry = &table->entries[table->n++];
    *entry = (names_entry){.name = *name, .value = {.at = -1}, .param = -1, .component = -1};
    return entry;
}

void names_list(const names *table, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < table->n; i++) {
        const scan_name *name = &table->entries[i].name;
        size_t needed = (size_t)name->length + 1;
        if (used + needed + 1 > bytes) {
            return;
        }
        (void)snprintf(text + used, bytes - used, " %.*s", name->length, name->start);
        used += needed;
    }
}
