#include "net/params.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"

void params_fini(params *p)
{
    for (size_t i = 0; i < p->n; i++) {
        mem_free(p->list[i].path);
    }
    mem_free(p->list);
    name_index_fini(&p->by_path);
    *p = (params){0};
}

size_t params_find(const params *p, const char *path)
{
    size_t i = name_index_find(&p->by_path, path);
    return i != NAME_INDEX_NONE ? i : p->n;
}

static int same_shape(const odeon_shape *a, const odeon_shape *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, sizeof a->dim) == 0;
}

/* Offsets are counted in elements and rounded up to 64 bytes, the alignment that kernels may rely
 * on. All sums are checked, since a size may be anything that an INI multiplies up to. The order of
 * the steps leaves the list as it was when one of them fails; only its room may have grown. The
 * path is the entry's on success alone. */
static odeon_status append(params *p, char *path, const odeon_param *info, uint32_t dtype)
{
    if (p->n == p->capacity) {
        size_t capacity = p->capacity == 0 ? 32 : 2 * p->capacity;
        param *list = mem_resize(p->list, capacity, sizeof *list);
        if (list == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
        }
        p->list = list;
        p->capacity = capacity;
    }
    int64_t count = 1;
    for (int32_t i = 0; i < info->shape.ndim; i++) {
        if (info->shape.dim[i] < 0 || !checked_mul(count, info->shape.dim[i], &count)) {
            return diag_fail(ODEON_ERR_CONFIG, "%s: its size overflows: make the layer smaller",
                             path);
        }
    }
    int64_t *length = info->role == ODEON_PARAM_STATE ? &p->state : &p->trainable;
    int64_t align = 64 / odeon_dtype_bytes(dtype), end, bytes;
    if (!checked_add(*length, count, &end) || !checked_add(end, align, &end) ||
        !checked_mul(end, odeon_dtype_bytes(dtype), &bytes)) {
        return diag_fail(ODEON_ERR_CONFIG, "%s: the model's size overflows", path);
    }
    if (!name_index_add(&p->by_path, path, p->n)) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    }
    param *entry = &p->list[p->n++];
    *entry = (param){.path = path,
                     .shape = info->shape,
                     .role = info->role,
                     .init = info->init,
                     .init_a = info->init_a,
                     .init_b = info->init_b,
                     .count = count,
                     .offset = *length};
    entry->shape.dtype = dtype;
    *length = (*length + count + align - 1) / align * align;
    p->count += info->role == ODEON_PARAM_STATE ? 0 : count;
    return ODEON_OK;
}

/* existing says what is expected, not what is allowed: a parameter that is there although it should
 * be new belongs to another layer of the same path, and one that should be there and is not has no
 * lender. */
odeon_status params_add(params *p, const char *layer, const odeon_param *info, uint32_t dtype,
                        int existing, size_t *index)
{
    char *path = mem_printf("%s.%s", layer, info->name);
    if (path == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", layer);
    }
    *index = params_find(p, path);
    odeon_status status = ODEON_OK;
    if (*index == p->n && existing) {
        status = diag_fail(ODEON_ERR_CONFIG, "%s: there is no such parameter to share", path);
    } else if (*index == p->n) {
        status = append(p, path, info, dtype);
        path = status == ODEON_OK ? NULL : path; /* the entry has taken it */
    } else if (!existing) {
        status =
            diag_fail(ODEON_ERR_CONFIG, "%s: two layers have this path; rename a section", path);
    } else if (!same_shape(&p->list[*index].shape, &info->shape)) {
        status =
            diag_fail(ODEON_ERR_CONFIG, "%s: shared by layers that need different shapes", path);
    }
    mem_free(path);
    return status;
}

/* A number of the stream belongs to an element and not to a moment: any part of any tensor can be
 * made by itself, on whatever worker, and comes out the same. The draws are counter-based (rng.h),
 * so the i-th costs as little as the first. */
void params_initial(const param *p, uint64_t seed, int64_t first, int64_t n, double *out)
{
    uint64_t key = rng_key(seed, p->path, 0, 0);
    for (int64_t i = 0; i < n; i++) {
        double value = p->init_a;
        if (p->init == ODEON_INIT_UNIFORM) {
            value = p->init_a + (p->init_b - p->init_a) * rng_uniform(key, (uint64_t)(first + i));
        } else if (p->init == ODEON_INIT_NORMAL) {
            value = p->init_a + p->init_b * rng_normal(key, (uint64_t)(first + i));
        }
        out[i] = value;
    }
}
