#include "command/setup_spare.h"

/* What a file that the user names must not be: one that the command reads. */
#include "base/mem.h"
#include "base/output_file.h"
#include "config/document.h"
#include "format/run_folder.h"

/* How the output was asked for, and where it goes. */
typedef struct output {
    const char *option, *path;
} output;

/* input NULL is no file. Files are compared by what they are, not by their names
 * (output_file_spare). */
static odeon_status spare(const output *x, const char *what, const char *input)
{
    return output_file_spare(x->option, x->path, what, input);
}

/* Files of the data set: its options that are paths. */
static odeon_status spare_data(const output *x, const odeon_config *dataset)
{
    for (size_t i = 0; dataset != NULL && i < dataset->n; i++) {
        const option_value *value = &dataset->values[i];
        if (dataset->component->options[i]->type == ODEON_OPTION_PATH) {
            ODEON_TRY(spare(x, "[data]", value->text));
        }
        ODEON_TRY(spare(x, "[data]", value->argument));
    }
    return ODEON_OK;
}

/* The name may be that of a run's folder, whose file is what would be lost. Weights that are not
 * there are reported now rather than after the work. */
static odeon_status spare_weights(const output *x, const char *path)
{
    char *weights = NULL;
    if (path == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(run_folder_find_weights(path, &weights));
    odeon_status status = spare(x, "train.weights", weights);
    mem_free(weights);
    return status;
}

/* Everything that this command line makes the program read, as far as options tell; files that a
 * plugin finds by itself in a folder are not known here. */
odeon_status setup_spare(const setup *s, const command_line *a, int option, const char *name)
{
    const config *c = s->config;
    output x = {.option = name, .path = a->value[option]};
    ODEON_TRY(output_file_check(x.path));
    for (size_t i = 0; i < c->document->n_paths; i++) {
        ODEON_TRY(spare(&x, "the configuration", c->document->paths[i]));
    }
    ODEON_TRY(spare(&x, "--in", a->value[ARGUMENT_IN]));
    ODEON_TRY(spare(&x, "--batch", a->value[ARGUMENT_BATCH]));
    ODEON_TRY(spare(&x, "data.order", c->order));
    ODEON_TRY(spare_data(&x, c->dataset));
    return spare_weights(&x, c->weights);
}
