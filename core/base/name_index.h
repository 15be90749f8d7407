/* name_index.h: a hash table from names to numbers. */
#ifndef ODEON_CORE_BASE_NAME_INDEX_H
#define ODEON_CORE_BASE_NAME_INDEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_INDEX_NONE SIZE_MAX

/* Starts as {0}. Names are borrowed and must outlive the index. */
typedef struct name_index {
    size_t n, capacity;
    struct name_index_slot *slots;
} name_index;

/* Maps name, which must not be in the index yet, to number. Returns false without memory; the index
 * is then unchanged. */
bool name_index_add(name_index *index, const char *name, size_t number);
size_t name_index_find(const name_index *index, const char *name); /* NAME_INDEX_NONE: not found */
void name_index_fini(name_index *index);

#endif
