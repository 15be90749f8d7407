#include "case_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/open.h"
#include "odeon/device_loss.h"
#include "odeon/device_solver.h"

enum { GUARD_BYTES = 64, GUARD_VALUE = 0xA5, MAX_BLOCKS = 64, NAME_BYTES = 160 };
/* In front of tensors at an offset: aligned for any number, and for no vector of them. */
enum { OFFSET_BYTES = GUARD_BYTES + 8 };

/* Device memory of one tensor: guard of run.front bytes, contents, guard. */
typedef struct case_block {
    unsigned char *device, *before; /* before: what was uploaded, on the host */
    uint64_t bytes;                 /* of the contents */
    bool kept;                      /* the contents may change */
} case_block;

typedef struct case_result {
    char name[NAME_BYTES];
    int64_t n;
    double *values;
    bool each, nonfinite;
} case_result;

struct case_run {
    support_device *d;
    const char *name;
    char variant[NAME_BYTES];
    bool nonfinite, by_offset, each_bit;
    uint64_t front;      /* bytes of a guard before the contents */
    uint64_t drawn;      /* random numbers so far */
    case_names *refused; /* NULL: calls have no flags */
    uint32_t flags;      /* of the last call */
    int32_t n_blocks;
    case_block blocks[MAX_BLOCKS];
    size_t n_results;
    case_result *results;
};

case_shape shape1(int64_t a)
{
    return (case_shape){1, {a}};
}

case_shape shape2(int64_t a, int64_t b)
{
    return (case_shape){2, {a, b}};
}

case_shape shape3(int64_t a, int64_t b, int64_t c)
{
    return (case_shape){3, {a, b, c}};
}

case_shape shape4(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return (case_shape){4, {a, b, c, d}};
}

const odeon_device *case_device(const case_run *run)
{
    return run->d->device;
}

odeon_queue *case_queue(const case_run *run)
{
    return run->d->queue;
}

uint32_t case_dtype(const case_run *run)
{
    return run->d->dtype;
}

void case_check(case_run *run, odeon_status status)
{
    if (status != ODEON_OK) {
        fail_msg("%s, %s: status %d: %s", run->name, run->variant, (int)status, diag_message());
    }
}

/* ---- calls ---- */

/* The one bit that an operator has; what it does has tests of its own. */
static bool is_known(const char *name, uint32_t flags)
{
    return strcmp(name, "softmax_cross_entropy") == 0 && flags == ODEON_CROSS_ENTROPY_WEIGHED;
}

/* All bits by turns, from the highest to the lowest, that the operator of this name does not know.
 */
uint32_t case_flags(case_run *run, const char *name)
{
    if (run->refused != NULL) {
        do {
            run->flags = run->flags >> 1 != 0 ? run->flags >> 1 : UINT32_C(1) << 31;
        } while (is_known(name, run->flags));
        diag_clear();
    }
    return run->flags;
}

static void add_name(case_names *names, const char *name)
{
    int32_t i = 0;
    while (i < names->n && strcmp(names->name[i], name) != 0) {
        i++;
    }
    if (i == CASE_NAMES) {
        fail_msg("more than %d operators", (int)CASE_NAMES);
    }
    names->name[i] = name;
    names->n += i == names->n;
}

/* One that does its work later says so to whoever waits, and nothing more of that queue's: the
 * calls that follow need another. */
static odeon_status late_answer(case_run *run)
{
    odeon_status status = case_device(run)->ops->wait(case_queue(run));
    device_queue_destroy(case_device(run), run->d->queue);
    case_check(run, device_queue_create(case_device(run), 0, &run->d->queue));
    return status;
}

bool case_done(case_run *run, const char *name, odeon_status status)
{
    if (run->refused == NULL) {
        case_check(run, status);
        return false;
    }
    char expected[NAME_BYTES];
    (void)snprintf(expected, sizeof expected, "%s: unknown flags %#x", name, (unsigned)run->flags);
    status = status == ODEON_OK ? late_answer(run) : status;
    if (status != ODEON_ERR_UNSUPPORTED || strstr(diag_message(), expected) == NULL) {
        fail_msg("%s, %s: status %d: '%s' and not '%s'", run->name, run->variant, (int)status,
                 diag_message(), expected);
    }
    add_name(run->refused, name);
    return run->each_bit && run->flags != 1; /* the last bit */
}

void case_expect_nonfinite(case_run *run)
{
    run->nonfinite = true;
}

static uint64_t drawn_from = CASE_SEED;

void case_seed(uint64_t seed)
{
    drawn_from = seed;
}

double case_number(case_run *run)
{
    return (double)(float)support_random(drawn_from, run->drawn++);
}

/* ---- blocks ---- */

static void *grab(size_t bytes)
{
    void *memory = mem_alloc(bytes);
    if (memory == NULL) {
        fail_msg("no memory for %zu bytes", bytes);
    }
    return memory;
}

static uint64_t whole_bytes(const case_run *run, uint64_t bytes)
{
    return run->front + bytes + GUARD_BYTES;
}

/* Uploads contents between guards; takes over whole, which has room for them. */
static case_block *add_block(case_run *run, unsigned char *whole, uint64_t bytes)
{
    if (run->n_blocks == MAX_BLOCKS) {
        fail_msg("%s, %s: more than %d tensors", run->name, run->variant, (int)MAX_BLOCKS);
    }
    case_block *block = &run->blocks[run->n_blocks++];
    const odeon_device *device = case_device(run);
    void *memory = NULL;
    *block = (case_block){.before = whole, .bytes = bytes};
    memset(whole, GUARD_VALUE, run->front);
    memset(whole + run->front + bytes, GUARD_VALUE, GUARD_BYTES);
    case_check(run, device->ops->alloc(device->handle, whole_bytes(run, bytes), &memory));
    block->device = memory;
    case_check(run, device->ops->upload(case_queue(run), memory, whole, whole_bytes(run, bytes)));
    return block;
}

static unsigned char *download_block(case_run *run, const case_block *block)
{
    uint64_t bytes = whole_bytes(run, block->bytes);
    unsigned char *now = grab(bytes);
    case_check(run, case_device(run)->ops->download(case_queue(run), now, block->device, bytes));
    return now;
}

/* Nothing has changed that may not. */
static bool is_untouched(const case_run *run, const case_block *block, const unsigned char *now)
{
    uint64_t begin = run->front, end = begin + block->bytes;
    return memcmp(now, block->before, begin) == 0 &&
           memcmp(now + end, block->before + end, GUARD_BYTES) == 0 &&
           (block->kept || memcmp(now + begin, block->before + begin, block->bytes) == 0);
}

static void check_block(case_run *run, int32_t index)
{
    const case_block *block = &run->blocks[index];
    unsigned char *now = download_block(run, block);
    if (is_untouched(run, block, now)) {
        mem_free(now);
        return;
    }
    for (uint64_t i = 0; i < whole_bytes(run, block->bytes); i++) {
        bool inside = i >= run->front && i < run->front + block->bytes;
        if (now[i] != block->before[i] && !(inside && block->kept)) {
            fail_msg("%s, %s: tensor %d: byte %lld of %llu was written, which %s", run->name,
                     run->variant, (int)index, (long long)i - (long long)run->front,
                     (unsigned long long)block->bytes,
                     inside ? "belongs to an input" : "lies outside");
        }
    }
    mem_free(now);
}

static void end_variant(case_run *run)
{
    for (int32_t i = 0; i < run->n_blocks; i++) {
        check_block(run, i);
    }
    for (int32_t i = 0; i < run->n_blocks; i++) {
        case_device(run)->ops->free(case_device(run)->handle, run->blocks[i].device);
        mem_free(run->blocks[i].before);
    }
    run->n_blocks = 0;
    run->nonfinite = false;
}

void case_variant(case_run *run, const char *format, ...)
{
    end_variant(run);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(run->variant, sizeof run->variant, format, arguments);
    va_end(arguments);
}

/* ---- tensors ---- */

static void put(uint32_t dtype, void *to, int64_t i, double value)
{
    switch (dtype) {
    case ODEON_DTYPE_F32:
        ((float *)to)[i] = (float)value;
        break;
    case ODEON_DTYPE_F64:
        ((double *)to)[i] = (double)(float)value;
        break;
    case ODEON_DTYPE_U8:
        ((uint8_t *)to)[i] = (uint8_t)value;
        break;
    default: /* an integer cannot be NaN: a number that no operator gives stands for it */
        ((int64_t *)to)[i] = isnan(value) ? -987654321 : (int64_t)value;
        break;
    }
}

/* values NULL: NaN. Most numbers of all tests are float32 or float64: these go without a question
 * for each. */
static void put_all(uint32_t dtype, void *to, int64_t n, const double *values)
{
    if (values != NULL && dtype == ODEON_DTYPE_F32) {
        for (int64_t i = 0; i < n; i++) {
            ((float *)to)[i] = (float)values[i];
        }
        return;
    }
    if (values != NULL && dtype == ODEON_DTYPE_F64) {
        for (int64_t i = 0; i < n; i++) {
            ((double *)to)[i] = (double)(float)values[i];
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        put(dtype, to, i, values == NULL ? (double)NAN : values[i]);
    }
}

static odeon_shape describe(uint32_t dtype, case_shape shape)
{
    odeon_shape out = {.dtype = dtype, .ndim = shape.ndim};
    memcpy(out.dim, shape.dim, sizeof out.dim);
    return out;
}

/* At the contents of a block, or at its beginning and by an offset to them. */
static odeon_tensor tensor_in(const case_run *run, const case_block *block, odeon_shape shape)
{
    odeon_tensor x = odeon_tensor_at(block->device + run->front, shape);
    if (run->by_offset) {
        x = odeon_tensor_at(block->device, shape);
        x.view.byte_offset = run->front;
    } else if (block->bytes == 0) {
        x.view.data = NULL;
    }
    return x;
}

odeon_tensor case_values_as(case_run *run, uint32_t dtype, case_shape shape, const double *values)
{
    odeon_shape full = describe(dtype, shape);
    uint64_t bytes = (uint64_t)odeon_bytes(&full);
    unsigned char *whole = grab(whole_bytes(run, bytes));
    put_all(dtype, whole + run->front, odeon_count(&full), values);
    return tensor_in(run, add_block(run, whole, bytes), full);
}

odeon_tensor case_values(case_run *run, case_shape shape, const double *values)
{
    return case_values_as(run, case_dtype(run), shape, values);
}

odeon_tensor case_output_as(case_run *run, uint32_t dtype, case_shape shape)
{
    return case_values_as(run, dtype, shape, NULL);
}

odeon_tensor case_output(case_run *run, case_shape shape)
{
    return case_output_as(run, case_dtype(run), shape);
}

static odeon_tensor between_as(case_run *run, uint32_t dtype, case_shape shape, double low,
                               double high)
{
    odeon_shape full = describe(dtype, shape);
    int64_t n = odeon_count(&full);
    double *values = grab((size_t)n * sizeof *values);
    for (int64_t i = 0; i < n; i++) {
        values[i] = low + (high - low) * 0.5 * (1.0 + case_number(run));
    }
    odeon_tensor x = case_values_as(run, dtype, shape, values);
    mem_free(values);
    return x;
}

odeon_tensor case_between(case_run *run, case_shape shape, double low, double high)
{
    return between_as(run, case_dtype(run), shape, low, high);
}

odeon_tensor case_random(case_run *run, case_shape shape)
{
    return case_between(run, shape, -1.0, 1.0);
}

odeon_tensor case_random_as(case_run *run, uint32_t dtype, case_shape shape)
{
    return between_as(run, dtype, shape, -1.0, 1.0);
}

void *case_scratch(case_run *run, uint64_t bytes)
{
    unsigned char *whole = grab(whole_bytes(run, bytes));
    memset(whole + run->front, 0xFF, bytes); /* NaN in either dtype */
    case_block *block = add_block(run, whole, bytes);
    block->kept = run->refused == NULL;
    return block->device + run->front;
}

double *case_slots(case_run *run, const double *values)
{
    unsigned char *whole = grab(whole_bytes(run, ODEON_SLOTS * sizeof *values));
    for (int32_t i = 0; i < ODEON_SLOTS; i++) {
        double value = values == NULL ? case_number(run) : values[i];
        memcpy(whole + run->front + (size_t)i * sizeof value, &value, sizeof value);
    }
    return (void *)(add_block(run, whole, ODEON_SLOTS * sizeof *values)->device + run->front);
}

/* ---- results ---- */

static case_block *block_at(case_run *run, const void *contents)
{
    for (int32_t i = 0; i < run->n_blocks; i++) {
        if (run->blocks[i].device + run->front == (const unsigned char *)contents) {
            return &run->blocks[i];
        }
    }
    fail_msg("%s, %s: not a tensor of this variant", run->name, run->variant);
    return NULL;
}

/* Takes over values. */
static void add_result(case_run *run, const char *what, int64_t n, double *values, bool each)
{
    case_result *more = mem_resize(run->results, run->n_results + 1, sizeof *more);
    if (more == NULL) {
        fail_msg("no memory for results");
        return;
    }
    run->results = more;
    case_result *result = &more[run->n_results++];
    *result = (case_result){.n = n, .values = values, .each = each, .nonfinite = run->nonfinite};
    (void)snprintf(result->name, sizeof result->name, "%s, %.100s: %.20s", run->name, run->variant,
                   what);
}

void case_keep(case_run *run, const char *what, const odeon_view *x)
{
    if (run->refused != NULL) {
        return;
    }
    int64_t n = odeon_count(&x->shape);
    if (n > 0) {
        block_at(run, odeon_read(x))->kept = true;
    }
    add_result(run, what, n, n > 0 ? support_download(run->d, x) : NULL, false);
}

void case_keep_each(case_run *run, const char *what, const odeon_view *x)
{
    case_keep(run, what, x);
    if (run->refused == NULL) {
        run->results[run->n_results - 1].each = true;
    }
}

void case_keep_slots(case_run *run, const char *what, const double *slots, int32_t first, int32_t n)
{
    if (run->refused != NULL) {
        return;
    }
    case_block *block = block_at(run, slots);
    double *values = grab((size_t)n * sizeof *values);
    case_check(run, case_device(run)->ops->slots_read(case_queue(run), slots, first, n, values));
    add_result(run, what, n, values, true);
    /* The slots that are kept may have changed; check_block is told what they are now. */
    memcpy(block->before + run->front + (size_t)first * sizeof *values, values,
           (size_t)n * sizeof *values);
}

/* ---- runs ---- */

static void execute(case_run *run, const device_case *c)
{
    c->run(run);
    end_variant(run);
    case_check(run, case_device(run)->ops->wait(case_queue(run)));
}

case_run *case_execute(const device_case *c, support_device *d)
{
    case_run *run = grab(sizeof *run);
    *run = (case_run){.d = d, .name = c->name, .front = GUARD_BYTES};
    execute(run, c);
    return run;
}

case_run *case_execute_at_offset(const device_case *c, support_device *d)
{
    case_run *run = grab(sizeof *run);
    *run = (case_run){.d = d, .name = c->name, .front = OFFSET_BYTES, .by_offset = true};
    execute(run, c);
    return run;
}

void case_refuse(const device_case *c, support_device *d, bool each_bit, case_names *refused)
{
    case_run run = {
        .d = d, .name = c->name, .each_bit = each_bit, .front = GUARD_BYTES, .refused = refused};
    execute(&run, c);
}

void case_destroy(case_run *run)
{
    for (size_t i = 0; i < run->n_results; i++) {
        mem_free(run->results[i].values);
    }
    mem_free(run->results);
    mem_free(run);
}

void case_assert_finite(const case_run *run)
{
    for (size_t k = 0; k < run->n_results; k++) {
        const case_result *result = &run->results[k];
        for (int64_t i = 0; i < result->n && !result->nonfinite; i++) {
            if (!isfinite(result->values[i])) {
                fail_msg("%s: element %lld is %g", result->name, (long long)i, result->values[i]);
            }
        }
    }
}

/* Equal, both NaN, or both finite and to be compared by distance. */
static bool same_class(double a, double b)
{
    return isnan(b) ? isnan(a) : isinf(b) ? a == b : (isfinite(a) != 0);
}

static void compare_results(const case_result *a, const case_result *b, double relative)
{
    double distance = 0.0, size = 0.0;
    for (int64_t i = 0; i < b->n; i++) {
        double x = a->values[i], y = b->values[i];
        bool finite = isfinite(y);
        if (!same_class(x, y) || (finite && b->each && fabs(x - y) > relative * fabs(y))) {
            fail_msg("%s: element %lld is %.17g, expected %.17g", b->name, (long long)i, x, y);
        }
        distance += finite ? (x - y) * (x - y) : 0.0;
        size += finite ? y * y : 0.0;
    }
    if (sqrt(distance) > relative * sqrt(size)) {
        fail_msg("%s: off by %.3g of its norm, allowed %.3g", b->name, sqrt(distance / size),
                 relative);
    }
}

void case_compare(const case_run *a, const case_run *b, double relative)
{
    assert_int_equal(a->n_results, b->n_results);
    for (size_t k = 0; k < b->n_results; k++) {
        assert_string_equal(a->results[k].name, b->results[k].name);
        assert_int_equal(a->results[k].n, b->results[k].n);
        compare_results(&a->results[k], &b->results[k], relative);
    }
}
