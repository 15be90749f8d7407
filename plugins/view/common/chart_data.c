/* The numbers behind a chart: as a table, as Vega-Lite, and a program that draws the table. */
#include <math.h>
#include <string.h>

#include "chart_model.h"

static const char *const kind_names[] = {
    [CHART_LINE] = "line",     [CHART_BAND] = "band",     [CHART_POINTS] = "points",
    [CHART_BARS] = "bars",     [CHART_ARROWS] = "arrows", [CHART_RULE_X] = "rule_x",
    [CHART_RULE_Y] = "rule_y", [CHART_CELLS] = "cells",   [CHART_SHADE] = "shade",
    [CHART_NOTE] = "note",
};

static odeon_status check(const chart *c, const chart_text *out)
{
    return c == NULL || c->failed || out->failed ? ODEON_ERR_NOMEM : ODEON_OK;
}

static const char *name_of(const chart_mark *m)
{
    return m->style.name != NULL ? m->style.name : m->words != NULL ? m->words : "";
}

/* ---- CSV ---- */

/* RFC 4180: always in quotes, a quote doubled. A text that a spreadsheet would take for a formula
 * gets a blank in front. */
static void put_field(chart_text *out, const char *text)
{
    chart_put(out, "\"~s", text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL ? " " : "");
    for (const char *p = text; *p != '\0'; p++) {
        chart_put_bytes(out, p, 1);
        chart_put_bytes(out, "\"", *p == '"' ? 1 : 0);
    }
    chart_put(out, "\"");
}

/* An empty field for what is no number. */
static void put_cell(chart_text *out, const double *x, size_t i)
{
    if (x != NULL && isfinite(x[i])) {
        chart_put(out, ",~g", x[i]);
    } else {
        chart_put(out, ",");
    }
}

/* Marks without a name are called as their panel. */
static void put_rows(const chart_panel *p, const chart_mark *m, int panel, int mark,
                     chart_text *out)
{
    const char *name = name_of(m);
    name = name[0] == '\0' && p->axes.title != NULL ? p->axes.title : name;
    for (size_t i = 0; i < m->n; i++) {
        chart_put(out, "~d,~d,~s,~d,", panel, mark, kind_names[m->kind], m->style.color);
        put_field(out, name);
        put_cell(out, m->x, i);
        put_cell(out, m->y, i);
        put_cell(out, m->u, i);
        put_cell(out, m->v, i);
        chart_put(out, "\n");
    }
}

static void put_matrix_rows(const chart *c, chart_text *out)
{
    chart_put(out, "true,predicted,count\n");
    for (size_t i = 0; i < c->n_matrix * c->n_matrix; i++) {
        put_field(out, c->matrix_names[i / c->n_matrix]);
        chart_put(out, ",");
        put_field(out, c->matrix_names[i % c->n_matrix]);
        chart_put(out, ",~g\n", c->matrix[i]);
    }
}

odeon_status chart_write_csv(chart *c, chart_text *out)
{
    ODEON_TRY(check(c, out));
    int panel = 0;
    if (c->n_matrix > 0) {
        put_matrix_rows(c, out);
        return check(c, out);
    }
    chart_put(out, "panel,mark,kind,color,name,x,y,u,v\n");
    for (const chart_panel *p = c->first; p != NULL; p = p->next) {
        int mark = 0;
        for (const chart_mark *m = p->first; m != NULL; m = m->next) {
            put_rows(p, m, panel, mark++, out);
        }
        panel++;
    }
    return check(c, out);
}

/* ---- Vega-Lite ---- */

static const char *vega_mark(const chart_mark *m)
{
    switch (m->kind) {
    case CHART_LINE:
        return "line";
    case CHART_BAND:
        return "area";
    case CHART_BARS:
        return "bar";
    case CHART_RULE_X:
    case CHART_RULE_Y:
    case CHART_ARROWS:
        return "rule";
    case CHART_CELLS:
        return "square";
    case CHART_POINTS:
    case CHART_SHADE:
    case CHART_NOTE:
        break;
    }
    return "point";
}

static void put_values(const chart_mark *m, chart_text *out)
{
    bool arrows = m->kind == CHART_ARROWS;
    const char *before = "";
    for (size_t i = 0; i < m->n; i++) {
        chart_put(out, "~s{\"i\":~z", before, i);
        before = ",";
        if (isfinite(m->x[i])) {
            chart_put(out, ",\"x\":~g", m->x[i]);
        }
        if (isfinite(m->y[i])) {
            chart_put(out, ",\"y\":~g", m->y[i]);
        }
        if (arrows) {
            chart_put(out, ",\"x2\":~g,\"y2\":~g", m->x[i] + m->u[i], m->y[i] + m->v[i]);
        } else if (m->u != NULL && isfinite(m->u[i])) {
            chart_put(out, ",\"y2\":~g", m->u[i]);
        }
        chart_put(out, "}");
    }
}

static void put_channel(const char *channel, const chart_axis *axis, chart_text *out)
{
    chart_put(out, "\"~s\":{\"field\":\"~s\",\"type\":\"quantitative\",\"title\":", channel,
              channel);
    chart_put_quoted(out, axis->label != NULL ? axis->label : "");
    chart_put(out, ",\"scale\":{\"type\":\"~s\",\"zero\":~s}}", axis->log ? "log" : "linear",
              axis->zero ? "true" : "false");
}

static void put_layer(const chart_panel *p, const chart_mark *m, chart_text *out)
{
    chart_put(out, "{\"data\":{\"values\":[");
    put_values(m, out);
    chart_put(out,
              "]},\"mark\":{\"type\":\"~s\",\"color\":\"~s\",\"opacity\":~g,\"clip\":true},"
              "\"name\":",
              vega_mark(m), chart_color_text(m->style.color, false),
              m->kind == CHART_BAND  ? .18
              : m->style.opacity > 0 ? m->style.opacity
                                     : 1.);
    chart_put_quoted(out, name_of(m));
    chart_put(out, ",\"encoding\":{");
    if (m->kind != CHART_RULE_Y) {
        put_channel("x", &p->axes.x, out);
    }
    chart_put(out, m->kind != CHART_RULE_Y && m->kind != CHART_RULE_X ? "," : "");
    if (m->kind != CHART_RULE_X) {
        put_channel("y", &p->axes.y, out);
    }
    chart_put(out, "~s~s~s}}", m->kind == CHART_ARROWS ? ",\"x2\":{\"field\":\"x2\"}" : "",
              m->kind == CHART_ARROWS || m->kind == CHART_BAND ? ",\"y2\":{\"field\":\"y2\"}" : "",
              m->kind == CHART_LINE    ? ",\"order\":{\"field\":\"i\"}"
              : m->kind == CHART_CELLS ? ",\"opacity\":{\"field\":\"y2\",\"type\":\"quantitative\"}"
                                       : "");
}

/* Notes and shades are left out: they have no field. */
odeon_status chart_write_vega(chart *c, chart_text *out)
{
    ODEON_TRY(check(c, out));
    chart_put(out, "{\"$schema\":\"https://vega.github.io/schema/vega-lite/v5.json\",\"title\":");
    chart_put_quoted(out, c->title);
    chart_put(out, ",\"hconcat\":[");
    for (const chart_panel *p = c->first; p != NULL; p = p->next) {
        const char *before = "";
        chart_put(out, "~s{\"title\":", p != c->first ? "," : "");
        chart_put_quoted(out, p->axes.title != NULL ? p->axes.title : "");
        chart_put(out, ",\"layer\":[");
        for (const chart_mark *m = p->first; m != NULL; m = m->next) {
            if (m->kind != CHART_NOTE && m->kind != CHART_SHADE) {
                chart_put(out, "~s", before);
                put_layer(p, m, out);
                before = ",";
            }
        }
        chart_put(out, "]}");
    }
    chart_put(out, "]}\n");
    return check(c, out);
}

/* ---- Python ---- */

static void put_setting(const chart_axes *a, chart_text *out)
{
    chart_put(out, "    (");
    chart_put_quoted(out, a->title != NULL ? a->title : "");
    chart_put(out, ", ");
    chart_put_quoted(out, a->x.label != NULL ? a->x.label : "");
    chart_put(out, ", ");
    chart_put_quoted(out, a->y.label != NULL ? a->y.label : "");
    chart_put(out, ", \"~s\", \"~s\"),\n", a->x.log ? "log" : "linear",
              a->y.log ? "log" : "linear");
}

static const char program[] =
    "fig, axs = plt.subplots(1, len(panels), squeeze=False, figsize=(6 * len(panels), 4))\n"
    "for ax, (title, x, y, xs, ys) in zip(axs[0], panels):\n"
    "    ax.set(title=title, xlabel=x, ylabel=y, xscale=xs, yscale=ys)\n"
    "num = lambda s: float(s) if s else float(\"nan\")\n"
    "key = lambda r: (int(r[0]), int(r[1]), r[2], int(r[3]), r[4])\n"
    "for (p, m, kind, color, name), g in itertools.groupby(rows, key):\n"
    "    x, y, u, v = zip(*[[num(s) for s in r[5:9]] for r in g])\n"
    "    ax, c = axs[0][p], colors[color]\n"
    "    if kind == \"line\": ax.plot(x, y, color=c, label=name or None)\n"
    "    elif kind == \"band\": ax.fill_between(x, y, u, color=c, alpha=0.18, lw=0)\n"
    "    elif kind == \"points\": ax.plot(x, y, \".\", color=c, label=name or None)\n"
    "    elif kind == \"bars\": ax.bar(x, y, color=c)\n"
    "    elif kind == \"arrows\": ax.quiver(x, y, u, v, color=c, angles=\"xy\")\n"
    "    elif kind == \"cells\": ax.scatter(x, y, s=12, marker=\"s\", color=c, alpha=u)\n"
    "    elif kind == \"rule_x\": ax.axvline(x[0], color=c, ls=\"--\")\n"
    "    elif kind == \"rule_y\": ax.axhline(y[0], color=c, ls=\"--\")\n"
    "for ax in axs[0]: ax.get_legend_handles_labels()[0] and ax.legend()\n"
    "plt.tight_layout()\n"
    "plt.show()\n";

/* A chart without panels has no program. */
odeon_status chart_write_python(chart *c, const char *csv, chart_text *out)
{
    ODEON_TRY(check(c, out));
    if (c->n_panels == 0) {
        return ODEON_ERR_UNSUPPORTED;
    }
    chart_put(out, "import csv, itertools\nimport matplotlib.pyplot as plt\n"
                   "rows = list(csv.reader(open(");
    chart_put_quoted(out, csv);
    chart_put(out, ", newline=\"\")))[1:]\npanels = [  # title, x, y, scales\n");
    for (const chart_panel *p = c->first; p != NULL; p = p->next) {
        put_setting(&p->axes, out);
    }
    chart_put(out, "]\ncolors = [");
    for (int i = 0; i <= CHART_INK; i++) {
        chart_put(out, "~s\"~s\"", i > 0 ? ", " : "", chart_color_text(i, false));
    }
    chart_put(out, "]\n~s", program);
    return check(c, out);
}
