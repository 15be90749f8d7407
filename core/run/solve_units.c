/* A model of standardized series solves in their units; whoever asked for a solution has others. */
#include "run/solve_units.h"

#include <string.h>

#include "data/data.h"

/* A state is a row of the series where inputs and labels are the same columns, and it has as many
 * numbers as a row: one of another size is the model's own. */
static bool are_states(const field_units *input, const field_units *label, const solution *x)
{
    size_t bytes = (size_t)label->n * sizeof *label->mean;
    return label->n > 0 && input->n == label->n && label->row == x->size &&
           memcmp(input->mean, label->mean, bytes) == 0 &&
           memcmp(input->deviation, label->deviation, bytes) == 0;
}

static odeon_status read_units(const config *c, const data_source *source, int32_t role,
                               field_units *out)
{
    return source != NULL ? data_units(source, role, out) : field_units_read(c, role, out);
}

odeon_status solve_in_units(const config *c, const data_source *source, solution *x)
{
    field_units input, label = {.n = 0};
    odeon_status status = read_units(c, source, ODEON_ROLE_INPUT, &input);
    if (status == ODEON_OK) {
        status = read_units(c, source, ODEON_ROLE_LABEL, &label);
    }
    if (status == ODEON_OK && are_states(&input, &label, x)) {
        label.n = x->size; /* those of the first row, which are those of all */
        field_units_undo(&label, x->n * x->n_times, x->states);
    }
    field_units_fini(&input);
    field_units_fini(&label);
    return status;
}
