/* small_command.h: commands called in this process, with what they say to people kept apart from
 * what they write, in the folder of run_fixture.h. */
#ifndef ODEON_TESTS_UNIT_SMALL_COMMAND_H
#define ODEON_TESTS_UNIT_SMALL_COMMAND_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "command/command.h"
#include "run_fixture.h"
#include "support_session.h"

/* Three classes of eight drawn samples, and an ODE block of two fixed steps. */
#define SMALL_INI                                                                                  \
    "[run]\nworkers = 1\ndtype = float64\nepochs = 1\n"                                            \
    "[data]\ndataset = drawn(shape=2, classes=3, length=8)\nbatch = 4\n"                           \
    "[model.ode]\nlayer = ode(steps=2)\nintegrator = euler\ngradient = direct\n"                   \
    "[model.ode.f]\nlayer = dense(units=state)\nthen = tanh\n"                                     \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"

enum { SMALL_COMMAND_WORDS = 24 };

typedef struct small_command {
    char *words[SMALL_COMMAND_WORDS]; /* owned */
    int n;
    command_line line;
    char *out, *err; /* what the command has said, once its streams are closed; owned */
    size_t bytes[2];
} small_command;

static inline void small_command_add(small_command *x, const char *word)
{
    assert_true(x->n < SMALL_COMMAND_WORDS);
    x->words[x->n++] = mem_strdup(word);
}

/* The words of "odeon WORDS...", which are separated by blanks, with the plugins of the build and
 * of the tests. */
static inline void small_command_split(small_command *x, const char *words)
{
    *x = (small_command){.n = 0};
    char *copy = mem_strdup(words), *rest = NULL;
    small_command_add(x, "odeon");
    for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
        small_command_add(x, w);
    }
    mem_free(copy);
    small_command_add(x, "--plugin-path");
    small_command_add(x, ODEON_TEST_PLUGINS);
    small_command_add(x, "--plugin-path");
    small_command_add(x, ODEON_BUILD "/plugins");
}

/* The same, taken apart. */
static inline void small_command_parse(small_command *x, const char *words)
{
    small_command_split(x, words);
    support_require(command_line_parse(x->n, x->words, &x->line), "command line");
    diag_clear();
}

static inline void small_command_close(small_command *x)
{
    command_line_fini(&x->line);
    for (int i = 0; i < x->n; i++) {
        mem_free(x->words[i]);
    }
    free(x->out);
    free(x->err);
}

/* Runs c on "odeon WORDS..."; x is for small_command_close. */
static inline odeon_status small_command_run(const command *c, const char *words, small_command *x)
{
    small_command_parse(x, words);
    support_require(command_line_allow(&x->line, c->options), "options");
    x->line.out = open_memstream(&x->out, &x->bytes[0]);
    x->line.err = open_memstream(&x->err, &x->bytes[1]);
    odeon_status status = c->run(&x->line);
    assert_int_equal(fclose(x->line.out) | fclose(x->line.err), 0);
    return status;
}

/* Fails the test unless the command answers so, with that message ("" for none: not looked at). */
static inline void small_command_expect(const command *c, const char *words, odeon_status status,
                                        const char *message)
{
    small_command x;
    odeon_status found = small_command_run(c, words, &x);
    if (found != status || (message[0] != '\0' && strstr(diag_message(), message) == NULL)) {
        fail_msg("%s: %d: '%s', expected %d: '%s'", words, (int)found, diag_message(), (int)status,
                 message);
    }
    small_command_close(&x);
}

static inline void small_command_put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* A run of "small.ini" in the folder "run", for commands that want one. */
static inline void small_command_train(void)
{
    small_command x;
    small_command_put("small.ini", SMALL_INI);
    support_require(small_command_run(&command_train, "train small.ini run.out=run", &x), "train");
    small_command_close(&x);
}

/* What every command says of itself fits what the program shows of it. */
static inline void small_command_check(const command *c, const char *name)
{
    assert_string_equal(c->name, name);
    assert_true(c->help[0] != '\0' && c->help[strlen(c->help) - 1] == '\n');
    assert_true(c->summary[0] != '\0' && c->summary[strlen(c->summary) - 1] != '.');
    assert_true(c->min_operands <= c->max_operands);
}

#endif
