/* Devices are asked in a child process: a driver that hangs or crashes while it is opened must not
 * take this one with it, and none of its threads or handlers is left behind here. */
#include "command/inspect_devices.h"

#include "base/diag.h"
#include "device/device_auto.h"
#include "plugin/child.h"
#include "plugin/registry.h"

static const double seconds_at_most = 20.0; /* drivers take their time */

typedef struct inspection {
    registry *r;
    bool json;
} inspection;

/* The answers are sorted by rank, highest first: this is what run.device = auto takes. */
static const char *first_usable(const device_answers *answers)
{
    for (size_t i = 0; i < answers->n; i++) {
        if (answers->list[i].status == ODEON_OK) {
            return answers->list[i].id;
        }
    }
    return NULL;
}

/* A plugin that cannot be loaded does not tell its rank. */
static void write_text(FILE *out, const device_answers *answers)
{
    const char *chosen = first_usable(answers);
    (void)fprintf(out, "device = auto: the usable device of highest rank, here %s\n\n",
                  chosen != NULL ? chosen : "none");
    (void)fprintf(out, "  %-5s %s\n", "rank", "device");
    for (size_t i = 0; i < answers->n; i++) {
        const device_answer *a = &answers->list[i];
        char rank[16] = "-";
        if (a->rank != INT32_MAX) {
            (void)snprintf(rank, sizeof rank, "%d", (int)a->rank);
        }
        (void)fprintf(out, "  %-5s %-18s %s%s\n", rank, a->id,
                      a->status == ODEON_OK ? "" : "not usable: ", a->text);
    }
}

/* INT32_MAX stands for a rank that is not known. */
static void add_object(text_buffer *t, const device_answer *a)
{
    text_add(t, "{\"id\": ");
    text_json_string(t, a->id);
    if (a->rank == INT32_MAX) {
        text_add(t, ", \"rank\": null");
    } else {
        text_printf(t, ", \"rank\": %d", (int)a->rank);
    }
    text_printf(t, ", \"usable\": %s, \"text\": ", a->status == ODEON_OK ? "true" : "false");
    text_json_string(t, a->text);
    text_add(t, "}");
}

/* Into memory first: a half of an object is none. */
static odeon_status write_json(FILE *out, const device_answers *answers)
{
    text_buffer text = {0};
    const char *chosen = first_usable(answers);
    text_add(&text, "{\"auto\": ");
    if (chosen != NULL) {
        text_json_string(&text, chosen);
    } else {
        text_add(&text, "null");
    }
    text_add(&text, ",\n  \"devices\": [");
    for (size_t i = 0; i < answers->n; i++) {
        text_add(&text, i > 0 ? ",\n    " : "\n    ");
        add_object(&text, &answers->list[i]);
    }
    text_add(&text, "]}");
    odeon_status status =
        text.failed ? diag_fail(ODEON_ERR_NOMEM, "no memory to list devices") : ODEON_OK;
    (void)fprintf(out, "%s\n", status == ODEON_OK ? text.data : "");
    text_fini(&text);
    return status;
}

/* In the child. A device that cannot be used is an answer, no failure. */
static odeon_status write_devices(FILE *out, void *context)
{
    const inspection *x = context;
    device_answers answers;
    odeon_status status = device_auto_ask(x->r, true, &answers);
    if (status == ODEON_OK && x->json) {
        status = write_json(out, &answers);
    } else if (status == ODEON_OK) {
        write_text(out, &answers);
    }
    device_answers_fini(&answers);
    return status;
}

/* In the parent, which only passes the child's text on. */
odeon_status inspect_devices(registry *r, bool json, FILE *out)
{
    inspection x = {.r = r, .json = json};
    text_buffer text = {0};
    odeon_status status = child_run(write_devices, &x, seconds_at_most, "device auto", &text);
    if (status == ODEON_OK && (fputs(text.data, out) < 0 || fflush(out) != 0)) {
        status = diag_fail(ODEON_ERR_IO, "what the devices say could not be written");
    }
    text_fini(&text);
    return status;
}
