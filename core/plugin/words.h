/* words.h: flags and reserved words of what a plugin fills in at run time. While a structure is a
 * draft every bit without a meaning is refused, so that it stays free to get one: a plugin of a
 * later host that sets it would otherwise be served as if it had not. Of a frozen structure bits 0
 * to 15 of flags may be ignored where they are unknown, 16 to 31 may not. The
 * tables of operations that stand in the plugin's file are judged by descriptor.h, by the same
 * rule. */
#ifndef ODEON_CORE_PLUGIN_WORDS_H
#define ODEON_CORE_PLUGIN_WORDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/instance_type.h"

/* One word of 32 bits. A list of them ends with name NULL. */
typedef struct word_rule {
    size_t offset;
    const char *name; /* "out.reserved0" */
    uint32_t known;   /* bits that have a meaning; 0: the word is reserved */
} word_rule;

extern const word_rule words_of_plan[];             /* odeon_layer_plan */
extern const word_rule words_of_param[];            /* odeon_param */
extern const word_rule words_of_field_info[];       /* odeon_field_info */
extern const word_rule words_of_stepper_info[];     /* odeon_stepper_info */
extern const word_rule words_of_hint[];             /* odeon_control_hint */
extern const word_rule words_of_ode_spec[];         /* odeon_ode_spec */
extern const word_rule words_of_extension[];        /* all tables that start with two words */
extern const word_rule words_of_control[];          /* odeon_control */
extern const word_rule words_of_body_call[];        /* odeon_body_call */
extern const word_rule words_of_body_dual_call[];   /* odeon_body_dual_call */
extern const word_rule words_of_augment[];          /* an int32_t of ODEON_AUGMENT_* */
extern const word_rule words_of_gradient_solve[];   /* odeon_gradient_solve */
extern const word_rule words_of_gradient_reverse[]; /* odeon_gradient_reverse */
extern const word_rule words_of_gradient_plan[];    /* odeon_gradient_plan */

enum { WORDS_TEXT_BYTES = 128 };

/* What is wrong with the first word that breaks its rule, "it sets flag bits that this host does
 * not know: 0x100 in flags"; false: none does. [any] */
bool words_fault(const void *structure, const word_rule *rules, char text[WORDS_TEXT_BYTES]);

/* ODEON_ERR_PLUGIN, naming component, file, slot and word. [any] */
odeon_status words_check(const instance *who, const char *slot, const void *structure,
                         const word_rule *rules);
/* The same where the plugin that is being called on this thread gives the structure to a service of
 * the host; what the host gives itself passes. */
odeon_status words_check_call(const void *structure, const word_rule *rules);

#endif
