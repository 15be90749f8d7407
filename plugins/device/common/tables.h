/* tables.h: what a device gives by id: its families and extensions. */
#ifndef ODEON_DEVICE_TABLES_H
#define ODEON_DEVICE_TABLES_H
#include "odeon/device.h"

typedef struct device_table {
    const char *id;
    const void *table;
} device_table;

/* The table of id among n, or NULL. */
const void *device_table_find(const device_table *tables, size_t n, const char *id);

#endif
