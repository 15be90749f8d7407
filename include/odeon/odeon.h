/* odeon.h: the whole ABI but for cuda.h, which belongs to one device. */
#ifndef ODEON_ODEON_H
#define ODEON_ODEON_H
#include "odeon/container.h"
#include "odeon/dataset.h"
#include "odeon/device.h"
#include "odeon/field.h"
#include "odeon/gradient.h"
#include "odeon/group.h"
#include "odeon/host.h"
#include "odeon/integrator.h"
#include "odeon/layer.h"
#include "odeon/loss.h"
#include "odeon/optimizer.h"
#include "odeon/option.h"
#include "odeon/plugin.h"
#include "odeon/schedule.h"
#include "odeon/status.h"
#include "odeon/tableau.h"
#include "odeon/tensor.h"
#endif
