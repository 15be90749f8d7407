#include "base/name_index.h"

#include <string.h>

#include "base/checksum.h"
#include "base/mem.h"

/* Open addressing: a name lies in the first free slot from the one that its hash says. */
struct name_index_slot {
    const char *name; /* NULL: free */
    size_t number;
};

static size_t place_of(const name_index *index, const char *name)
{
    uint64_t hash = checksum_add(CHECKSUM_START, name, strlen(name));
    size_t at = (size_t)((hash ^ (hash >> 32)) & (index->capacity - 1)); /* a power of two */
    while (index->slots[at].name != NULL && strcmp(index->slots[at].name, name) != 0) {
        at = (at + 1) & (index->capacity - 1);
    }
    return at;
}

/* At most half of the slots are taken, so that a search ends soon. */
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

bool name_index_add(name_index *index, const char *name, size_t number)
{
    if (2 * index->n >= index->capacity && !grow(index)) {
        return false;
    }
    index->slots[place_of(index, name)] = (struct name_index_slot){.name = name, .number = number};
    index->n++;
    return true;
}

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
