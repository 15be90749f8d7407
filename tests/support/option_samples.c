#include "option_samples.h"

#include <string.h>

#include "support.h"

#define OPTION(variable, ...)                                                                      \
    static const odeon_option variable = {.struct_size = sizeof(odeon_option), __VA_ARGS__}

OPTION(whole, .type = ODEON_OPTION_I64, .name = "whole", .default_text = "3", .min_text = "1",
       .max_text = "9", .unit = "steps", .help = "a whole number");
OPTION(large, .type = ODEON_OPTION_I64, .name = "large", .flags = ODEON_OPTION_REQUIRED,
       .help = "one of any size");
OPTION(real, .type = ODEON_OPTION_F64, .name = "real", .flags = ODEON_OPTION_OPEN_MIN,
       .default_text = "0.5", .min_text = "0", .aliases = "tol|reltol",
       .help = "a number above zero");
OPTION(bound, .type = ODEON_OPTION_F64, .name = "bound", .default_text = "inf", .min_text = "0",
       .max_text = "inf", .help = "one that may be infinite");
OPTION(share, .type = ODEON_OPTION_F64, .name = "share",
       .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN | ODEON_OPTION_OPEN_MAX,
       .min_text = "0", .max_text = "1", .replaces = "bound", .help = "one between two");
OPTION(flag, .type = ODEON_OPTION_FLAG, .name = "flag", .default_text = "yes", .help = "yes or no");
OPTION(word, .type = ODEON_OPTION_STRING, .name = "word", .flags = ODEON_OPTION_OPTIONAL,
       .help = "any text");
OPTION(pick, .type = ODEON_OPTION_CHOICE, .name = "pick", .default_text = "red",
       .choices = "red|green|blue|from(path)", .help = "one of four");
OPTION(file, .type = ODEON_OPTION_PATH, .name = "file", .flags = ODEON_OPTION_OPTIONAL,
       .help = "a file");
OPTION(wholes, .type = ODEON_OPTION_I64_LIST, .name = "wholes", .default_text = "1 2",
       .min_text = "0", .help = "whole numbers");
OPTION(reals, .type = ODEON_OPTION_F64_LIST, .name = "reals", .flags = ODEON_OPTION_OPTIONAL,
       .help = "numbers");
OPTION(moments, .type = ODEON_OPTION_F64_LIST, .name = "moments", .flags = ODEON_OPTION_OPTIONAL,
       .min_text = "0", .choices = "batch|first", .help = "numbers, or a word");
OPTION(units, .type = ODEON_OPTION_SIZE, .name = "units", .default_text = "4", .help = "a size");
OPTION(part, .type = ODEON_OPTION_COMPONENT, .name = "part", .flags = ODEON_OPTION_OPTIONAL,
       .choices = "layer", .help = "a layer within");

static const odeon_option *const options[] = {&whole, &large,   &real,  &bound, &share,
                                              &flag,  &word,    &pick,  &file,  &wholes,
                                              &reals, &moments, &units, &part,  NULL};

const odeon_component option_samples = {.struct_size = sizeof option_samples,
                                        .kind = ODEON_KIND_LAYER,
                                        .id = "samples",
                                        .options = options};

const odeon_option *option_sample(const char *name)
{
    for (size_t i = 0; options[i] != NULL; i++) {
        if (strcmp(options[i]->name, name) == 0) {
            return options[i];
        }
    }
    fail_msg("there is no option '%s'", name);
    return NULL;
}
