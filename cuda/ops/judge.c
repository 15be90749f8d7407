/* The end of a trial step: a kernel sums up an error over all parts of the state, and one of a
 * single block makes of the sums all that steers the solve. */
#include "odeon/device_fused.h"
#include "solver.h"

/* ---- sums of blocks ---- */

/* The sums of an error, which lie in the scratch from `first` on. */
typedef struct error_task {
    const odeon_step_judge *call;
    double *scratch;
    int64_t first;
    int32_t error;
} error_task;

static int64_t vectors_of_part(const odeon_judged_part *part, const odeon_shape *y)
{
    int64_t bytes = part->count * odeon_dtype_bytes(y->dtype);
    return (bytes + VECTOR_BYTES - 1) / VECTOR_BYTES;
}

static odeon_status check_part(odeon_queue *queue, const odeon_step_judge *call,
                               const odeon_judged_part *part)
{
    int64_t count = odeon_count(&call->y0->shape);
    return expect_true(queue,
                       part->first >= 0 && part->count >= 0 && part->first <= count &&
                           part->count <= count - part->first && part->part >= 0 &&
                           part->part < call->control->n_parts,
                       "step_judge: a part is not one of the state's");
}

/* The part of a launch whose blocks so far are *blocks. */
static error_part part_of(const odeon_step_judge *call, const odeon_judged_part *part,
                          kernel_shape shape, int64_t blocks, int32_t aligned)
{
    int64_t bytes = part->first * odeon_dtype_bytes(call->y0->shape.dtype);
    return (error_part){.first = part->first,
                        .count = part->count,
                        .n_each = part->each != 0 ? call->control->n_each : 0,
                        .block = (int32_t)blocks,
                        .blocks = (int32_t)shape.blocks,
                        .threads = shape.threads,
                        .aligned = aligned && bytes % VECTOR_BYTES == 0};
}

/* A part is divided among blocks and threads as error_sum does it, whose bits its sum has. */
static odeon_status sum_parts(odeon_queue *queue, const error_task *task, judged_sum *sum)
{
    const odeon_step_judge *call = task->call;
    const odeon_judged_error *error = &call->errors[task->error];
    error_parts_args a = {.of = ops_error_args(call->control, call->y0, call->y1),
                          .n = call->n_parts};
    kernel_shape all = {0, 1, 0};
    ODEON_TRY(ops_take_terms(queue, &call->y0->shape, error->n, error->x, error->coefficient,
                             call->slots, &a.of.terms, &a.of.aligned));
    a.of.to = task->scratch + task->first;
    for (int32_t i = 0; i < call->n_parts; i++) {
        const odeon_judged_part *part = &call->parts[i];
        kernel_shape shape = ops_shape_parts(vectors_of_part(part, &call->y0->shape));
        a.part[i] = part_of(call, part, shape, all.blocks, a.of.aligned);
        int32_t slot = ODEON_SLOT_ERROR_SUM + task->error * call->control->n_parts + part->part;
        int32_t threads = shape_sums(1, shape.blocks).threads;
        sum[i] =
            (judged_sum){(int32_t)(task->first + all.blocks), (int32_t)shape.blocks, slot, threads};
        all.blocks += shape.blocks;
        all.threads = shape.threads > all.threads ? shape.threads : all.threads;
    }
    all.shared_bytes = (all.threads + ODEON_MAX_STAGES) * (int32_t)sizeof(double);
    return launch(queue, kernel_of(KERNEL_error_parts_f32, call->y0->shape.dtype), &a, all);
}

/* All of them; sum: [n_errors * n_parts]. */
static odeon_status sum_errors(odeon_queue *queue, const odeon_step_judge *call, double *scratch,
                               judged_sum *sum)
{
    error_task task = {.call = call, .scratch = scratch};
    for (; task.error < call->n_errors; task.error++) {
        judged_sum *last = sum + (task.error + 1) * call->n_parts - 1;
        ODEON_TRY(sum_parts(queue, &task, sum + task.error * call->n_parts));
        task.first = call->n_parts > 0 ? last->first + last->count : 0;
    }
    return ODEON_OK;
}

/* ---- what is made of them ---- */

/* Those that are more than one block has room for go into their slots before it. */
static odeon_status join_rest(odeon_queue *queue, const odeon_step_judge *call,
                              const double *scratch, const judged_sum *sum, int32_t n)
{
    for (int32_t i = JUDGED_SUMS; i < n; i++) {
        ODEON_TRY(ops_join_parts(queue, scratch + sum[i].first, sum[i].count, call->control->norm,
                                 call->slots + sum[i].slot));
    }
    return ODEON_OK;
}

/* As many threads as any of the sums, or the times, have use for. */
static kernel_shape shape_judge(const judge_args *a)
{
    kernel_shape shape = shape_sums(1, a->n_times);
    for (int32_t i = 0; i < a->n_sums; i++) {
        shape.threads = a->sum[i].threads > shape.threads ? a->sum[i].threads : shape.threads;
    }
    shape.shared_bytes = a->n_sums * shape.threads * (int32_t)sizeof(double);
    return shape;
}

static odeon_status judge(odeon_queue *queue, const odeon_step_judge *call, judge_args *a)
{
    a->of = (control_args){call->slots, *call->control, 0, 0};
    a->n_times = call->n_times;
    for (int32_t i = 0; i < call->n_times; i++) {
        a->c[i] = call->c[i];
    }
    int32_t decides = (call->flags & ODEON_JUDGE_ENDS_PASS) != 0 &&
                      queue_decides_pass(queue, call->slots, &a->pass);
    return launch(queue, decides ? KERNEL_judge_pass : KERNEL_judge, a, shape_judge(a));
}

static odeon_status check_call(odeon_queue *queue, const odeon_step_judge *call)
{
    const odeon_control *control = call->control;
    ODEON_TRY(expect_flags(queue, "step_judge", call->flags & ~(uint32_t)ODEON_JUDGE_ENDS_PASS));
    ODEON_TRY(expect_true(queue,
                          call->n_errors >= 0 && call->n_parts >= 0 && control->n_parts >= 0 &&
                              call->n_parts <= control->n_parts &&
                              call->n_errors <= ODEON_MAX_PARTS &&
                              control->n_parts <= ODEON_MAX_PARTS &&
                              call->n_errors * control->n_parts <= ODEON_MAX_PARTS,
                          "step_judge: more sums than ODEON_MAX_PARTS"));
    ODEON_TRY(expect_true(queue, call->n_times >= 0 && call->n_times <= ODEON_MAX_STAGES,
                          "step_judge: more times than ODEON_MAX_STAGES"));
    ODEON_TRY(expect_real(queue, "step_judge: y0", &call->y0->shape, 0));
    ODEON_TRY(expect_like(queue, "step_judge: y1", &call->y1->shape, &call->y0->shape));
    for (int32_t i = 0; i < call->n_parts; i++) {
        ODEON_TRY(check_part(queue, call, &call->parts[i]));
    }
    return ODEON_OK;
}

odeon_status ops_step_judge(odeon_queue *queue, const odeon_step_judge *call)
{
    ODEON_TRY(check_call(queue, call));
    judged_sum sum[ODEON_MAX_PARTS];
    double *scratch = queue_scratch(queue);
    int32_t n = call->n_errors * call->n_parts;
    ODEON_TRY(sum_errors(queue, call, scratch, sum));
    ODEON_TRY(join_rest(queue, call, scratch, sum, n));
    judge_args a = {.from = scratch, .n_sums = n < JUDGED_SUMS ? n : JUDGED_SUMS};
    for (int32_t i = 0; i < a.n_sums; i++) {
        a.sum[i] = sum[i];
    }
    return judge(queue, call, &a);
}

/* ---- the way back ---- */

odeon_status ops_last_step_back(odeon_queue *queue, const odeon_step_back *call)
{
    static const kernel_shape alone = {1, 1, 0};
    back_pass_args a = {.of = {call->slots}};
    ODEON_TRY(expect_flags(queue, "last_step_back", call->flags));
    return queue_decides_pass(queue, call->slots, &a.pass)
               ? launch(queue, KERNEL_back_pass, &a, alone)
               : ops_step_back(queue, call);
}
