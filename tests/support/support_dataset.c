#include "support_dataset.h"

#include "base/diag.h"
#include "support.h"

const odeon_dataset_ops *dataset_ops_of(const instance *x)
{
    return x->component->ops;
}

odeon_status dataset_open(instance *x, int32_t split, int64_t *length)
{
    *length = -1;
    diag_clear();
    return dataset_ops_of(x)->open(x->self, split, length);
}

void dataset_assert_opens(instance *x, int32_t split, int64_t expected)
{
    int64_t length;
    if (dataset_open(x, split, &length) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    assert_int_equal(length, expected);
}
