/* name_index.h: which number belongs to a name, found without going through all of them. */
#ifndef ODEON_CORE_BASE_NAME_INDEX_H
#define ODEON_CORE_BASE_NAME_INDEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_INDEX_NONE SIZE_MAX

/* {0} is an empty one. */
typedef struct name_index {
    size_t n, capacity;
    struct name_index_slot *slots;
} name_index;

/* name, which has to live as long as the index and is not in it yet, gets number. false: no memory,
 * and nothing has changed. */
bool name_index_add(name_index *index, const char *name, size_t number);
size_t name_index_find(const name_index *index, const char *name); /* NAME_INDEX_NONE: not there */
void name_index_fini(name_index *index);

#endif
