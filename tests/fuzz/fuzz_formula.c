/* The layer formula given any text: refused with a reason, or a program whose values are made of
 * earlier ones. The lines are the options equations, constants, learn, inputs, outputs; an empty or
 * missing one is not given. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "fuzz.h"
#include "plugin/instance.h"

/* A plugin's sources, which no library offers. */
#include "layer/formula/bounds.c"
#include "layer/formula/expression.c"
#include "layer/formula/names.c"
#include "layer/formula/operand.c"
#include "layer/formula/parse.c"
#include "layer/formula/program.c"
#include "layer/formula/scan.c"

static void check_operand(const program *p, int32_t i, int32_t value)
{
    fuzz_demand(value >= 0 && value < i, "operands come before what is made of them");
    fuzz_demand(p->values[value].kind != VALUE_CONSTANT, "constants are folded");
    fuzz_demand(!p->values[i].live || p->values[value].place >= 0, "what is needed is computed");
}

static void check_program(const program *p)
{
    fuzz_demand(p->n_outputs > 0 && p->n_outputs <= PROGRAM_MAX_OUTPUTS, "something comes out");
    for (int32_t i = 0; i < p->n_outputs; i++) {
        fuzz_demand(p->outputs[i] >= 0 && p->outputs[i] < p->n, "outputs are values");
    }
    for (int32_t i = 0; i < p->n; i++) {
        const program_value *x = &p->values[i];
        fuzz_demand(x->place < p->n_live && x->kept < p->n_kept, "places are within their number");
        if (x->kind >= VALUE_AFFINE) {
            check_operand(p, i, x->a);
        }
        if (x->kind == VALUE_BINARY) {
            check_operand(p, i, x->b);
        }
        fuzz_demand(x->kind != VALUE_INPUT || x->id < p->n_inputs,
                    "inputs are within their number");
        fuzz_demand(x->kind != VALUE_PARAM || x->id < p->n_params, "so are parameters");
    }
}

/* Ends the line at *rest; NULL: it is empty, or there is none. */
static const char *cut_line(char **rest)
{
    char *line = *rest, *end = line != NULL ? strchr(line, '\n') : NULL;
    *rest = end != NULL ? end + 1 : NULL;
    if (end != NULL) {
        *end = '\0';
    }
    return line != NULL && *line != '\0' ? line : NULL;
}

static void parse(const odeon_host *host, char *rest)
{
    static program p;
    static formula_param params[PROGRAM_MAX_PARAMS];
    memset(&p, 0, sizeof p);
    memset(params, 0, sizeof params);
    formula_text text = {.equations = cut_line(&rest)};
    text.constants = cut_line(&rest);
    text.learn = cut_line(&rest);
    text.inputs = cut_line(&rest);
    text.outputs = cut_line(&rest);
    if (text.equations == NULL) {
        return;
    }
    odeon_status status = formula_parse(host, &text, &p, params);
    if (status == ODEON_OK) {
        check_program(&p);
    } else {
        fuzz_check_failure(status);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static char nowhere[] = "";
    static instance host_instance = {.path = nowhere};
    instance_host(&host_instance);
    char *text = calloc(bytes + 1, 1);
    fuzz_demand(text != NULL, "there is memory");
    memcpy(text, data, bytes);
    for (size_t i = 0; i < bytes; i++) { /* the host lets no other control characters pass */
        text[i] = (unsigned char)text[i] < 0x20 && text[i] != '\n' ? '\t' : text[i];
    }
    int64_t blocks = mem_live_blocks();
    parse(&host_instance.host, text);
    fuzz_demand(mem_live_blocks() == blocks, "nothing leaks");
    free(text);
    return 0;
}
