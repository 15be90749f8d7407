/* Style and frame of a page. Units are columns of 320 pixels with gaps of 16: one or two fit paper
 * and small screens, four a large one. */
#include <math.h>
#include <stdio.h>

#include "page.h"

static const char layout[] =
    ":root{color-scheme:light dark}*{box-sizing:border-box}"
    "body{margin:0 auto;padding:24px 22px 40px;max-width:1372px;"
    "font:15px/1.5 'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif;"
    "font-variant-numeric:tabular-nums}"
    "h1{font-size:24px;line-height:1.2;margin:0 0 2px;overflow-wrap:anywhere}"
    "h2{font-size:17px;margin:32px 0 10px;padding-top:10px;border-top:1px solid}"
    "p{max-width:656px;margin:10px 0}"
    ".meta,figcaption,caption{font-size:12.5px;line-height:1.4;overflow-wrap:anywhere}"
    ".lead{font-size:17px;line-height:1.5}"
    ".figs{margin-top:14px;display:flex;flex-wrap:wrap;gap:24px 16px;align-items:flex-start}"
    "figure{margin:0;max-width:100%;overflow-x:auto}"
    "figcaption{max-width:60ch;margin-top:4px}.s1 figcaption{max-width:320px}"
    "svg,img{display:block}.wide{overflow-x:auto}"
    "table{border-collapse:collapse;font-size:13px}caption{text-align:left;padding-bottom:4px}"
    "th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid;vertical-align:top;"
    "max-width:420px;overflow-wrap:anywhere}th{font-weight:500}td.n,th.n{text-align:right;white-"
    "space:nowrap}td:first-"
    "child{overflow-wrap:normal}"
    "code,pre{font:12.5px/1.45 ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}"
    "pre{margin:6px 0;padding:8px 10px;border:1px solid;border-radius:4px;overflow-x:auto;"
    "max-width:656px;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".keys{display:flex;flex-wrap:wrap;gap:6px 32px;margin:14px 0 4px;padding:0}"
    ".keys div{min-width:96px}.keys dt{font-size:12px}"
    ".keys dd{margin:0;font-size:20px;font-weight:600;white-space:nowrap}"
    ".bad{border-left:4px solid;margin:14px 0;padding:2px 0 2px 14px;max-width:672px}"
    ".cols{display:flex;flex-wrap:wrap;gap:16px 40px}summary{cursor:pointer}"
    "@page{size:A4;margin:14mm}"
    "@media print{body{padding:0;max-width:none;font-size:10.5pt}h2{break-after:avoid}"
    "figure,table,pre{break-inside:avoid}svg{max-width:100%;height:auto}.figs{gap:14px "
    "16px}figcaption{font-size:9pt}"
    ".cols{flex-wrap:nowrap;gap:0 24px}.cols td,.cols th{font-size:8.5pt;padding:2px 10px 2px 0}"
    ".keys dd{font-size:15px}details:not([open]){display:none}}";

/* Literal colours, as in charts, so that print is always light. */
static void put_colors(chart_text *t, bool dark)
{
    const char *muted = chart_color_text(CHART_MUTED, dark),
               *bad = chart_color_text(CHART_RED, dark);
    const char *line = dark ? "#2B3138" : "#E4E7EB";
    chart_put(t,
              "body{background:~s;color:~s}.meta,figcaption,caption,th,.keys dt,summary{color:~s}"
              "h2,th,td,pre{border-color:~s}.bad{border-color:~s}.bad b{color:~s}",
              chart_page_text(dark), chart_color_text(CHART_INK, dark), muted, line, bad, bad);
}

/* Without a script, and of a run that goes on alone: the last page stays as it is. */
static void put_refresh(page *p)
{
    double seconds = p->request->refresh_seconds;
    if (seconds > 0.0) {
        char text[32];
        (void)snprintf(text, sizeof text, "%.0f", seconds < 1.0 ? 1.0 : ceil(seconds));
        chart_put(&p->text, "<meta http-equiv=\"refresh\" content=\"~s\">", text);
    }
}

void page_begin(page *p, const char *title)
{
    chart_text *t = &p->text;
    chart_put(t, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                 "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "img-src data:; style-src 'unsafe-inline'\">");
    put_refresh(p);
    chart_put(t, "<title>~e – Odeon</title><style>~s", title, layout);
    put_colors(t, false);
    chart_write_style(t);
    chart_put(t, "@media screen and (prefers-color-scheme:dark){");
    put_colors(t, true);
    chart_put(t, "}</style></head><body>");
}

void page_end(page *p)
{
    if (p->left_out.length > 0) {
        chart_put(&p->text,
                  "<details><summary>What is not drawn, and why</summary><ul>~s</ul></details>",
                  p->left_out.data);
    }
    chart_put(&p->text, "</body></html>\n");
}

void page_heading(page *p, const char *text)
{
    chart_put(&p->text, "<h2>~e</h2>", text);
}

void page_table_begin(page *p, const char *caption, size_t n, const char *const *names,
                      bool numeric)
{
    chart_put(&p->text, "<div class=\"wide\"><table><caption>~e</caption><thead><tr>", caption);
    for (size_t i = 0; i < n; i++) {
        chart_put(&p->text, "<th scope=\"col\"~s>~e</th>", numeric && i > 0 ? " class=\"n\"" : "",
                  names[i]);
    }
    chart_put(&p->text, "</tr></thead><tbody>");
}

void page_row(page *p, size_t n, const char *const *cells, bool numeric, bool strong)
{
    chart_put(&p->text, "<tr>");
    for (size_t i = 0; i < n; i++) {
        chart_put(&p->text, "<td~s>~s~e~s</td>", numeric && i > 0 ? " class=\"n\"" : "",
                  strong ? "<b>" : "", cells[i] != NULL ? cells[i] : "–", strong ? "</b>" : "");
    }
    chart_put(&p->text, "</tr>");
}

void page_table_end(page *p)
{
    chart_put(&p->text, "</tbody></table></div>");
}
