/* support_dataset.h: a data set opened as the host opens it. */
#ifndef ODEON_SUPPORT_DATASET_H
#define ODEON_SUPPORT_DATASET_H
#include "odeon/dataset.h"
#include "plugin/instance.h"

const odeon_dataset_ops *dataset_ops_of(const instance *x);
/* The message of an earlier failure is forgotten; *length is -1 where open does not set it. */
odeon_status dataset_open(instance *x, int32_t split, int64_t *length);
/* Fails the test, with the message, if it does not open with so many samples. */
void dataset_assert_opens(instance *x, int32_t split, int64_t expected);

#endif
