/* steps.h: which layers of a network a plan executes, on which shapes, and what of them is carried
 * out within a neighbour. */
#ifndef ODEON_CORE_NET_STEPS_H
#define ODEON_CORE_NET_STEPS_H
#include "net/net.h"

static inline bool step_needs(const net_step *step, uint32_t flag)
{
    return (step->plan.flags & flag) != 0;
}

/* Does its layer undo the function behind it, rather than the host? */
static inline bool step_undoes(const net_step *step)
{
    return step_needs(step, ODEON_LAYER_EPILOGUE_VJP | ODEON_LAYER_EPILOGUE_FROM_IN);
}

/* Fills steps, n, out and layer_flags of a plan whose net, flags and in are set. */
odeon_status steps_lay_out(net_plan *plan);

/* Is value s, before step s, one that vjps read? */
bool steps_reads_value(const net_plan *plan, size_t s);

/* Gives every value and cotangent that lies in a cell its cell, and finds how large these are. */
void steps_lay_out_cells(net_plan *plan);

#endif
