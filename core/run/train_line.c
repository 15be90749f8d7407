#include "run/train_line.h"

#include "base/diag.h"
#include "run/run_status.h"

/* A run that never had a folder. */
static void add_nothing(text_buffer *line, const char *state, const char *error)
{
    text_add(line, "{\"run\": null, \"state\": ");
    text_json_string(line, state);
    text_add(line, ", \"error\": ");
    text_json_string(line, error != NULL ? error : "");
    text_add(line, "}\n");
}

void train_line_print(const char *folder, odeon_status status, FILE *out)
{
    diag_reason reason = diag_take();
    text_buffer line = {0};
    run_status r = {.path = NULL};
    const char *state = status == ODEON_OK              ? run_state_text(RUN_FINISHED)
                        : status == ODEON_ERR_CANCELLED ? run_state_text(RUN_STOPPED)
                                                        : run_state_text(RUN_FAILED);
    const char *error = status != ODEON_OK ? reason.text : NULL;
    if (folder != NULL && run_status_read(folder, &r) == ODEON_OK) {
        run_status_json(&r, state, error, &line);
    } else {
        add_nothing(&line, state, error != NULL ? error : diag_message());
    }
    if (!line.failed) {
        (void)fputs(line.data, out);
    }
    run_status_fini(&r);
    text_fini(&line);
    diag_clear();
    if (reason.text[0] != '\0') {
        diag_adopt(reason.text);
    }
}
