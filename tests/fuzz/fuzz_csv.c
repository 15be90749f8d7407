/* A comma-separated text of any bytes: refused with a reason, or a table of numbers. The first byte
 * of the input says how the rest is read: bits 0-1  separator: comma, semicolon, tab, comma bit 2
 * the first line names the columns bit 3     cells may be empty bits 4-5  columns wanted: "a", "0",
 * "1 b", "0..2 a" bit 6     the first line of the rest is the list of columns wanted, in place of
 * those */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "fuzz.h"
#include "plugin/instance.h"

/* A plugin's sources, which no library offers. */
#include "dataset/common/columns.c"
#include "dataset/common/csv_scan.c"
#include "dataset/common/csv_table.c"
#include "dataset/common/dates.c"
#include "dataset/common/words.c"

static void look_at(const csv_table *t, const csv_format *format, int64_t lines)
{
    fuzz_demand(t->n_rows > 0 && t->n_columns > 0, "a table has rows and columns");
    for (int64_t i = 0; i < t->n_rows * t->n_columns; i++) {
        fuzz_demand(isfinite(t->value[i]) || (format->gaps && isnan(t->value[i])),
                    "values are numbers, or gaps where those are allowed");
    }
    for (int64_t i = 0; i < t->n_rows; i++) {
        fuzz_demand(t->line[i] > (i > 0 ? t->line[i - 1] : 0) && t->line[i] <= lines,
                    "rows stand in lines of their own, in order");
    }
}

static void read_table_of(const odeon_host *host, const csv_format *format, const char *wanted,
                          const char *text, size_t bytes)
{
    columns list;
    csv_table table;
    odeon_status status = columns_parse(host, "inputs", wanted, &list);
    fuzz_demand((status == ODEON_OK) == (list.n > 0), "there is a list or a failure");
    if (status != ODEON_OK) {
        fuzz_check_failure(status);
        return;
    }
    status = csv_table_read(host, "fuzz", text, bytes, format, &list, &table);
    fuzz_demand((status == ODEON_OK) == (table.value != NULL), "there is a result or a failure");
    if (status == ODEON_OK) {
        int64_t lines = 1;
        for (size_t i = 0; i < bytes; i++) {
            lines += text[i] == '\n';
        }
        look_at(&table, format, lines);
        csv_table_free(host, &table);
    } else {
        fuzz_check_failure(status);
    }
    columns_free(host, &list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char separators[] = {',', ';', '\t', ','};
    static const char *const lists[] = {"a", "0", "1 b", "0..2 a"};
    static char nowhere[] = "";
    static instance host_instance = {.path = nowhere};
    if (bytes < 1) {
        return 0;
    }
    instance_host(&host_instance);
    int64_t blocks = mem_live_blocks();
    csv_format format = {.separator = separators[data[0] & 3],
                         .header = (data[0] & 4) != 0,
                         .gaps = (data[0] & 8) != 0};
    const char *wanted = lists[data[0] >> 4 & 3];
    char *copy = malloc(bytes), *text = copy; /* ASan sees what is read beyond the NUL */
    fuzz_demand(copy != NULL, "there is memory");
    memcpy(copy, data + 1, bytes - 1);
    copy[bytes - 1] = '\0';
    if ((data[0] & 0x40) != 0) {
        size_t first = strcspn(copy, "\n");
        wanted = copy;
        text = copy + first + (copy[first] == '\n');
        copy[first] = '\0';
    }
    read_table_of(&host_instance.host, &format, wanted, text, (size_t)(copy + bytes - 1 - text));
    fuzz_demand(mem_live_blocks() == blocks, "nothing leaks");
    free(copy);
    return 0;
}
