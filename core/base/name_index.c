#include "base/name_index.h"

#include <string.h>

#include "base/checksum.h"
#include "base/mem.h"

/* Open addressing with linear probing: a name is in the first slot, counted from its hash, that is
 * free or holds it. */
struct name_index_slot {
    const char *name; /* NULL: free */
    size_t number;
};

/* The slot that holds name, or the free one where it belongs. Ends because grow keeps at least half
 * of the slots free. */
static size_t place_of(const name_index *index, const char *name)
{
    uint64_t hash = checksum_add(CHECKSUM_START, name, strlen(name));
    /* capacity is a power of two */
    size_t at = (size_t)((hash ^ (hash >> 32)) & (index->capacity - 1));
    while (index->slots[at].name != NULL && strcmp(index->slots[at].name, name) != 0) {
        at = (at + 1) & (index->capacity - 1);
    }
    return at;
}

/* Doubles the table. At most half of the slots are ever in use, which keeps probing short. */
static bool grow(name_index *index)
{
    name_index larger = {.n = index->n, .capacity = index->capacity > 0 ? 2 * index->capacity : 64};
    larger.slots = mem_zalloc(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < index->capacity; i++) {
        const struct name_index_slot *slot = &index->slots[i];
        if (slot->name != NULL) {
            larger.slots[place_of(&larger, slot->name)] = *slot;
        }
    }
    mem_free(index->slots);
    *index = larger;
    return true;
}

/* Grows before it adds, at half full, so that place_of always finds a free slot. */
bool name_index_add(name_index *index, const char *name, size_t number)
{
    if (2 * index->n >= index->capacity && !grow(index)) {
        return false;
    }
    index->slots[place_of(index, name)] = (struct name_index_slot){.name = name, .number = number};
    index->n++;
    return true;
}

/* Without names there are no slots to look into. */
size_t name_index_find(const name_index *index, const char *name)
{
    if (index->n == 0) {
        return NAME_INDEX_NONE;
    }
    const struct name_index_slot *slot = &index->slots[place_of(index, name)];
    return slot->name != NULL ? slot->number : NAME_INDEX_NONE;
}

void name_index_fini(name_index *index)
{
    mem_free(index->slots);
    *index = (name_index){.n = 0};
}
