/* One palette. Series began as those of Okabe and Ito, "Color Universal Design", 2008, darkened for
 * white paper, and were then moved apart until they differ for sight without red or green, too.
 * Colours stand in classes as literal hex values, since librsvg knows no variables; dark ones hold
 * on screens alone, so that paper is always light. */
#include "chart_model.h"

typedef struct shades {
    const char *light, *dark;
} shades;

/* By CHART_MUTED to CHART_INK. Contrast with the page is at least 4.5 to 1, as text needs it. */
static const shades colors[] = {
    {"#59636E", "#A2ABB4"}, {"#0072B2", "#56B4E9"}, {"#C84000", "#FFA848"}, {"#056658", "#2CE1B4"},
    {"#97648C", "#C9BAD7"}, {"#5D7F1B", "#FDE433"}, {"#803272", "#C67A9D"}, {"#1B1F24", "#E9ECEF"},
};
static const shades page = {"#FFFFFF", "#15181C"}, grid = {"#E4E7EB", "#2B3138"},
                    axis = {"#8B949E", "#6B747D"};

const char *chart_color_text(int color, bool dark)
{
    const shades *s = &colors[color >= 0 && color <= CHART_INK ? color : CHART_MUTED];
    return dark ? s->dark : s->light;
}

const char *chart_page_text(bool dark)
{
    return dark ? page.dark : page.light;
}

/* c for strokes, f for fills. */
static void put_colors(chart_text *out, bool dark)
{
    for (int i = 0; i <= CHART_INK; i++) {
        const char *color = chart_color_text(i, dark);
        chart_put(out, ".odeon .c~d{stroke:~s}.odeon .f~d{fill:~s}", i, color, i, color);
    }
    chart_put(out,
              ".odeon .grid{stroke:~s}.odeon .axis{stroke:~s}.odeon .page{fill:~s}"
              ".odeon .halo{stroke:~s}.odeon .ring{fill:~s}",
              dark ? grid.dark : grid.light, dark ? axis.dark : axis.light, chart_page_text(dark),
              chart_page_text(dark), chart_page_text(dark));
}

void chart_write_style(chart_text *out)
{
    chart_put(out,
              "svg.odeon{font-family:'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif;"
              "font-size:11px;font-variant-numeric:tabular-nums}"
              ".odeon .t{font-size:13px;font-weight:600}.odeon .b{font-weight:600}"
              ".odeon .line{fill:none;stroke-width:1.75;stroke-linejoin:round;"
              "stroke-linecap:round}"
              ".odeon .thin{fill:none;stroke-width:1;stroke-linejoin:round}"
              ".odeon .dash{stroke-dasharray:5 3}.odeon .band{stroke:none;fill-opacity:.18}"
              ".odeon .dot{fill:none;stroke-linecap:round}"
              ".odeon .grid,.odeon .axis{stroke-width:1;fill:none}"
              ".odeon .halo{stroke-width:3;stroke-linejoin:round;paint-order:stroke}"
              ".odeon .ring{stroke-width:1.25}.odeon .cross{fill:none;stroke-width:1.5}"
              ".odeon image{image-rendering:pixelated}");
    put_colors(out, false);
    chart_put(out, "@media screen and (prefers-color-scheme:dark){");
    put_colors(out, true);
    chart_put(out, "}");
}
