#include "config/options_recipe.h"

/* ---- [run] ---- */

const odeon_option recipe_eval_test = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "eval_test",
    .help = "yes evaluates the test split as often as the validation split, where there is one; "
            "else it is evaluated at the end alone",
};
const odeon_option recipe_best_by = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "best_by",
    .aliases = "monitor|stopmetric|bestmetric",
    .choices = "auto|loss",
    .help = "what the best weights are best in: auto, accuracy where a loss measures it, else the "
            "loss; or always the loss",
};
/* A number with a unit, which evaluation.c reads. */
const odeon_option recipe_stop_patience = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "stop_patience",
    .aliases = "earlystopping|earlystoppingpatience|earlystop",
    .help = "N epochs or N steps: the run ends once the best evaluation of the validation split is "
            "that old",
};
const odeon_option recipe_max_time = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN,
    .name = "max_time",
    .aliases = "maxseconds|timelimit|timebudget|maxwalltime",
    .min_text = "0",
    .unit = "seconds",
    .help = "after which the run ends, with its last evaluations, as at its last step",
};

/* ---- [data] ---- */

const odeon_option recipe_validation = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN | ODEON_OPTION_OPEN_MAX,
    .name = "validation",
    .aliases = "validationsplit|valfraction|validationfraction|valsplit|valsize",
    .min_text = "0",
    .max_text = "1",
    .help = "share of the training split that is not trained on but chooses the best weights; what "
            "the data set fits (standardize, classes) is of the whole split, this share included: "
            "its own validation_fraction keeps that out",
};

/* ---- [train] ---- */

const odeon_option recipe_accumulate = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "accumulate",
    .aliases = "accumulategradbatches|gradientaccumulation|gradientaccumulationsteps|accumsteps",
    .min_text = "1",
    .max_text = "65536",
    .unit = "batches",
    .help = "batches whose mean gradient makes one update of the parameters",
};
const odeon_option recipe_ema = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN | ODEON_OPTION_OPEN_MAX,
    .name = "ema",
    .aliases = "emadecay|averagedecay|polyak|swa",
    .min_text = "0",
    .max_text = "1",
    .help = "decay of a running mean of the weights, which evaluations use and weights-ema has",
};

/* ---- [train.NAME] ---- */

/* A number with a unit, which evaluation.c reads. */
const odeon_option recipe_after = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "after",
    .aliases = "begin|start|from|since|iterations|epochs",
    .help = "N epochs or N steps of the run, after which this phase's optimizer takes over, until "
            "the next phase or the end",
};

/* A list, which phases.c reads. */
const odeon_option recipe_set = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "set",
    .aliases = "keys|overrides|change|changes|with",
    .help = "keys of the data and the model that change when the phase begins, and stay so: "
            "data.window=21, data.batch=1; none that changes the shape of a parameter; and keys "
            "that follow a schedule in it, as in [train]",
};

/* Likewise. */
const odeon_option recipe_follow = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "set",
    .aliases = "anneal|annealing|curves|schedules",
    .help = "keys that are multiplied by a schedule in the steps of training, not in tests: "
            "loss.ID.weight: SCHEDULE, model.PATH.KEY: SCHEDULE",
};

/* ---- [model.NAME] ---- */

const odeon_option recipe_freeze = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "freeze",
    .aliases = "frozen|trainable|requiresgrad",
    .help = "yes keeps the parameters of the section, and of those nested in it, as they are",
};
const odeon_option recipe_lr_factor = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "lr_factor",
    .aliases = "lrscale|lrmult|lrmultiplier",
    .min_text = "0",
    .help = "times the optimizer's learning rate, for the section and those nested in it",
};
