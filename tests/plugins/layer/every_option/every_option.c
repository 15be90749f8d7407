/* every_option: a layer with an option of every type, for the tests of their values. */
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct every_option {
    ODEON_INSTANCE;
} every_option;

static const odeon_option whole_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "whole",
    .default_text = "3",
    .min_text = "1",
    .max_text = "9",
    .unit = "steps",
    .help = "a whole number",
};
static const odeon_option large_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "large",
    .help = "a whole number of any size",
};
static const odeon_option real_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MIN,
    .name = "real",
    .default_text = "0.5",
    .min_text = "0",
    .help = "a number above zero",
};
static const odeon_option bound_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "bound",
    .default_text = "inf",
    .min_text = "0",
    .max_text = "inf",
    .help = "a number that may be infinite",
};
static const odeon_option share_of_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN | ODEON_OPTION_OPEN_MAX,
    .name = "share_of",
    .min_text = "0",
    .max_text = "1",
    .help = "a number between two",
};
static const odeon_option flag_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "flag",
    .default_text = "yes",
    .help = "yes or no",
};
static const odeon_option word_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "word",
    .help = "any text",
};
static const odeon_option pick_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "pick",
    .default_text = "red",
    .choices = "red|green|blue|from(path)",
    .help = "one of three",
};
static const odeon_option file_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_PATH,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "file",
    .help = "a file",
};
static const odeon_option wholes_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .name = "wholes",
    .default_text = "1 2",
    .min_text = "0",
    .help = "whole numbers",
};
static const odeon_option reals_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64_LIST,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "reals",
    .help = "numbers",
};
static const odeon_option moments_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64_LIST,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "moments",
    .min_text = "0",
    .choices = "batch|first",
    .help = "numbers, or a word in place of them",
};
static const odeon_option units_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_SIZE,
    .name = "units",
    .default_text = "4",
    .help = "a size",
};
static const odeon_option part_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_COMPONENT,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "part",
    .choices = "layer",
    .help = "a layer within the layer",
};
static const odeon_option *const options[] = {
    &whole_option, &large_option,   &real_option,  &bound_option, &share_of_option,
    &flag_option,  &word_option,    &pick_option,  &file_option,  &wholes_option,
    &reals_option, &moments_option, &units_option, &part_option,  NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_VIEW;
    plan->out = plan->in;
    return ODEON_OK;
}

/* A view is never called. */
static odeon_status refuse(void *self, const odeon_layer_call *call)
{
    (void)self;
    (void)call;
    return ODEON_ERR_UNSUPPORTED;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = refuse, .vjp = refuse};

ODEON_PLUGIN_OPTIONS(LAYER, "every_option", &ops, "has an option of every type", NULL, NULL,
                     every_option, options, NULL, NULL);
