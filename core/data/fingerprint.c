#include "data/fingerprint.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

/* Bytes of samples that are read in all, and at once. */
static const int64_t most_bytes = INT64_C(256) << 20, chunk_bytes = INT64_C(1) << 20;

/* A word at a time, as every change of one word changes the sum. The rotation keeps a change of the
 * highest bit, which a product leaves where it is, from cancelling the next one there. */
static uint64_t add_word(uint64_t sum, uint64_t word)
{
    static const uint64_t prime = UINT64_C(0x9e3779b97f4a7c15);
    sum ^= word;
    return (sum << 29 | sum >> 35) * prime;
}

/* The rest of less than a word is filled with zeros. How long it was follows from the shapes, which
 * are in the sum. */
static uint64_t add_bytes(uint64_t sum, const void *data, uint64_t bytes)
{
    const char *p = data;
    uint64_t word;
    for (; bytes >= sizeof word; bytes -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        sum = add_word(sum, word);
    }
    word = 0;
    memcpy(&word, p, bytes);
    return add_word(sum, word);
}

/* Numbers of the fingerprint's own: checkpoints keep sums that were made with them. */
static uint64_t dtype_number(uint32_t dtype)
{
    switch (dtype) {
    case ODEON_DTYPE_F32:
        return 1;
    case ODEON_DTYPE_F64:
        return 2;
    case ODEON_DTYPE_U8:
        return 3;
    case ODEON_DTYPE_I64:
        return 4;
    default:
        return dtype;
    }
}

/* Whatever makes the same bytes mean other numbers or another task. */
static uint64_t add_field(uint64_t sum, const odeon_field_info *field)
{
    sum = add_word(sum, dtype_number(field->dtype));
    sum = add_word(sum, (uint64_t)field->classes);
    for (int32_t i = 0; i < field->ndim; i++) {
        sum = add_word(sum, (uint64_t)field->dim[i]);
    }
    return sum;
}

/* The samples to read, among those in use. */
typedef struct selection {
    const data_source *source;
    const int64_t *order; /* of the samples in use */
    int64_t length, count;
} selection;

/* The first and the last are always among them. */
static int64_t sample_at(const selection *w, int64_t k)
{
    if (w->count == w->length) {
        return w->order[k];
    }
    double share = w->count > 1 ? (double)k / (double)(w->count - 1) : 0.0;
    return w->order[(int64_t)(share * (double)(w->length - 1))];
}

/* Memory for so many samples: fields[role], and the indices. */
typedef struct chunk {
    int64_t n;
    int64_t *indices;
    void *fields[DATA_ROLES];
} chunk;

/* False without memory; chunk_fini then frees what there is. */
static bool chunk_init(const data_fields *fields, int64_t n, chunk *out)
{
    *out = (chunk){.n = n, .indices = mem_zalloc((size_t)n, sizeof *out->indices)};
    bool complete = out->indices != NULL;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(fields, role)) {
            out->fields[role] = mem_zalloc((size_t)n, data_field_bytes(fields, role));
            complete = complete && out->fields[role] != NULL;
        }
    }
    return complete;
}

/* Members that were not allocated are NULL. */
static void chunk_fini(chunk *c)
{
    mem_free(c->indices);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(c->fields[role]);
    }
}

/* In the order of the selection and a chunk at a time, so that memory is bounded. Within a chunk
 * the fields follow one another: the sum depends on the size of a chunk, which therefore must stay
 * as it is. */
static odeon_status add_samples(const selection *w, chunk *c, uint64_t *sum)
{
    const data_fields *fields = data_source_fields(w->source);
    for (int64_t first = 0; first < w->count; first += c->n) {
        int64_t n = w->count - first < c->n ? w->count - first : c->n;
        for (int64_t i = 0; i < n; i++) {
            c->indices[i] = sample_at(w, first + i);
        }
        ODEON_TRY(data_batch(w->source, n, c->indices, c->fields));
        for (int32_t role = 0; role < DATA_ROLES; role++) {
            if (data_has(fields, role)) {
                *sum =
                    add_bytes(*sum, c->fields[role], (uint64_t)n * data_field_bytes(fields, role));
            }
        }
    }
    return ODEON_OK;
}

/* At least two samples are read however large one is, and at least one makes a chunk. */
static odeon_status add_all(const data_source *source, int64_t *order, uint64_t *sum)
{
    const data_fields *fields = data_source_fields(source);
    selection w = {.source = source, .order = order, .length = data_length(source)};
    int64_t bytes = 0;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(fields, role)) {
            *sum = add_field(add_word(*sum, (uint64_t)role), &fields->of[role]);
            bytes += (int64_t)data_field_bytes(fields, role);
        }
    }
    int64_t most = most_bytes / bytes > 2 ? most_bytes / bytes : 2;
    int64_t at_once = chunk_bytes / bytes > 1 ? chunk_bytes / bytes : 1;
    w.count = w.length < most ? w.length : most;
    data_in_use(source, order);
    chunk c;
    odeon_status status = chunk_init(fields, at_once < w.count ? at_once : w.count, &c)
                              ? add_samples(&w, &c, sum)
                              : diag_fail(ODEON_ERR_NOMEM, "data: no memory to look at samples");
    chunk_fini(&c);
    return status;
}

/* The upper half is folded in and the sign dropped, as checkpoints hold the number as an int64 that
 * is not negative. */
odeon_status data_fingerprint(const data_source *source, int64_t *out)
{
    uint64_t sum = add_word(0, (uint64_t)data_length(source));
    int64_t *order = mem_zalloc((size_t)data_length(source), sizeof *order);
    odeon_status status = order != NULL
                              ? add_all(source, order, &sum)
                              : diag_fail(ODEON_ERR_NOMEM, "data: no memory to look at samples");
    mem_free(order);
    *out = (int64_t)((sum ^ sum >> 32) & INT64_MAX);
    return status;
}
