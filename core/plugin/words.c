#include "plugin/words.h"

#include <stdio.h>
#include <string.h>

#include "odeon/device_ext.h"
#include "odeon/odeon.h"
#include "plugin/calling.h"

/* Rows of the tables below. */
#define RESERVED(type, field)                                                                      \
    {                                                                                              \
        offsetof(type, field), #field, 0                                                           \
    }
#define FLAGS(type, field, known)                                                                  \
    {                                                                                              \
        offsetof(type, field), #field, (uint32_t)(known)                                           \
    }
#define END                                                                                        \
    {                                                                                              \
        0, NULL, 0                                                                                 \
    }

enum {
    MAY_BE_IGNORED = 0xffff, /* where the structure is frozen */
    PLAN_FLAGS = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_NEEDS_OUT | ODEON_LAYER_BATCH_COUPLED |
                 ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T | ODEON_LAYER_QUANTITIES |
                 ODEON_LAYER_LINEAR | ODEON_LAYER_STATEFUL | ODEON_LAYER_TRAIN_ONLY |
                 ODEON_LAYER_VIEW | ODEON_LAYER_EPILOGUE | ODEON_LAYER_EPILOGUE_VJP |
                 ODEON_LAYER_EPILOGUE_FROM_IN | ODEON_LAYER_VJP_IN_PLACE | ODEON_LAYER_DEFERS |
                 ODEON_LAYER_PROLOGUE | ODEON_LAYER_TIME_CHANNEL | ODEON_LAYER_TAKES_TIME_CHANNEL |
                 ODEON_LAYER_POINTWISE | ODEON_LAYER_RANDOM,
    STEPPER_FLAGS = ODEON_STEPPER_FIXED_H | ODEON_STEPPER_SPLIT,
    BODY_CALL_FLAGS = ODEON_CALL_NO_PARAM_GRAD,
    AUGMENT_FLAGS = ODEON_AUGMENT_FULL | ODEON_AUGMENT_TIME,
    KEEP_FLAGS = ODEON_KEEP_FRAMES | ODEON_KEEP_STATES | ODEON_KEEP_DENSE,
    GRADIENT_FLAGS = ODEON_GRADIENT_DISCRETE | ODEON_GRADIENT_NEEDS_Y | ODEON_GRADIENT_NEEDS_DENSE,
    ODE_FLAGS = ODEON_ODE_COUNT_INTEGRALS | ODEON_ODE_STEP_PER_SAMPLE
};

const word_rule words_of_plan[] = {FLAGS(odeon_layer_plan, flags, PLAN_FLAGS),
                                   RESERVED(odeon_layer_plan, reserved0),
                                   RESERVED(odeon_layer_plan, reserved1), END};
const word_rule words_of_param[] = {RESERVED(odeon_param, reserved0), END};
const word_rule words_of_field_info[] = {
    FLAGS(odeon_field_info, flags, ODEON_FIELD_RELATIVE | MAY_BE_IGNORED),
    RESERVED(odeon_field_info, reserved0), END};
const word_rule words_of_stepper_info[] = {FLAGS(odeon_stepper_info, flags, STEPPER_FLAGS), END};
const word_rule words_of_hint[] = {RESERVED(odeon_control_hint, reserved0), END};
const word_rule words_of_ode_spec[] = {FLAGS(odeon_ode_spec, flags, ODE_FLAGS),
                                       RESERVED(odeon_ode_spec, reserved0), END};
const word_rule words_of_control[] = {RESERVED(odeon_control, reserved0), END};
const word_rule words_of_extension[] = {RESERVED(odeon_device_capture, reserved0), END};
const word_rule words_of_body_call[] = {FLAGS(odeon_body_call, flags, BODY_CALL_FLAGS), END};
const word_rule words_of_body_dual_call[] = {FLAGS(odeon_body_dual_call, flags, BODY_CALL_FLAGS),
                                             END};
const word_rule words_of_augment[] = {{0, "flags", AUGMENT_FLAGS}, END};
const word_rule words_of_gradient_solve[] = {FLAGS(odeon_gradient_solve, keep, KEEP_FLAGS),
                                             RESERVED(odeon_gradient_solve, reserved0), END};
const word_rule words_of_gradient_reverse[] = {RESERVED(odeon_gradient_reverse, reserved0), END};
const word_rule words_of_gradient_plan[] = {FLAGS(odeon_gradient_plan, flags, GRADIENT_FLAGS), END};

/* The first that is wrong suffices: its author will build the plugin again. */
bool words_fault(const void *structure, const word_rule *rules, char text[WORDS_TEXT_BYTES])
{
    for (const word_rule *rule = rules; rule->name != NULL; rule++) {
        uint32_t word;
        memcpy(&word, (const char *)structure + rule->offset, sizeof word);
        uint32_t unknown = word & ~rule->known;
        if (unknown == 0) {
            continue;
        }
        if (rule->known != 0) {
            (void)snprintf(text, WORDS_TEXT_BYTES,
                           "it sets flag bits that this host does not know: 0x%x in %s",
                           (unsigned)unknown, rule->name);
        } else {
            (void)snprintf(text, WORDS_TEXT_BYTES,
                           "it sets a reserved field, which must stay 0: %s is 0x%x", rule->name,
                           (unsigned)word);
        }
        return true;
    }
    return false;
}

odeon_status words_check(const instance *who, const char *slot, const void *structure,
                         const word_rule *rules)
{
    char text[WORDS_TEXT_BYTES];
    return words_fault(structure, rules, text) ? calling_blame(who, slot, "%s", text) : ODEON_OK;
}

/* Who calls is known from the slot that this thread is inside of, so that services need not be
 * told. */
odeon_status words_check_call(const void *structure, const word_rule *rules)
{
    const calling now = calling_here.now;
    return now.who != NULL ? words_check(now.who, now.slot, structure, rules) : ODEON_OK;
}
