/* gathering.h: four workers with a collective between them, each on a thread and with a reference
 * device of its own. Hangs end by alarm. */
#ifndef ODEON_TESTS_GATHERING_H
#define ODEON_TESTS_GATHERING_H
#include "device/collective.h"
#include "device/worker_group.h"
#include "plugin/registry.h"
#include "session/threads.h"
#include "support.h"

enum { GATHERING_SIZE = 4 };

/* Workers on the reference device, whose memory is the host's. Arrays are by rank, an element
 * touched by its worker alone while a job runs. */
typedef struct gathering {
    registry *plugins;
    support_device device[GATHERING_SIZE]; /* each with a queue */
    collective *collective;
    team *team;
    worker_group group[GATHERING_SIZE];
    double numbers[GATHERING_SIZE][8];
    double *slots[GATHERING_SIZE];
    odeon_status mine[GATHERING_SIZE], got[GATHERING_SIZE];
    char message[GATHERING_SIZE][64];
    int wrong[GATHERING_SIZE]; /* what a worker found amiss: cmocka asserts on the main thread only
                                */
} gathering;

/* Set-up and tear-down of a test whose state is a gathering. */
int gathering_open(void **state);
int gathering_close(void **state);

odeon_tensor gathering_vector(double *data, int64_t n);
/* Fails the test if a worker found something amiss. */
void gathering_check(const gathering *g);

enum { CALL_AGREE, CALL_SUM, CALL_SLOTS };

/* The worker of this rank makes the call (CALL_*), with mine as its status. */
odeon_status gathering_meet(gathering *g, int32_t rank, int call, odeon_status mine);

/* Layers that workers can be in, with the path model.x and so on; they outlive every job, as
 * workers read of each other's after a call. */
extern const instance gathering_layer_x, gathering_layer_a, gathering_layer_b, gathering_layer_slow;

#endif
