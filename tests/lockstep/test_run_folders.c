/* Run folders that something went over: bytes flipped, files cut, emptied, lengthened, removed,
 * exchanged, numbers replaced by extremes. Whatever a command makes of one, it ends by itself with
 * an exit code of the table and one line of error; a resume that is refused leaves the results as
 * they were, one that is taken ends with the bits of the run that nobody touched. ODEON_FUZZ in
 * the environment says how many folders (120). */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "support.h"

static const char ini[] =
    "[run]\nname = fuzzed\nepochs = 2\nworkers = 1\ncheckpoint_every = 3\nlog_every = 2\n"
    "[data]\ndataset = drawn(shape=2 4 4, classes=3, length=40)\nbatch = 8\ntest_batch = 32\n"
    "[model.ode]\nlayer = ode(rtol=1e-3, atol=1e-3)\nintegrator = dopri5\ngradient = adjoint\n"
    "[model.ode.conv]\nlayer = conv2d(filters=state, kernel=3, padding=1)\nthen = tanh\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = adamw(lr=0.01)\n";

enum { PATH_BYTES = 3 * FOLDER_BYTES, MAX_FILES = 32, MAX_SECONDS = 60 };

typedef struct fixture {
    folder folder;
    char pristine[FOLDER_BYTES], whole[FOLDER_BYTES], trial[FOLDER_BYTES], err[FOLDER_BYTES];
} fixture;

/* ---- random numbers of one execution ---- */

typedef struct dice {
    uint64_t seed, index;
} dice;

static size_t roll(dice *d, size_t n)
{
    double share = 0.5 + 0.5 * support_random(d->seed, d->index++);
    size_t i = (size_t)(share * (double)n);
    return i < n ? i : n - 1;
}

/* ---- the program as a child ---- */

static void become(const fixture *f, const char *const *arguments)
{
    int null = open("/dev/null", O_RDWR), err = open(f->err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char *argv[16] = {0};
    (void)dup2(null, 0);
    (void)dup2(null, 1);
    (void)dup2(err, 2);
    for (int i = 0; arguments[i] != NULL; i++) {
        argv[i] = strdup(arguments[i]);
    }
    (void)execv(ODEON_PROGRAM, argv);
    _exit(127);
}

/* The exit code; fails the test where a signal or nothing at all ends the program. */
static int run(const fixture *f, const char *const *arguments)
{
    int status = 0, ready[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int kept = dup(ready[1]); /* without close-on-exec: open as long as the program lives */
        (void)kept;
        become(f, arguments);
    }
    (void)close(ready[1]);
    struct pollfd end = {.fd = ready[0], .events = POLLIN};
    bool ended = poll(&end, 1, MAX_SECONDS * 1000) == 1;
    if (!ended) {
        (void)kill(child, SIGKILL);
    }
    (void)close(ready[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!ended) {
        fail_msg("no end after %d s", MAX_SECONDS);
    }
    if (!WIFEXITED(status)) {
        fail_msg("ended by signal %d", WTERMSIG(status));
    }
    return WEXITSTATUS(status);
}

static void shell(const char *format, const char *a, const char *b)
{
    char command[2 * PATH_BYTES];
    (void)snprintf(command, sizeof command, format, a, b);
    assert_int_equal(system(command), 0);
}

/* ---- files ---- */

typedef struct content {
    unsigned char *data;
    size_t bytes;
    bool there;
} content;

static content content_of(const char *run, const char *name)
{
    char path[PATH_BYTES];
    content c = {.there = false};
    (void)snprintf(path, sizeof path, "%s/%s", run, name);
    FILE *file = fopen(path, "rb");
    struct stat s;
    if (file == NULL || fstat(fileno(file), &s) != 0 || !S_ISREG(s.st_mode)) {
        if (file != NULL) {
            (void)fclose(file);
        }
        return c;
    }
    c.there = true;
    c.bytes = (size_t)s.st_size;
    c.data = malloc(c.bytes + 1);
    assert_non_null(c.data);
    c.bytes = fread(c.data, 1, c.bytes, file);
    (void)fclose(file);
    return c;
}

static void put(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static bool same(const content *a, const content *b)
{
    return a->there == b->there && a->bytes == b->bytes &&
           (!a->there || memcmp(a->data, b->data, a->bytes) == 0);
}

/* The files of a run and of its checkpoints, by path, in a fixed order. */
typedef struct listing {
    char path[MAX_FILES][PATH_BYTES];
    size_t n;
} listing;

static int by_path(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void list(listing *l, const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char file[PATH_BYTES + 256];
        struct stat s;
        (void)snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        if (e->d_name[0] == '.' || stat(file, &s) != 0) {
            continue;
        }
        if (S_ISDIR(s.st_mode)) {
            list(l, file);
        } else {
            assert_true(l->n < MAX_FILES && strlen(file) < PATH_BYTES);
            memcpy(l->path[l->n++], file, strlen(file) + 1);
        }
    }
    (void)closedir(dir);
    qsort(l->path, l->n, sizeof l->path[0], by_path);
}

/* ---- mutations ---- */

static void flip(dice *d, content *c)
{
    for (size_t n = 1 + roll(d, 4); n > 0 && c->bytes > 0; n--) {
        c->data[roll(d, c->bytes)] ^= (unsigned char)(1u << roll(d, 8));
    }
}

/* A number in the text becomes another. */
static void renumber(dice *d, content *c)
{
    static const char *const extremes[] = {"0",
                                           "-1",
                                           "1",
                                           "9223372036854775807",
                                           "-9223372036854775808",
                                           "99999999999999999999",
                                           "nan",
                                           "1e999",
                                           "0x10",
                                           "1e-320"};
    size_t at = c->bytes > 0 ? roll(d, c->bytes) : 0, end;
    while (at < c->bytes && (c->data[at] < '0' || c->data[at] > '9')) {
        at++;
    }
    for (end = at; end < c->bytes && c->data[end] >= '0' && c->data[end] <= '9';) {
        end++;
    }
    const char *with = extremes[roll(d, sizeof extremes / sizeof *extremes)];
    unsigned char *text = malloc(c->bytes + strlen(with) + 1);
    assert_non_null(text);
    memcpy(text, c->data, at);
    memcpy(text + at, with, strlen(with));
    memcpy(text + at + strlen(with), c->data + end, c->bytes - end);
    c->bytes += strlen(with) - (end - at);
    free(c->data);
    c->data = text;
}

static void lengthen(dice *d, content *c)
{
    size_t more = 1 + roll(d, 300);
    c->data = realloc(c->data, c->bytes + more);
    assert_non_null(c->data);
    for (size_t i = 0; i < more; i++) {
        c->data[c->bytes + i] = (unsigned char)roll(d, 256);
    }
    c->bytes += more;
}

/* A stretch of the file is written over another. */
static void overlay(dice *d, content *c)
{
    if (c->bytes > 1) {
        size_t from = roll(d, c->bytes), to = roll(d, c->bytes);
        size_t left = c->bytes - (from > to ? from : to), n = 1 + roll(d, left);
        memmove(c->data + to, c->data + from, n < left ? n : left);
    }
}

static void mutate(dice *d, const listing *l)
{
    const char *path = l->path[roll(d, l->n)];
    content c = content_of("", path + 1), other;
    switch (roll(d, 10)) {
    case 0:
        assert_int_equal(remove(path), 0);
        break;
    case 1:
        put(path, "", 0);
        break;
    case 2:
        put(path, c.data, roll(d, c.bytes + 1));
        break;
    case 3: /* another file of the run in its place */
        other = content_of("", l->path[roll(d, l->n)] + 1);
        put(path, other.data, other.bytes);
        free(other.data);
        break;
    case 4:
        assert_int_equal(remove(path), 0);
        assert_int_equal(roll(d, 2) == 0 ? mkdir(path, 0755) : symlink(path, path), 0);
        break;
    case 5:
        lengthen(d, &c);
        put(path, c.data, c.bytes);
        break;
    case 6:
        overlay(d, &c);
        put(path, c.data, c.bytes);
        break;
    case 7:
    case 8:
        renumber(d, &c);
        put(path, c.data, c.bytes);
        break;
    default:
        flip(d, &c);
        put(path, c.data, c.bytes);
        break;
    }
    free(c.data);
}

/* ---- claims ---- */

/* One error, the last line, without anything that a terminal would obey. */
static void check_error(const fixture *f)
{
    static const char begins[] = "odeon: error: ";
    size_t bytes;
    unsigned char *text = folder_read(f->err, &bytes);
    const char *last = NULL;
    int errors = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (i == 0 || text[i - 1] == '\n') {
            last = (const char *)text + i;
            errors += bytes - i >= strlen(begins) && memcmp(last, begins, strlen(begins)) == 0;
        }
        if ((text[i] < ' ' && text[i] != '\n') || text[i] == 0x7f) {
            fail_msg("a control character in: %.*s", (int)bytes, text);
        }
    }
    if (errors != 1 || strncmp(last, begins, strlen(begins)) != 0) {
        fail_msg("not one error at the end of: %.*s", (int)bytes, text);
    }
    free(text);
}

static const char *const results[] = {"metrics.csv", "metrics.jsonl", "weights.safetensors",
                                      "weights-best.safetensors"};
enum { RESULTS = sizeof results / sizeof *results };

static int go_on(const fixture *f)
{
    const char *arguments[] = {"odeon",        "train",         f->trial,           "--resume",
                               "run.epochs=3", "--plugin-path", ODEON_TEST_PLUGINS, NULL};
    return run(f, arguments);
}

/* What stands in the way of a result that has to be written: a folder, a link that leads nowhere.
 * How many there were. */
static int clear_the_way(const fixture *f)
{
    int n = 0;
    for (size_t i = 0; i < RESULTS; i++) {
        char path[PATH_BYTES];
        struct stat s;
        (void)snprintf(path, sizeof path, "%s/%s", f->trial, results[i]);
        if (lstat(path, &s) == 0 && !S_ISREG(s.st_mode)) {
            assert_int_equal(remove(path), 0);
            n++;
        }
    }
    return n;
}

static void check_whole(const fixture *f)
{
    content want = content_of(f->whole, "weights.safetensors"),
            got = content_of(f->trial, "weights.safetensors");
    if (!same(&want, &got)) {
        fail_msg("resumed to other weights");
    }
    free(want.data);
    free(got.data);
}

/* Refused before anything was done; or, where a result could not be written in the end, what is
 * kept goes on to the same bits once it can. */
static int resume(const fixture *f)
{
    content before[RESULTS];
    bool changed = false;
    for (size_t i = 0; i < RESULTS; i++) {
        before[i] = content_of(f->trial, results[i]);
    }
    int code = go_on(f);
    for (size_t i = 0; i < RESULTS; i++) {
        content after = content_of(f->trial, results[i]);
        changed = changed || !same(&before[i], &after);
        free(before[i].data);
        free(after.data);
    }
    if (code == 0) {
        check_whole(f);
    } else if (changed) {
        size_t bytes;
        char *text = folder_read(f->err, &bytes);
        if (code != 5 || clear_the_way(f) == 0 || go_on(f) != 0) {
            fail_msg("refused with %d, but results are others: %.*s", code, (int)bytes, text);
        }
        free(text);
        check_whole(f);
    }
    return code == 0 || changed ? 0 : code;
}

static int evaluate(const fixture *f)
{
    char config[PATH_BYTES], weights[PATH_BYTES];
    (void)snprintf(config, sizeof config, "%s/effective.ini", f->trial);
    (void)snprintf(weights, sizeof weights, "%s/weights.safetensors", f->trial);
    const char *arguments[] = {
        "odeon", "eval", config, "--weights", weights, "--plugin-path", ODEON_TEST_PLUGINS, NULL};
    return run(f, arguments);
}

static int compare(const fixture *f)
{
    const char *arguments[] = {"odeon", "diff", f->pristine, f->trial, NULL};
    return run(f, arguments);
}

static int execute(const fixture *f, dice *d)
{
    listing l = {.n = 0};
    shell("rm -rf '%s'", f->trial, "");
    shell("cp -r '%s' '%s'", f->pristine, f->trial);
    list(&l, f->trial);
    for (size_t n = 1 + roll(d, 3); n > 0 && l.n > 0; n--) {
        l.n = 0;
        list(&l, f->trial);
        mutate(d, &l);
    }
    size_t what = roll(d, 4);
    int code = what < 2 ? resume(f) : what == 2 ? evaluate(f) : compare(f);
    if (code < 0 || code > 7 || (code == 1 && what != 3)) {
        fail_msg("exit code %d", code);
    }
    if (code > 1) {
        check_error(f);
    }
    return code;
}

static void train(const fixture *f, const char *out, const char *epochs)
{
    char option[FOLDER_BYTES + 16];
    (void)snprintf(option, sizeof option, "run.out=%s", out);
    const char *arguments[] = {"odeon",
                               "train",
                               folder_file(&f->folder, "fuzzed.ini"),
                               "--plugin-path",
                               ODEON_TEST_PLUGINS,
                               option,
                               epochs,
                               NULL};
    assert_int_equal(run(f, arguments), 0);
}

static void test_damaged_folder_is_refused_or_goes_on_to_the_same_bits(void **state)
{
    (void)state;
    const char *given = getenv("ODEON_FUZZ"), *seed = getenv("ODEON_FUZZ_SEED");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    uint64_t n = given != NULL ? strtoull(given, NULL, 10) : 120;
    int codes[8] = {0};
    fixture f = {.folder = folder_create()};
    folder_write(&f.folder, "fuzzed.ini", ini, strlen(ini));
    (void)snprintf(f.pristine, sizeof f.pristine, "%s", folder_file(&f.folder, "pristine"));
    (void)snprintf(f.whole, sizeof f.whole, "%s", folder_file(&f.folder, "whole"));
    (void)snprintf(f.trial, sizeof f.trial, "%s", folder_file(&f.folder, "trial"));
    (void)snprintf(f.err, sizeof f.err, "%s", folder_file(&f.folder, "err"));
    train(&f, f.pristine, "run.epochs=2");
    train(&f, f.whole, "run.epochs=3");
    for (uint64_t i = 0; i < n; i++) {
        dice d = {.seed = first + i};
        print_message("%llu\r",
                      (unsigned long long)d.seed); /* the last one, of a test that fails */
        codes[execute(&f, &d)]++;
    }
    print_message("%llu folders; exit codes:", (unsigned long long)n);
    for (int code = 0; code < 8; code++) {
        print_message(" %d of %d", codes[code], code);
    }
    print_message("\n");
    folder_remove(&f.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_folder_is_refused_or_goes_on_to_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
