/* What a run shows on a terminal: a bar, lines that fit its width, and no escape sequences where
 * they are not wanted. The program runs on a pseudoterminal. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "support.h"

/* Long enough for a line to be redrawn several times, with tests on the way. */
#define INI(rest)                                                                                  \
    "[run]\nname = shown\niterations = 3000\nworkers = 1\nlog_every = 2000\n"                      \
    "eval_every = 400 steps\n"                                                                     \
    "[data]\ndataset = drawn(shape=2 4 4, classes=" rest                                           \
    "[model.ode]\nlayer = ode(steps=2)\nintegrator = rk4\ngradient = direct\n"                     \
    "[model.ode.conv]\nlayer = conv2d(filters=state, kernel=3, padding=1)\nthen = tanh\n"          \
    "[model.flat]\nlayer = flatten\n"                                                              \
    "[model.head]\nlayer = dense(units=3)\n"
static const char of_classes[] = INI("3, length=64)\nbatch = 8\n"
                                     "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.01)\n");

enum { SHOWN_BYTES = 1 << 20 };

/* What one run shows; text is freed by the caller. */
typedef struct shown {
    int columns;
    char *text;
} shown;

static void become_program(const folder *f, const char *ini, const char *device, int terminal)
{
    char out[FOLDER_BYTES + 16], on[64];
    (void)snprintf(out, sizeof out, "run.out=%s", folder_file(f, "run"));
    (void)snprintf(on, sizeof on, "run.device=%s", device);
    for (int fd = 0; fd <= 2; fd++) {
        (void)dup2(terminal, fd);
    }
    (void)execl(ODEON_PROGRAM, "odeon", "train", ini, "--plugin-path", ODEON_TEST_PLUGINS, out, on,
                (char *)NULL);
    _exit(127);
}

static int open_terminal(int columns, int *user)
{
    int program = posix_openpt(O_RDWR | O_NOCTTY);
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    if (program < 0) {
        support_not_covered("what a terminal shows (no pseudoterminals here)");
    }
    assert_int_equal(grantpt(program), 0);
    assert_int_equal(unlockpt(program), 0);
    assert_int_equal(ioctl(program, TIOCSWINSZ, &size), 0);
    *user = open(ptsname(program), O_RDWR | O_NOCTTY);
    assert_true(*user >= 0);
    return program;
}

static shown show(const char *ini_text, const char *device, int columns)
{
    int user = -1, screen = open_terminal(columns, &user);
    folder f = folder_create();
    folder_write(&f, "shown.ini", ini_text, strlen(ini_text));
    char ini[FOLDER_BYTES];
    (void)snprintf(ini, sizeof ini, "%s", folder_file(&f, "shown.ini"));
    shown s = {.columns = columns, .text = calloc(SHOWN_BYTES, 1)};
    assert_non_null(s.text);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        become_program(&f, ini, device, user);
    }
    (void)close(user);
    ssize_t n = 0, bytes = 0;
    while ((n = read(screen, s.text + bytes, (size_t)(SHOWN_BYTES - 1 - bytes))) > 0) {
        bytes += n; /* ends with EIO when the program has closed it */
    }
    (void)close(screen);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0) {
        fail_msg("status %d: %s", status, s.text);
    }
    folder_remove(&f);
    return s;
}

/* Columns of n bytes of UTF-8 but for the sequence that erases to the end of the line. */
static int columns_of(const char *text, size_t n)
{
    int columns = 0;
    for (size_t i = 0; i < n; i++) {
        if (n - i >= 3 && memcmp(text + i, "\x1b[K", 3) == 0) {
            i += 2;
        } else {
            columns += ((unsigned char)text[i] & 0xc0u) != 0x80u;
        }
    }
    return columns;
}

static bool begins(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* Every line that is drawn, or stays, has room; how many are there that begin so? */
static int count_fitting(const shown *s, const char *beginning)
{
    int found = 0;
    for (const char *at = s->text; *at != '\0'; at += strspn(at, "\r\n")) {
        size_t n = strcspn(at, "\r\n");
        if (begins(at, beginning)) {
            found++;
            if (columns_of(at, n) > s->columns - 1) {
                fail_msg("%d columns: %.*s", s->columns, (int)n, at);
            }
        }
        at += n;
    }
    return found;
}

static void set_up_terminal(const char *term, const char *no_color)
{
    assert_int_equal(setenv("TERM", term, 1), 0);
    assert_int_equal(setenv("LC_ALL", "C", 1), 0);
    assert_int_equal(no_color != NULL ? setenv("NO_COLOR", no_color, 1) : unsetenv("NO_COLOR"), 0);
}

static void test_terminal_lines_fit_it(void **state)
{
    (void)state;
    static const int widths[] = {40, 110}; /* and 80, below */
    set_up_terminal("xterm", NULL);
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        shown s = show(of_classes, "cpu", widths[i]);
        assert_true(count_fitting(&s, "train ") >= 1);
        assert_true(count_fitting(&s, widths[i] == 40 ? "step " : "epoch ") >= 4);
        assert_non_null(strstr(s.text, "test: loss "));
        free(s.text);
    }
}

static void test_terminal_of_80_columns_has_a_bar(void **state)
{
    (void)state;
    set_up_terminal("xterm", "");
    shown s = show(of_classes, "cpu", 80);
    assert_true(count_fitting(&s, "train ") >= 1);
    assert_true(count_fitting(&s, "epoch ") >= 4);
    assert_non_null(strstr(s.text, "test: loss "));
    const char *line = strstr(s.text, "\rtrain ");
    assert_non_null(line);
    line += strcspn(line, "%");
    assert_true(strspn(line, "% #.") >= 4 + 8); /* "% ", the bar, two blanks */
    assert_non_null(strstr(s.text, "\x1b[K"));
    free(s.text);
}

static void test_terminal_without_color_gets_no_escapes(void **state)
{
    (void)state;
    set_up_terminal("xterm", "1");
    shown s = show(of_classes, "cpu", 80);
    assert_true(count_fitting(&s, "train ") >= 1);
    assert_non_null(strstr(s.text, "\rtrain "));
    assert_null(strchr(s.text, '\x1b'));
    free(s.text);
}

static void test_terminal_that_is_dumb_gets_plain_lines(void **state)
{
    (void)state;
    set_up_terminal("dumb", NULL);
    shown s = show(of_classes, "cpu", 80);
    assert_int_equal(count_fitting(&s, "train "), 0);
    assert_true(count_fitting(&s, "epoch ") >= 4);
    assert_null(strchr(s.text, '\x1b'));
    for (const char *at = s.text; (at = strchr(at, '\r')) != NULL; at++) {
        assert_int_equal(at[1], '\n'); /* the terminal's own */
    }
    free(s.text);
}

static void test_terminal_shows_counters_of_a_device_of_its_own_alone(void **state)
{
    (void)state;
    set_up_terminal("xterm", NULL);
    shown s = show(of_classes, "cpu", 200);
    assert_null(strstr(s.text, "launches"));
    assert_null(strstr(s.text, "device: "));
    free(s.text);
    s = show(of_classes, "remote", 200);
    assert_non_null(strstr(s.text, ", device waits "));
    assert_non_null(strstr(s.text, "device: at the last step waits "));
    free(s.text);
}

/* ---- a curve above the line ---- */

enum { LINES = 256, WIDTH = 128 };

/* What a terminal that never scrolls has on it. */
typedef struct screen {
    char text[LINES][WIDTH + 1];
    int row, column;
} screen;

static void erase_from(screen *s, int row, int column)
{
    memset(s->text[row] + column, ' ', (size_t)(WIDTH - column));
}

/* An escape sequence, behind ESC; its length. */
static size_t obey(screen *s, const char *sequence)
{
    char *end = NULL;
    long n = strtol(sequence + 1, &end, 10);
    assert_true(sequence[0] == '[' && strchr("AJK", *end) != NULL);
    if (*end == 'A') {
        s->row -= (int)n;
        assert_true(n > 0 && n < 24 && s->row >= 0); /* the terminal has 24 lines */
    }
    erase_from(s, s->row, *end == 'A' ? WIDTH : s->column);
    for (int row = s->row + 1; *end == 'J' && row < LINES; row++) {
        erase_from(s, row, 0);
    }
    return (size_t)(end + 1 - sequence);
}

static void write_on(screen *s, const char *text)
{
    for (int row = 0; row < LINES; row++) {
        erase_from(s, row, 0);
    }
    while (*text != '\0') {
        char c = *text++;
        if (c == '\x1b') {
            text += obey(s, text);
        } else if (c == '\r' || c == '\n') {
            s->row += c == '\n';
            s->column = c == '\r' ? 0 : s->column;
        } else {
            assert_true(s->row < LINES && s->column < WIDTH);
            s->text[s->row][s->column++] = c;
        }
    }
}

static int count_lines(const screen *s, const char *with)
{
    int found = 0;
    for (int row = 0; row < LINES; row++) {
        found += strstr(s->text[row], with) != NULL;
    }
    return found;
}

static int count_words(const char *text, const char *word)
{
    int found = 0;
    for (; (text = strstr(text, word)) != NULL; text++) {
        found++;
    }
    return found;
}

/* The curve is drawn anew for each test, in its own place, and every line that is to stay is there
 * at the end. */
static void test_terminal_has_one_curve_and_all_lines(void **state)
{
    (void)state;
    static screen s;
    static const char name[] = "[run]\n";
    char ini[sizeof of_classes + 64];
    (void)snprintf(ini, sizeof ini, "%sobservers = terminal(every=0, height=5)\n%s", name,
                   of_classes + strlen(name));
    set_up_terminal("xterm", NULL);
    shown all = show(ini, "cpu", 80);
    write_on(&s, all.text);
    assert_int_equal(count_lines(&s, "loss: train "), 1);
    assert_int_equal(count_lines(&s, "  |"), 2); /* between the labels of the axis */
    assert_true(count_words(all.text, "loss: train ") >= 8);
    assert_int_equal(count_lines(&s, ", test: loss "), count_words(all.text, ", test: loss "));
    assert_int_equal(count_lines(&s, "train 1/"), 0); /* the line of progress is gone */
    assert_non_null(strchr(all.text, 'o'));
    assert_non_null(strstr(all.text, "A\x1b[J"));
    free(all.text);
}

/* of_classes with observers, on so many columns; s is what stands there at the end. */
static shown show_observed(const char *observers, int columns, screen *s)
{
    static const char name[] = "[run]\n";
    char ini[sizeof of_classes + 128];
    (void)snprintf(ini, sizeof ini, "%sobservers = %s\n%s", name, observers,
                   of_classes + strlen(name));
    set_up_terminal("xterm", NULL);
    shown all = show(ini, "cpu", columns);
    memset(s, 0, sizeof *s);
    write_on(s, all.text);
    return all;
}

/* A warning stands below the curve, and is not where the next one is drawn. */
static void test_terminal_keeps_warnings_below_the_curve(void **state)
{
    (void)state;
    static screen s;
    shown all = show_observed("terminal(every=0, height=5), count(fail_at=4)", 80, &s);
    assert_int_equal(count_words(all.text, "the run goes on without observer count"), 1);
    assert_int_equal(count_lines(&s, "the run goes on without obser"), 1);
    assert_int_equal(count_lines(&s, ", test: loss "), count_words(all.text, ", test: loss "));
    assert_int_equal(count_lines(&s, "loss: train "), 2); /* as it stood then, and the last */
    free(all.text);
}

static void test_terminal_that_is_narrow_has_whole_lines_of_a_curve(void **state)
{
    (void)state;
    static screen s;
    shown all = show_observed("terminal(every=0, height=5)", 40, &s);
    assert_true(count_fitting(&all, "          loss: train") >= 1);
    assert_int_equal(count_lines(&s, "loss: train"), 1);
    free(all.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal_has_one_curve_and_all_lines),
        cmocka_unit_test(test_terminal_keeps_warnings_below_the_curve),
        cmocka_unit_test(test_terminal_that_is_narrow_has_whole_lines_of_a_curve),
        cmocka_unit_test(test_terminal_lines_fit_it),
        cmocka_unit_test(test_terminal_of_80_columns_has_a_bar),
        cmocka_unit_test(test_terminal_without_color_gets_no_escapes),
        cmocka_unit_test(test_terminal_that_is_dumb_gets_plain_lines),
        cmocka_unit_test(test_terminal_shows_counters_of_a_device_of_its_own_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
