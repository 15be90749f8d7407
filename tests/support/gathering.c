#include "gathering.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "odeon/device_solver.h"

enum { SIZE = GATHERING_SIZE, SECONDS = 30 };

int gathering_open(void **state)
{
    static gathering g;
    (void)alarm(SECONDS);
    memset(&g, 0, sizeof g);
    g.plugins = support_registry();
    assert_int_equal(collective_create(SIZE, &g.collective), ODEON_OK);
    assert_int_equal(team_create(SIZE, &g.team), ODEON_OK);
    for (int32_t i = 0; i < SIZE; i++) {
        g.device[i] = support_device_open(g.plugins, "reference", ODEON_DTYPE_F64);
        worker_group_init(&g.group[i], g.collective, g.device[i].device, i, SIZE);
        g.slots[i] = mem_zalloc(ODEON_SLOTS, sizeof(double));
    }
    *state = &g;
    return 0;
}

int gathering_close(void **state)
{
    gathering *g = *state;
    team_destroy(g->team);
    for (int32_t i = 0; i < SIZE; i++) {
        worker_group_fini(&g->group[i]);
        support_device_close(&g->device[i]);
        mem_free(g->slots[i]);
    }
    collective_destroy(g->collective);
    registry_destroy(g->plugins);
    (void)alarm(0);
    return 0;
}

odeon_tensor gathering_vector(double *data, int64_t n)
{
    return odeon_tensor_at(data, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {n}});
}

void gathering_check(const gathering *g)
{
    for (int32_t i = 0; i < SIZE; i++) {
        assert_int_equal(g->wrong[i], 0);
    }
}

odeon_status gathering_meet(gathering *g, int32_t rank, int call, odeon_status mine)
{
    const odeon_group *group = &g->group[rank].abi;
    odeon_tensor x = gathering_vector(g->numbers[rank], 2);
    switch (call) {
    case CALL_SUM:
        return group->sum(group->self, g->device[rank].queue, &x, mine);
    case CALL_SLOTS:
        return group->reduce_slots(group->self, g->device[rank].queue, g->slots[rank], 4, 1, 0,
                                   mine);
    default:
        return group->agree(group->self, mine);
    }
}

static const odeon_component odd = {
    .struct_size = sizeof odd, .kind = ODEON_KIND_LAYER, .id = "odd"};

static char path_x[] = "model.x", path_a[] = "model.a", path_b[] = "model.b",
            path_slow[] = "model.slow";

const instance gathering_layer_x = {.component = &odd, .path = path_x},
               gathering_layer_a = {.component = &odd, .path = path_a},
               gathering_layer_b = {.component = &odd, .path = path_b},
               gathering_layer_slow = {.component = &odd, .path = path_slow};
