#include "operators.h"

#include <assert.h>
#include <string.h>

#include "cpu.h"
#include "odeon/device_solver.h"

#define RUN(family, name, ...)                                                                     \
    static odeon_status run_##name(odeon_queue *cpu, const void *call)                             \
    {                                                                                              \
        return cpu_##family.name(cpu, call);                                                       \
    }
ALL_OPERATORS(RUN)

#define ROW(family, name, ...)                                                                     \
    [OPERATOR_##name] = {#name, sizeof(odeon_##name), run_##name, {__VA_ARGS__}},
const call_operator call_operators[OPERATOR_COUNT] = {ALL_OPERATORS(ROW)};

/* Room for the structure itself and for a control and its coefficients, which go with one list. */
static_assert(CALL_BYTES >= (int)(sizeof(odeon_select) +
                                  2 * ODEON_MAX_STAGES * (sizeof(odeon_view) + sizeof(void *))),
              "two lists fit a call");
static_assert(CALL_BYTES >=
                  (int)(sizeof(odeon_error_sum) + sizeof(odeon_control) + 2 * sizeof(odeon_view) +
                        ODEON_MAX_STAGES *
                            (sizeof(odeon_view) + sizeof(void *) + sizeof(odeon_scalar))),
              "the terms of an error fit a call");

void *call_address(const void *call, size_t at)
{
    void *address;
    memcpy(&address, (const char *)call + at, sizeof address);
    return address;
}

void call_set_address(void *call, size_t at, const void *address)
{
    memcpy((char *)call + at, &address, sizeof address);
}

int32_t call_count(const call_field *field, const void *call)
{
    int32_t n;
    if (field->most == 0) {
        return 1;
    }
    memcpy(&n, (const char *)call + field->n_at, sizeof n);
    return n < 0 ? 0 : n > field->most ? field->most : n;
}

/* A list's addresses, which call_open sets, and behind them what they point to. */
static size_t pack_list(const void *list, int32_t n, unsigned char *to)
{
    size_t addresses = (size_t)n * sizeof(void *);
    for (int32_t i = 0; i < n; i++) {
        const void *view = call_address(list, (size_t)i * sizeof(void *));
        memcpy(to + addresses + (size_t)i * sizeof(odeon_view), view, sizeof(odeon_view));
    }
    return addresses + (size_t)n * sizeof(odeon_view);
}

static void open_list(unsigned char *list, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const unsigned char *view =
            list + (size_t)n * sizeof(void *) + (size_t)i * sizeof(odeon_view);
        call_set_address(list, (size_t)i * sizeof(void *), view);
    }
}

size_t call_pack(const call_operator *op, const void *call, void *packed)
{
    unsigned char *begin = packed, *end = begin + op->bytes;
    memcpy(begin, call, op->bytes);
    for (const call_field *f = op->fields; f->kind != FIELD_END; f++) {
        const void *from = call_address(call, f->at);
        int32_t n = call_count(f, call);
        if (f->bytes == 0 || from == NULL) {
            continue;
        }
        if (f->kind == FIELD_LIST) {
            end += pack_list(from, n, end);
        } else {
            memcpy(end, from, (size_t)n * f->bytes);
            end += (size_t)n * f->bytes;
        }
    }
    return (size_t)(end - begin);
}

void call_open(const call_operator *op, void *packed)
{
    unsigned char *end = (unsigned char *)packed + op->bytes;
    for (const call_field *f = op->fields; f->kind != FIELD_END; f++) {
        int32_t n = call_count(f, packed);
        if (f->bytes == 0 || call_address(packed, f->at) == NULL) {
            continue;
        }
        call_set_address(packed, f->at, end);
        if (f->kind == FIELD_LIST) {
            open_list(end, n);
            end += (size_t)n * sizeof(void *);
        }
        end += (size_t)n * f->bytes;
    }
}
