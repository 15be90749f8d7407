#include "run/train_times.h"

#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/read_file.h"
#include "odeon/host.h"

static const char *const names[TRAIN_PARTS] = {"data", "forward", "backward", "update",
                                               "test", "save",    "audit"};
static const char heading[] = "part,seconds\n";

/* ---- the file ---- */

/* A line "forward,12.5". */
static void read_line(const char *line, size_t n, train_times *out)
{
    char digits[NUMBER_TEXT_BYTES] = "";
    const char *comma = memchr(line, ',', n);
    size_t length = comma != NULL ? n - (size_t)(comma + 1 - line) : 0;
    if (length == 0 || length >= sizeof digits) {
        return;
    }
    memcpy(digits, comma + 1, length);
    for (int i = 0; i < TRAIN_PARTS; i++) {
        double seconds;
        if (strlen(names[i]) == (size_t)(comma - line) &&
            memcmp(names[i], line, strlen(names[i])) == 0 &&
            number_parse_f64(digits, &seconds) == NUMBER_OK && seconds >= 0.0) {
            out->seconds[i] = seconds;
        }
    }
}

void train_times_read(const run_dir *dir, train_times *out)
{
    char *path = run_dir_file(dir, RUN_DIR_TIMES), *text = NULL;
    size_t bytes = 0;
    *out = (train_times){{0.0}};
    if (path != NULL && access(path, R_OK) == 0 && read_file(path, &text, &bytes) == ODEON_OK) {
        for (const char *line = text; *line != '\0';) {
            size_t n = strcspn(line, "\n");
            read_line(line, n, out);
            line += n + (line[n] == '\n');
        }
    }
    diag_clear();
    mem_free(text);
    mem_free(path);
}

void train_times_write(const run_dir *dir, const train_times *times)
{
    text_buffer text = {0};
    char *path = run_dir_file(dir, RUN_DIR_TIMES);
    text_add(&text, heading);
    for (int i = 0; i < TRAIN_PARTS; i++) {
        text_printf(&text, "%s,%.6f\n", names[i], times->seconds[i]);
    }
    bool failed = path == NULL || text.failed;
    if (!failed && atomic_file_put(path, text.data, text.length) != ODEON_OK) {
        diag_log(ODEON_LOG_WARNING, "%s", diag_message());
        diag_clear();
    }
    text_fini(&text);
    mem_free(path);
}

/* ---- a step ---- */

void train_times_add_step(train_times *times, const session_seconds *step, bool apart)
{
    double whole = step->forward + step->backward + step->update;
    times->seconds[TRAIN_DATA] += step->data;
    times->seconds[TRAIN_FORWARD] += apart ? whole : step->forward;
    times->seconds[TRAIN_BACKWARD] += apart ? 0.0 : step->backward;
    times->seconds[TRAIN_UPDATE] += apart ? 0.0 : step->update;
}
