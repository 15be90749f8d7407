#include "option/kinds.h"

#include <string.h>

#include "odeon/odeon.h"

/* A row of the tables below; the name is for messages. */
#define SLOT(type, field)                                                                          \
    {                                                                                              \
        offsetof(type, field), #field                                                              \
    }

/* Memory and queues may be a base's; device/open.c asks for them, and for whole families. */
static const kind_slot device_needed[] = {
    SLOT(odeon_device_ops, probe),
    SLOT(odeon_device_ops, describe),
    SLOT(odeon_device_ops, get_table),
    {0, NULL},
};

/* Single files, places and rows are offered by some data sets alone. */
static const kind_slot dataset_needed[] = {
    SLOT(odeon_dataset_ops, field_count),
    SLOT(odeon_dataset_ops, field),
    SLOT(odeon_dataset_ops, open),
    SLOT(odeon_dataset_ops, get_batch),
    {0, NULL},
};

/* Training needs the reverse derivative of every layer. */
static const kind_slot layer_needed[] = {
    SLOT(odeon_layer_ops, plan),
    SLOT(odeon_layer_ops, forward),
    SLOT(odeon_layer_ops, vjp),
    {0, NULL},
};

/* Both passes of a method; what it needs besides it asks the ODE block for. */
static const kind_slot gradient_needed[] = {
    SLOT(odeon_gradient_ops, forward),
    SLOT(odeon_gradient_ops, backward),
    {0, NULL},
};

/* Moments have names because checkpoints hold them by name. An update, or minimize in its stead, is
 * asked for where a session is built. */
static const kind_slot optimizer_needed[] = {
    SLOT(odeon_optimizer_ops, moment_count),
    SLOT(odeon_optimizer_ops, moment_name),
    SLOT(odeon_optimizer_ops, learning_rate),
    {0, NULL},
};

/* A loss says at once whether it fits the label, and what it can be measured by. */
static const kind_slot loss_needed[] = {
    SLOT(odeon_loss_ops, metric_count),
    SLOT(odeon_loss_ops, metric_name),
    SLOT(odeon_loss_ops, check),
    SLOT(odeon_loss_ops, eval),
    {0, NULL},
};

static const kind_slot schedule_needed[] = {
    SLOT(odeon_schedule_ops, factor),
    {0, NULL},
};

static const kind_slot observer_needed[] = {
    SLOT(odeon_observer_ops, see),
    {0, NULL},
};

static const kind_slot view_needed[] = {
    SLOT(odeon_view_ops, drawings),
    SLOT(odeon_view_ops, draw),
    {0, NULL},
};

static const kind_slot stepper_needed[] = {
    SLOT(odeon_stepper_ops, describe),
    SLOT(odeon_stepper_ops, step),
    {0, NULL},
};

/* Without an error estimate or dense output a tableau is still a method; without one of these it is
 * none. */
static const kind_slot tableau_needed[] = {
    SLOT(odeon_tableau, a),
    SLOT(odeon_tableau, b),
    SLOT(odeon_tableau, c),
    {0, NULL},
};

/* Rows stand where their interface's number says. The first size ends with the last slot that the
 * first version has; it stays when slots are appended. */
static const interface_info interfaces[INTERFACE_COUNT + 1] = {
    [ODEON_INTERFACE_DEVICE] = {"device", ODEON_KIND_DEVICE, ODEON_LAYOUT_DEVICE,
                                sizeof(odeon_device_ops),
                                ODEON_SIZE_THROUGH(odeon_device_ops, get_table),
                                offsetof(odeon_device_ops, reserved0), device_needed, 0, 0},
    [ODEON_INTERFACE_DATASET] = {"dataset", ODEON_KIND_DATASET, ODEON_LAYOUT_DATASET,
                                 sizeof(odeon_dataset_ops),
                                 ODEON_SIZE_THROUGH(odeon_dataset_ops, get_batch),
                                 offsetof(odeon_dataset_ops, reserved0), dataset_needed, 0, 0},
    [ODEON_INTERFACE_LAYER] = {"layer", ODEON_KIND_LAYER, ODEON_LAYOUT_LAYER,
                               sizeof(odeon_layer_ops), ODEON_SIZE_THROUGH(odeon_layer_ops, vjp), 0,
                               layer_needed, 0, 0},
    [ODEON_INTERFACE_TABLEAU] = {"tableau", ODEON_KIND_INTEGRATOR, ODEON_LAYOUT_TABLEAU,
                                 sizeof(odeon_tableau),
                                 ODEON_SIZE_THROUGH(odeon_tableau, interp_im), 0, tableau_needed, 0,
                                 0},
    [ODEON_INTERFACE_GRADIENT] = {"gradient", ODEON_KIND_GRADIENT, ODEON_LAYOUT_GRADIENT,
                                  sizeof(odeon_gradient_ops),
                                  ODEON_SIZE_THROUGH(odeon_gradient_ops, backward), 0,
                                  gradient_needed, offsetof(odeon_gradient_ops, flags),
                                  ODEON_GRADIENT_DISCRETE | ODEON_GRADIENT_NEEDS_Y |
                                      ODEON_GRADIENT_NEEDS_DENSE},
    [ODEON_INTERFACE_OPTIMIZER] = {"optimizer", ODEON_KIND_OPTIMIZER, ODEON_LAYOUT_OPTIMIZER,
                                   sizeof(odeon_optimizer_ops),
                                   ODEON_SIZE_THROUGH(odeon_optimizer_ops, update), 0,
                                   optimizer_needed, offsetof(odeon_optimizer_ops, flags),
                                   ODEON_OPTIMIZER_ELEMENTWISE},
    [ODEON_INTERFACE_LOSS] = {"loss", ODEON_KIND_LOSS, ODEON_LAYOUT_LOSS, sizeof(odeon_loss_ops),
                              ODEON_SIZE_THROUGH(odeon_loss_ops, eval), 0, loss_needed,
                              offsetof(odeon_loss_ops, flags), ODEON_LOSS_NO_LABELS},
    [ODEON_INTERFACE_SCHEDULE] = {"schedule", ODEON_KIND_SCHEDULE, ODEON_LAYOUT_SCHEDULE,
                                  sizeof(odeon_schedule_ops),
                                  ODEON_SIZE_THROUGH(odeon_schedule_ops, factor),
                                  offsetof(odeon_schedule_ops, reserved0), schedule_needed, 0, 0},
    [ODEON_INTERFACE_STEPPER] = {"stepper", ODEON_KIND_INTEGRATOR, ODEON_LAYOUT_STEPPER,
                                 sizeof(odeon_stepper_ops),
                                 ODEON_SIZE_THROUGH(odeon_stepper_ops, inverse),
                                 offsetof(odeon_stepper_ops, reserved0), stepper_needed, 0, 0},
    [ODEON_INTERFACE_OBSERVER] = {"observer", ODEON_KIND_OBSERVER, ODEON_LAYOUT_OBSERVER,
                                  sizeof(odeon_observer_ops),
                                  ODEON_SIZE_THROUGH(odeon_observer_ops, see), 0, observer_needed,
                                  offsetof(odeon_observer_ops, flags), ODEON_OBSERVER_RECORDS},
    [ODEON_INTERFACE_VIEW] = {"view", ODEON_KIND_VIEW, ODEON_LAYOUT_VIEW, sizeof(odeon_view_ops),
                              ODEON_SIZE_THROUGH(odeon_view_ops, draw), 0, view_needed,
                              offsetof(odeon_view_ops, flags), 0},
};

#define KIND_NAME(NAME, value, text) [value] = text,
static const char *const kinds[KIND_COUNT + 1] = {ODEON_KIND_LIST(KIND_NAME)};
#undef KIND_NAME

/* A plugin may claim any number, so that both ends are checked. */
const interface_info *interface_of(uint32_t number)
{
    return number >= 1 && number <= INTERFACE_COUNT ? &interfaces[number] : NULL;
}

uint32_t interface_by_name(const char *name)
{
    for (uint32_t i = 1; i <= INTERFACE_COUNT; i++) {
        if (strcmp(interfaces[i].name, name) == 0) {
            return i;
        }
    }
    return 0;
}

bool interface_is_frozen(const interface_info *of)
{
    return of->version < 256;
}

const char *kind_name(int32_t kind)
{
    return kind >= 1 && kind <= KIND_COUNT ? kinds[kind] : NULL;
}

/* The names are those of folders and of keys in an INI. */
int32_t kind_by_name(const char *name)
{
    for (int32_t kind = 1; kind <= KIND_COUNT; kind++) {
        if (strcmp(kinds[kind], name) == 0) {
            return kind;
        }
    }
    return 0;
}
