#include "data/batch_fields.h"

#include "base/diag.h"

/* Inputs and labels are not given: a layer has its input, and the label is the loss's alone. */
const odeon_view *batch_field(const odeon_layer_call *call, int32_t role)
{
    const batch_fields *fields = call->host;
    bool is_given = role >= ODEON_ROLE_TIME && role < DATA_ROLES;
    return is_given && fields->of[role].view.data != NULL ? &fields->of[role].view : NULL;
}

static odeon_status no_times(const char *path)
{
    return diag_fail(ODEON_ERR_CONFIG,
                     "%s: the batch has no times: list them in the INI, or take a data set or a "
                     "file that has a field of times",
                     path);
}

/* Solving all samples by the same steps needs one list of times; which sample differs was found
 * when the batch was loaded. */
odeon_status batch_times(const odeon_layer_call *call, const char *path, const double **times)
{
    const batch_fields *fields = call->host;
    *times = fields->times;
    if (fields->times == NULL) {
        return no_times(path);
    }
    if (fields->deviant >= 0) {
        return diag_fail(
            ODEON_ERR_DATA,
            "%s: sample %lld of the batch has other times than the first: one solve "
            "serves all of a batch: give step = sample, by which each sample is solved by itself, "
            "or data.batch = 1 and data.test_batch = 1, or samples at the same times",
            path, (long long)fields->deviant);
    }
    return ODEON_OK;
}

odeon_status batch_own_times(const odeon_layer_call *call, const char *path, const double **times,
                             const double **own)
{
    const batch_fields *fields = call->host;
    *times = fields->times;
    *own = fields->own_times;
    return fields->times != NULL ? ODEON_OK : no_times(path);
}
