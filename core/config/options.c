/* The host's own keys as data. Reading, printing, hints, `odeon inspect` and the reference file all
 * come from these tables, so that a key is added in one place and cannot be forgotten in another.
 * Aliases are names that other programs have for the same thing: they are never accepted, only
 * recognized in order to name the right one. */
#include <string.h>

#include "config/options.h"
#include "config/options_recipe.h"

/* ---- [run] ---- */

/* An option without a default is either required or optional. name and out are optional because
 * what they stand for without a value follows from elsewhere. */
static const odeon_option run_name = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "name",
    .aliases = "runname|experiment",
    .help = "names the run's folder, runs/NAME/N; the name of the INI unless given",
};
static const odeon_option run_seed = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "seed",
    .aliases = "randomseed|manualseed|randomstate",
    .default_text = "1",
    .min_text = "0",
    .help = "of all random numbers: initial weights, order of the samples",
};
static const odeon_option run_epochs = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "epochs",
    .aliases = "nepochs|numepochs|maxepochs|epoch",
    .default_text = "1",
    .min_text = "1",
    .help = "how often training goes through the samples; iterations may say it instead",
};
/* Optional, and epochs has a default: where neither is given the run has one epoch, and where a
 * later source gives this one it takes epochs' place. */
static const odeon_option run_iterations = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "iterations",
    .aliases = "iters|niter|nsteps|numsteps|maxiter|maxiters|trainsteps",
    .min_text = "1",
    .unit = "steps",
    .help = "optimizer steps of the run, however many epochs that takes; in place of epochs",
};
static const odeon_option run_device = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_COMPONENT,
    .name = "device",
    .aliases = "accelerator|backend",
    .default_text = ODEON_DEFAULT_DEVICE,
    .choices = "device",
    .help = "where to compute; auto: the usable device of highest rank (odeon inspect device auto)",
};
/* A text, since it may be `auto`; config_load.c reads the number. */
static const odeon_option run_workers = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .name = "workers",
    .aliases = "threads|nthreads|numthreads|numworkers|nworkers|njobs",
    .default_text = "auto",
    .unit = "threads",
    .help = "auto, or how many threads share a batch, at most 256",
};
static const odeon_option run_capture = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "capture",
    .default_text = "yes",
    .help = "record solves that repeat and replay each at once, where the device can; one worker",
};
static const odeon_option run_kernels = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "kernels",
    .default_text = "yes",
    .help = "no runs every layer by operators, although a plugin brings a kernel of its own for it "
            "on the device",
};
static const odeon_option run_dtype = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "dtype",
    .aliases = "precision|floatx",
    .default_text = "float32",
    .choices = "float32|float64",
    .help = "numbers to compute with",
};
static const odeon_option run_out = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_PATH,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "out",
    .aliases = "output|outdir|outputdir|savedir|logdir|dir|folder",
    .help = "folder of the run in place of runs/NAME/N; may not hold a run already",
};
static const odeon_option run_log_every = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "log_every",
    .aliases = "loginterval|logfreq|printevery|logeverynsteps",
    .default_text = "1",
    .min_text = "1",
    .unit = "steps",
    .help = "between two rows of the metrics",
};
static const odeon_option run_checkpoint_every = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "checkpoint_every",
    .aliases = "saveevery|savesteps|checkpointinterval",
    .default_text = "0",
    .min_text = "0",
    .unit = "steps",
    .help = "between two checkpoints, beside those by time; 0: by time alone",
};
static const odeon_option run_checkpoint_seconds = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "checkpoint_seconds",
    .default_text = "30",
    .min_text = "0",
    .unit = "seconds",
    .help = "between two checkpoints at ends of epochs and after tests; 0: one at each of them",
};
/* A number with a unit, which evaluation.c reads. */
static const odeon_option run_eval_every = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .name = "eval_every",
    .default_text = "1 epoch",
    .help =
        "between two tests: N epochs, N steps or N seconds; the end of the run is tested always",
};
static const odeon_option run_on_failure = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "on_failure",
    .aliases = "onerror|onnan",
    .default_text = "stop",
    .choices = "stop|skip",
    .help = "after a numerical failure: stop, or go on without the step (10 in a row stop)",
};
static const odeon_option run_patience = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "patience",
    .default_text = "60",
    .min_text = "0",
    .unit = "seconds",
    .help = "how long a worker waits for one that stays in a single call of a plugin before the "
            "run is given up; 0: for ever",
};
/* A text and no component, since it is a list; observer_list.c reads it. Without a default: every
 * configuration of before would have another normal form. */
static const odeon_option run_observers = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "observers",
    .aliases = "observer|callbacks|callback|logger|loggers|hooks",
    .help = "what sees the run, NAME or NAME(key=value, ...), separated by commas, or none; csv, "
            "jsonl if not given",
};
static const odeon_option *const run_options[] = {&run_name,
                                                  &run_seed,
                                                  &run_epochs,
                                                  &run_iterations,
                                                  &run_device,
                                                  &run_workers,
                                                  &run_capture,
                                                  &run_kernels,
                                                  &run_dtype,
                                                  &run_out,
                                                  &run_log_every,
                                                  &run_checkpoint_every,
                                                  &run_checkpoint_seconds,
                                                  &run_eval_every,
                                                  &recipe_eval_test,
                                                  &recipe_best_by,
                                                  &recipe_stop_patience,
                                                  &recipe_max_time,
                                                  &run_on_failure,
                                                  &run_patience,
                                                  &run_observers,
                                                  NULL};

/* ---- [data] ---- */

static const odeon_option data_dataset = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_COMPONENT,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "dataset",
    .aliases = "data|dataloader",
    .choices = "dataset",
    .help = "the samples",
};
static const odeon_option data_batch = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "batch",
    .aliases = "batchsize|bs|minibatch|trainbatch|trainbatchsize",
    .default_text = "128",
    .min_text = "1",
    .unit = "samples",
    .help = "in one optimizer step",
};
static const odeon_option data_test_batch = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "test_batch",
    .aliases = "evalbatch|testbatchsize|evalbatchsize|valbatchsize|valbatch",
    .min_text = "1",
    .unit = "samples",
    .help = "in one batch of the evaluation; batch unless given",
};
static const odeon_option data_limit = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "limit",
    .aliases = "maxsamples|nsamples|subset|trainlimit",
    .min_text = "1",
    .unit = "samples",
    .help = "train with the first ones only",
};
static const odeon_option data_test_limit = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "test_limit",
    .aliases = "maxtestsamples|ntest",
    .min_text = "1",
    .unit = "samples",
    .help = "test with the first ones only",
};
static const odeon_option data_order = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_PATH,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "order",
    .help = "file of sample indices: the order of every epoch",
};
static const odeon_option data_shuffle = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "shuffle",
    .aliases = "shuffled",
    .default_text = "yes",
    .help = "another order in every epoch",
};
static const odeon_option data_epoch_samples = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "epoch_samples",
    .aliases = "samplesperepoch|windowsperepoch|subsample",
    .min_text = "1",
    .unit = "samples",
    .help = "so many samples an epoch, drawn at random from those in use, others in each: windows "
            "of a series at random; without it an epoch has all of them",
};
static const odeon_option data_drop_last = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "drop_last",
    .aliases = "dropremainder",
    .default_text = "no",
    .help = "yes leaves out the last samples of an epoch where they are less than a batch",
};
static const odeon_option data_on_device = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "on_device",
    .aliases = "pinmemory|cache",
    .default_text = "auto",
    .choices = "auto|yes|no",
    .help = "upload the samples in use once; auto: to a quarter of a GPU's free memory",
};
static const odeon_option *const data_options[] = {
    &data_dataset,       &data_batch,        &data_test_batch, &data_limit,
    &data_test_limit,    &recipe_validation, &data_order,      &data_shuffle,
    &data_epoch_samples, &data_drop_last,    &data_on_device,  NULL};

/* ---- [train] ---- */

/* A text and no component, since it may be a list; losses.c reads it. The optimizer is the
 * section's own component instead. */
static const odeon_option train_loss = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "loss",
    .aliases = "criterion|objective|lossfn|lossfunction",
    .help = "what training makes small: a loss, NAME or NAME(key=value, ...); several, separated "
            "by commas, add up",
};
static const odeon_option train_optimizer = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_COMPONENT,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "optimizer",
    .aliases = "optim|optimiser|opt",
    .choices = "optimizer",
    .help = "how parameters follow from gradients",
};
static const odeon_option train_schedule = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_COMPONENT,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "schedule",
    .aliases = "scheduler|lrscheduler|lrschedule|learningrateschedule",
    .choices = "schedule",
    .help = "how the learning rate goes through the run; stays as it is if not given",
};
static const odeon_option train_weights = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_PATH,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "weights",
    .aliases = "checkpoint|pretrained|initialweights|weightsfile",
    .help = "safetensors file to start from",
};
static const odeon_option train_clip_norm = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN,
    .name = "clip_norm",
    .aliases =
        "clip|gradclip|clipgrad|maxgradnorm|clipgradnorm|gradientclip|gradientclipval|clipgradient",
    .min_text = "0",
    .help = "longest gradient; a longer one is scaled down to it",
};
static const odeon_option *const train_options[] = {
    &train_loss,    &train_optimizer, &train_schedule,
    &train_weights, &train_clip_norm, &recipe_accumulate,
    &recipe_ema,    &recipe_follow,   NULL};

/* ---- [train.NAME] ---- */

static const odeon_option phase_schedule = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_COMPONENT,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "schedule",
    .aliases = "scheduler|lrscheduler|lrschedule|learningrateschedule",
    .choices = "schedule",
    .help =
        "how the learning rate goes through the phase, as through a run of its own; stays as it "
        "is if not given",
};
static const odeon_option *const phase_options[] = {&recipe_after, &train_optimizer,
                                                    &phase_schedule, &recipe_set, NULL};

/* ---- [model.NAME] ---- */

/* Optional in the table, since `share` may stand for it; node.c requires one of the two. */
static const odeon_option model_layer = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_COMPONENT,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "layer",
    .aliases = "type|module|kind",
    .choices = "layer",
    .help = "the layer of the section; required unless share is given",
};
static const odeon_option model_then = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "then",
    .aliases = "activation|act|nonlinearity|activationfunction",
    .help = "layers that follow it, separated by commas",
};
static const odeon_option model_repeat = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "repeat",
    .aliases = "nlayers|numlayers|depth",
    .min_text = "1",
    .max_text = "4096",
    .help = "how often the section is repeated, each time with parameters of its own; at most "
            "65536 layers "
            "in all",
};
static const odeon_option model_share = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "share",
    .aliases = "shared|tie|tied",
    .help = "model.PATH of the section above whose parameters and options this one uses",
};
static const odeon_option model_enabled = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "enabled",
    .aliases = "enable|active|disabled",
    .default_text = "yes",
    .help = "no leaves out the section and what is nested below it",
};
static const odeon_option *const model_options[] = {
    &model_layer,   &model_then,       &model_repeat,  &model_share,
    &recipe_freeze, &recipe_lr_factor, &model_enabled, NULL};

/* ---- [data.NAME] ---- */

/* then and repeat are the model's; share is left out, since there are no parameters. */
static const odeon_option transform_layer = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_COMPONENT,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "layer",
    .choices = "layer",
    .help = "the layer, without parameters, that the data goes through before the model",
};
static const odeon_option transform_enabled = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "enabled",
    .default_text = "yes",
    .help = "no leaves out the section",
};
static const odeon_option *const transform_options[] = {&transform_layer, &model_then,
                                                        &model_repeat, &transform_enabled, NULL};

/* ---- [plugins] ---- */

static const odeon_option plugins_load = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "load",
    .aliases = "plugin|plugins|library",
    .help = "plugin files to load first, separated by commas; check needs --trust for them",
};
static const odeon_option plugins_replace = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "replace",
    .aliases = "override|overrides|shadow",
    .help = "components KIND/ID that ship with the program and that a file from elsewhere may "
            "take the place of, separated by commas",
};
static const odeon_option *const plugins_options[] = {&plugins_load, &plugins_replace, NULL};

/* ---- [audit] ---- */

/* Optional, so that the normal form of a configuration without it stays what it is. */
static const odeon_option audit_every = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "every",
    .min_text = "1",
    .unit = "steps",
    .help = "between two audits of the gradient, the column gradient_error; none if not given",
};
static const odeon_option audit_error = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "error",
    .default_text = "0.1",
    .min_text = "0",
    .help = "of the gradient, over its length, above which a warning is given",
};
static const odeon_option audit_drift = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "drift",
    .default_text = "0.01",
    .min_text = "0",
    .help = "of a state solved backward, over its length, above which a warning is given",
};
static const odeon_option *const audit_options[] = {&audit_every, &audit_error, &audit_drift, NULL};

/* ---- all of them ---- */

/* In the order in which hints look through them: what stands first is named first. */
static const struct {
    const char *section;
    const odeon_option *const *options;
} tables[] = {
    {"run", run_options},         {"data", data_options},   {"data.NAME", transform_options},
    {"model", model_options},     {"train", train_options}, {"train.NAME", phase_options},
    {"plugins", plugins_options}, {"audit", audit_options}};
enum { N_TABLES = sizeof tables / sizeof tables[0] };

/* By the table's name, "data.NAME" and not a section's: config_table_of makes the one of the other.
 */
const odeon_option *const *config_host_options(const char *section)
{
    for (size_t i = 0; i < N_TABLES; i++) {
        if (strcmp(tables[i].section, section) == 0) {
            return tables[i].options;
        }
    }
    return NULL;
}

/* An index and not a list, so that callers need no count. */
const char *config_host_section(size_t index)
{
    return index < N_TABLES ? tables[index].section : NULL;
}

/* ---- sections and keys ---- */

/* Of each table the key that chooses the component whose options are keys of such sections. */
static const struct {
    const char *table, *own;
} owners[] = {{"data", "dataset"},
              {"train", "optimizer"},
              {"model", "layer"},
              {"data.NAME", "layer"},
              {"train.NAME", "optimizer"}};
enum { N_OWNERS = sizeof owners / sizeof *owners };

/* Sections whose own component's options may stand as keys. [run] has none: device is one choice
 * among many there, and a device's options would be mistaken for the run's. */
const char *config_own_key(const char *table)
{
    for (size_t i = 0; i < N_OWNERS; i++) {
        if (strcmp(owners[i].table, table) == 0) {
            return owners[i].own;
        }
    }
    return NULL;
}

/* A dot is needed: "modelling" would be a section of its own, if there were one. */
const char *config_table_of(const char *section)
{
    if (strncmp(section, "model.", 6) == 0) {
        return "model";
    }
    if (strncmp(section, "train.", 6) == 0) {
        return "train.NAME";
    }
    return strncmp(section, "data.", 5) == 0 ? "data.NAME" : section;
}

/* Of a key that several sections have the first is named: any of them tells the reader that a
 * section is missing. */
const char *config_section_of_key(const char *name)
{
    const char *section;
    for (size_t i = 0; (section = config_host_section(i)) != NULL; i++) {
        const odeon_option *const *options = config_host_options(section);
        for (; options != NULL && *options != NULL; options++) {
            if (strcmp((*options)->name, name) == 0) {
                return section;
            }
        }
    }
    return NULL;
}
