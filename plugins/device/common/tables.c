#include "tables.h"

#include <string.h>

const void *device_table_find(const device_table *tables, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(id, tables[i].id) == 0) {
            return tables[i].table;
        }
    }
    return NULL;
}
