/* The charts of views, by their geometry: ticks, ranges, labels that keep apart, what of a long
 * line is drawn, colours that can be told apart, and texts from outside. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "view/common/chart.h"
#include "view/common/chart_model.h"

/* ---- numbers ---- */

static void test_numbers_are_written_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *text;
    } rows[] = {
        {0.0397, "0.0397"},    {12.34, "12.3"},     {87532, "87,532"},  {2.4e-6, "2.40×10⁻⁶"},
        {1e-7, "10⁻⁷"},        {9.9999e-5, "10⁻⁴"}, {-0.5, "−0.500"},   {0, "0"},
        {1234567, "1.23×10⁶"}, {999.96, "1,000"},   {(double)NAN, "–"}, {HUGE_VAL, "∞"},
        {-1e-9, "−10⁻⁹"},      {0.99999, "1.00"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[CHART_NUMBER_BYTES];
        assert_string_equal(chart_number(rows[i].x, text), rows[i].text);
    }
}

static void test_a_spread_has_the_digits_that_its_deviation_gives(void **state)
{
    (void)state;
    char text[CHART_NUMBER_BYTES];
    assert_string_equal(chart_spread(3, (double[]){0.861, 0.865, 0.858}, text), "0.861 ± 0.004");
    assert_string_equal(chart_spread(3, (double[]){10.1, 10.3, 10.2}, text), "10.20 ± 0.10");
    assert_string_equal(chart_spread(2, (double[]){2e-5, 4e-5}, text), "(3.0 ± 1.4)×10⁻⁵");
    assert_string_equal(chart_spread(2, (double[]){20, 20}, text), "20.0 ± 0");
    assert_string_equal(chart_spread(1, (double[]){0.25}, text), "0.250");
}

/* ---- ticks ---- */

static void assert_ticks(const chart_ticks *t, size_t n, const char *const *expected)
{
    assert_int_equal(t->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(t->tick[i].text, expected[i]);
    }
}

static void test_ticks_are_round(void **state)
{
    (void)state;
    chart_ticks t;
    chart_ticks_linear(0, 469, 4, false, &t);
    assert_ticks(&t, 5, (const char *const[]){"0", "100", "200", "300", "400"});
    chart_ticks_linear(-0.25, 0.25, 4, false, &t);
    assert_ticks(&t, 5, (const char *const[]){"−0.2", "−0.1", "0.0", "0.1", "0.2"});
    chart_ticks_linear(-2e-5, 1e-5, 6, false, &t);
    assert_ticks(&t, 7,
                 (const char *const[]){"−2.0×10⁻⁵", "−1.5×10⁻⁵", "−1.0×10⁻⁵", "−0.5×10⁻⁵", "0",
                                       "0.5×10⁻⁵", "1.0×10⁻⁵"});
    chart_ticks_linear(1e6, 3e6, 4, false, &t);
    assert_ticks(&t, 5,
                 (const char *const[]){"1.0×10⁶", "1.5×10⁶", "2.0×10⁶", "2.5×10⁶", "3.0×10⁶"});
    chart_ticks_linear(.5, .5000002, 2, false, &t); /* as many digits as tell them apart */
    assert_ticks(&t, 3, (const char *const[]){"5.000000×10⁻¹", "5.000001×10⁻¹", "5.000002×10⁻¹"});
    chart_ticks_linear(.4, 1, 5, true, &t);
    assert_string_equal(t.tick[0].text, "40\xc2\xa0%");
    chart_ticks_log(1e-6, 1e-1, 3, &t);
    assert_ticks(&t, 3, (const char *const[]){"10⁻⁶", "10⁻⁴", "10⁻²"});
    chart_ticks_log(.5, 10, 4, &t);
    assert_ticks(&t, 5, (const char *const[]){"0.5", "1", "2", "5", "10"});
}

/* Whatever the range: all ticks within it, in order, no more than fit. */
static void test_ticks_of_any_range_stay_within(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 2000; i++) {
        double lo = (double)(rand() - RAND_MAX / 2) * pow(10, rand() % 20 - 18);
        double hi = lo + (1 + rand()) * pow(10, rand() % 20 - 18), n = 2 + rand() % 9;
        chart_ticks t;
        chart_ticks_linear(lo, hi, n, false, &t);
        assert_true(t.n <= 2 * (size_t)n + 1);
        for (size_t k = 0; k < t.n; k++) {
            assert_true(t.tick[k].at >= lo - 1e-6 * (hi - lo));
            assert_true(t.tick[k].at <= hi + 1e-6 * (hi - lo));
            assert_true(k == 0 || t.tick[k].at > t.tick[k - 1].at);
        }
    }
}

static void test_labels_are_pushed_apart_in_their_order(void **state)
{
    (void)state;
    srand(2);
    for (int i = 0; i < 2000; i++) {
        double at[12];
        size_t n = 1 + (size_t)rand() % 12;
        for (size_t k = 0; k < n; k++) {
            at[k] = (k > 0 ? at[k - 1] : 0) + rand() % 20 * (rand() % 2);
            at[k] = fmin(at[k], 200);
        }
        chart_push_apart(n, at, 13, 0, 200);
        for (size_t k = 0; k < n; k++) {
            assert_true(at[k] >= -1e-9 && at[k] <= 200 + 1e-9);
            assert_true(k == 0 || at[k] - at[k - 1] >= 13 - .02);
        }
    }
}

static void test_labels_without_enough_room_are_spread_evenly(void **state)
{
    (void)state;
    double at[3] = {5, 5, 5};
    chart_push_apart(3, at, 13, 0, 20);
    assert_true(at[0] == 0 && at[1] == 10 && at[2] == 20);
}

/* ---- a panel ---- */

enum { N = 400 };

/* Several lines that end at nearly one height, with names of any length. */
static chart *make_lines(int lines)
{
    double x[N], y[N];
    chart *c = chart_create(support_host(), CHART_NARROW, 230, "Loss");
    chart_say(c, CHART_MUTED, "cross-entropy of each batch and of the test samples,");
    chart_say(c, CHART_BLUE, "which is more than one line of words can hold");
    chart_panel *p = chart_panel_add(
        c, &(chart_axes){.x = {.label = "step"}, .y = {.log = true, .label = "loss"}});
    for (int l = 0; l < lines; l++) {
        char name[80];
        for (int i = 0; i < N; i++) {
            x[i] = i;
            y[i] = exp(-i / 100.) * (1 + .01 * l) * (1 + .3 * (i % 2));
        }
        y[0] = (double)NAN;
        (void)snprintf(name, sizeof name, "%.*s %d", 4 + 9 * l,
                       "a name that is longer than what has room at the end of its line", l);
        chart_line(p, N, x, y, &(chart_style){.color = 1 + l % CHART_SERIES, .name = name});
    }
    return c;
}

static void test_all_of_a_panel_lies_within_the_chart(void **state)
{
    (void)state;
    chart *c = make_lines(5);
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, true, &out), ODEON_OK);
    const chart_panel *p = c->first;
    assert_true(p->left < p->right && p->top < p->bottom);
    assert_true(p->right - p->left > .4 * c->width);
    for (size_t i = 0; i < p->y_ticks.n; i++) {
        double width = chart_width(p->y_ticks.tick[i].text, 11, false);
        double y = chart_place_y(p, p->y_ticks.tick[i].at);
        assert_true(p->left - 6 - width >= p->outer_x);
        assert_true(y >= p->top - .01 && y <= p->bottom + .01);
    }
    assert_int_equal(p->n_ends, 5);
    for (size_t i = 0; i < p->n_ends; i++) {
        const chart_end *e = &p->end[i];
        assert_true(e->x + chart_width(e->text, 11, true) <= c->width);
        assert_true(e->y >= p->top && e->y <= p->bottom);
        assert_true(i == 0 || e->y - p->end[i - 1].y >= 13 - .02);
    }
    for (const chart_mark *m = p->first; m != NULL; m = m->next) {
        for (size_t i = 1; i < m->n; i++) {
            assert_true(chart_place_x(p, m->x[i]) >= p->left - .01);
            assert_true(chart_place_x(p, m->x[i]) <= p->right + .01);
            assert_true(chart_place_y(p, m->y[i]) >= p->top - .01);
            assert_true(chart_place_y(p, m->y[i]) <= p->bottom + .01);
        }
    }
    chart_text_fini(&out);
    chart_destroy(c);
}

static void test_tick_labels_along_x_do_not_touch(void **state)
{
    (void)state;
    static const char *const names[] = {"a long name", "another long name", "c", "d", "the last"};
    chart *c = chart_create(support_host(), CHART_NARROW, 230, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.x = {.names = names, .n_names = 5}});
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
    assert_true(p->x_ticks.n >= 2);
    for (size_t i = 1; i < p->x_ticks.n; i++) {
        const chart_tick *a = &p->x_ticks.tick[i - 1], *b = &p->x_ticks.tick[i];
        assert_true(chart_place_x(p, b->at) - chart_width(b->text, 11, false) / 2 >=
                    chart_place_x(p, a->at) + chart_width(a->text, 11, false) / 2 + 6 - .01);
    }
    chart_text_fini(&out);
    chart_destroy(c);
}

/* Lines that end in the middle of a panel, some of them at one place, and others at its edge. */
static void test_names_keep_apart_wherever_lines_end(void **state)
{
    (void)state;
    static const double end[] = {3, 3, 3.1, 3.2, 9, 9, 9, 2.9},
                        y[] = {5, 5, 5.1, 5, 5, 5.2, 5.1, 4.9};
    chart *c = chart_create(support_host(), CHART_WIDE, 300, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.y = {.lo = 0, .hi = 10}});
    for (size_t i = 0; i < 8; i++) {
        chart_line(p, 2, (double[]){0, end[i]}, (double[]){1, y[i]},
                   &(chart_style){.color = 1, .name = "a name"});
    }
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
    assert_int_equal(p->n_ends, 8);
    for (size_t i = 0; i < p->n_ends; i++) {
        const chart_end *a = &p->end[i];
        double width = chart_width(a->text, 11, true);
        assert_true(a->x + width <= CHART_WIDE + .01);
        assert_true(a->y >= p->top && a->y <= p->bottom);
        for (size_t k = 0; k < i; k++) {
            const chart_end *b = &p->end[k];
            bool beside = a->x + width < b->x || b->x + width < a->x;
            assert_true(beside || fabs(a->y - b->y) > 12.9);
        }
    }
    chart_text_fini(&out);
    chart_destroy(c);
}

/* A line that goes on, level or steep, is not written over. */
static void test_names_within_lie_on_no_line(void **state)
{
    (void)state;
    static const double to[] = {5, 9, 1.5};
    for (size_t i = 0; i < 3; i++) {
        chart *c = chart_create(support_host(), CHART_WIDE, 300, "");
        chart_panel *p = chart_panel_add(c, &(chart_axes){.y = {.lo = 0, .hi = 10}});
        chart_line(p, 2, (double[]){0, 3}, (double[]){1, 5},
                   &(chart_style){.color = 1, .name = "short"});
        chart_line(p, 2, (double[]){3, 9}, (double[]){5, to[i]}, &(chart_style){.color = 2});
        chart_text out = {.host = support_host()};
        assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
        const chart_end *e = &p->end[0];
        double right = e->x + chart_width(e->text, 11, true);
        for (double x = e->x; x <= right; x++) {
            double share = (x - chart_place_x(p, 3)) / (chart_place_x(p, 9) - chart_place_x(p, 3));
            double y = chart_place_y(p, 5 + share * (to[i] - 5));
            assert_true(fabs(y - e->y) > 6);
        }
        assert_true(fabs(e->y - chart_place_y(p, 5)) < 48);
        chart_text_fini(&out);
        chart_destroy(c);
    }
}

/* Equal numbers along x are below each other. */
static void test_panels_above_each_other_begin_in_line(void **state)
{
    (void)state;
    chart *c = chart_create(support_host(), CHART_WIDE, 400, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.title = "p"});
    chart_line(p, 2, (double[]){0, 1}, (double[]){0, 1}, &(chart_style){.color = 1});
    chart_panel *q = chart_panel_add(c, &(chart_axes){.title = "q"});
    chart_line(q, 2, (double[]){0, 1}, (double[]){0, 123456}, &(chart_style){.color = 1});
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
    assert_true(p->left == q->left);
    chart_text_fini(&out);
    chart_destroy(c);
}

/* A flat panel of equal units has few labels along y, and one has never a single one. */
static void test_ticks_suit_the_height_that_is_left(void **state)
{
    (void)state;
    chart *c = chart_create(support_host(), CHART_WIDE, 500, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.equal = true});
    chart_points(p, 2, (double[]){-8, 8}, (double[]){-1, 1}, &(chart_style){.color = 1});
    chart_panel *q = chart_panel_add(c, &(chart_axes){.title = "q"});
    chart_line(q, 2, (double[]){0, 1}, (double[]){-1.9, 1.9}, &(chart_style){.color = 1});
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
    for (size_t i = 1; i < p->y_ticks.n; i++) {
        assert_true(chart_place_y(p, p->y_ticks.tick[i - 1].at) -
                        chart_place_y(p, p->y_ticks.tick[i].at) >
                    14);
    }
    assert_true(p->y_ticks.n >= 2 && q->y_ticks.n >= 2);
    chart_text_fini(&out);
    chart_destroy(c);
}

static void test_units_are_equal_where_that_is_wanted(void **state)
{
    (void)state;
    chart *c = chart_create(support_host(), CHART_WIDE, 400, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.equal = true});
    chart_points(p, 2, (double[]){-2, 2}, (double[]){-1, 1}, &(chart_style){.color = 1});
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
    double per_x = chart_place_x(p, 1) - chart_place_x(p, 0);
    double per_y = chart_place_y(p, 0) - chart_place_y(p, 1);
    assert_true(fabs(per_x - per_y) < 1e-9);
    chart_text_fini(&out);
    chart_destroy(c);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *p = strstr(text, word); p != NULL; p = strstr(p + 1, word)) {
        n++;
    }
    return n;
}

/* Four cells: one of nothing, one each of a low, a middle and the highest level. */
static void test_cells_are_drawn_by_their_level(void **state)
{
    (void)state;
    chart *c = chart_create(support_host(), CHART_NARROW, 230, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.x = {.lo = 0, .hi = 2}});
    chart_cells(p, (double[]){0, 2, -1, 1}, 2, 2, (double[]){0, .05, .55, 1}, 3);
    chart_text out = {.host = support_host()}, numbers = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
    assert_int_equal(chart_write_csv(c, &numbers), ODEON_OK);
    const char *cells = strstr(out.data, "class=\"f3\"");
    assert_non_null(cells);
    assert_int_equal(count(cells, "Z"), 3);
    assert_non_null(strstr(out.data, "fill-opacity=\"0.8075\" d=\"M"));
    assert_non_null(strstr(numbers.data, "cells,3,\"\",1.5,0.5,1,"));
    chart_text_fini(&numbers);
    chart_text_fini(&out);
    chart_destroy(c);
}

/* 100,000 numbers, one of them far out: few points, and the one among them. */
static void test_a_long_line_keeps_its_extremes(void **state)
{
    (void)state;
    enum { LONG = 100000 };
    double *x = test_calloc(LONG, sizeof *x), *y = test_calloc(LONG, sizeof *y);
    for (int i = 0; i < LONG; i++) {
        x[i] = i;
        y[i] = i == 54321 ? 10 : i % 3;
    }
    chart *c = chart_create(support_host(), CHART_NARROW, 230, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.y = {.lo = 0, .hi = 10}});
    chart_line(p, LONG, x, y, &(chart_style){.color = 1});
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
    assert_true(out.length < 30000);
    char top[32];
    (void)snprintf(top, sizeof top, " %.0f", p->top);
    assert_non_null(strstr(strstr(out.data, "class=\"line"), top));
    assert_true(count(out.data, "L") < 4 * 320);
    chart_text_fini(&out);
    chart_destroy(c);
    test_free(x);
    test_free(y);
}

static void test_nothing_that_is_no_number_is_drawn(void **state)
{
    (void)state;
    double x[4] = {1, 2, 3, 4}, y[4] = {(double)NAN, HUGE_VAL, -1, 0};
    chart *c = chart_create(support_host(), CHART_NARROW, 230, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.y = {.log = true}});
    chart_line(p, 4, x, y, &(chart_style){.color = 1, .name = "none"});
    chart_points(p, 4, x, y, &(chart_style){.color = 1});
    chart_band(p, 4, x, y, y, 1);
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
    assert_null(strstr(out.data, "nan"));
    assert_null(strstr(out.data, "inf"));
    assert_int_equal(p->n_ends, 0);
    chart_text_fini(&out);
    chart_destroy(c);
}

static void test_bars_stand_on_zero_and_arrows_have_heads(void **state)
{
    (void)state;
    double x[2] = {0, 1}, y[2] = {2, -1}, u[2] = {1, 0}, v[2] = {0, 0};
    chart *c = chart_create(support_host(), CHART_NARROW, 230, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.y = {.zero = true}});
    chart_bars(p, 2, x, y, .5, &(chart_style){.color = 1});
    chart_arrows(p, 2, x, y, u, v, &(chart_style){.color = 2});
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, false, &out), ODEON_OK);
    chart_text expected = {.host = support_host()};
    chart_put(&expected, "M~x ~xV~x", chart_place_x(p, -.25), chart_place_y(p, 0),
              chart_place_y(p, 2));
    assert_non_null(strstr(out.data, expected.data));
    const char *arrows = strstr(out.data, "class=\"thin c2\"");
    assert_non_null(arrows);
    *strstr(arrows, "/>") = '\0';
    assert_int_equal(count(arrows, "M"), 1); /* the other has no length */
    assert_int_equal(count(arrows, "m"), 1);
    assert_int_equal(count(arrows, "l") - count(arrows, "class"), 3); /* a shaft, two barbs */
    chart_text_fini(&expected);
    chart_text_fini(&out);
    chart_destroy(c);
}

static void test_numbers_are_those_of_the_marks(void **state)
{
    (void)state;
    double x[3] = {1, 2, 3}, y[3] = {.5, (double)NAN, 1e-9}, hi[3] = {1, 2, 3};
    chart *c = chart_create(support_host(), CHART_NARROW, 230, "");
    chart_panel *p = chart_panel_add(c, &(chart_axes){.x = {.label = "step"}});
    chart_line(p, 3, x, y, &(chart_style){.color = 1, .name = "=a \"b\""});
    chart_band(p, 3, x, y, hi, 2);
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_csv(c, &out), ODEON_OK);
    assert_string_equal(out.data, "panel,mark,kind,color,name,x,y,u,v\n"
                                  "0,0,line,1,\" =a \"\"b\"\"\",1,0.5,,\n"
                                  "0,0,line,1,\" =a \"\"b\"\"\",2,,,\n"
                                  "0,0,line,1,\" =a \"\"b\"\"\",3,1e-09,,\n"
                                  "0,1,band,2,\"\",1,0.5,1,\n"
                                  "0,1,band,2,\"\",2,,2,\n"
                                  "0,1,band,2,\"\",3,1e-09,3,\n");
    chart_text_fini(&out);
    chart_destroy(c);
}

/* A PNG of one white pixel: the bytes that zlib and other writers make of a stored block. */
static void test_a_picture_is_a_png(void **state)
{
    (void)state;
    static const unsigned char white = 255;
    chart_text out = {.host = support_host()};
    chart_put_png(&out, 1, 1, &white);
    assert_string_equal(out.data, "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAADUlEQVR4AQECAP3/"
                                  "AP8BAQEAYIcStQAAAABJRU5ErkJggg==");
    chart_text_fini(&out);
}

/* ---- texts from outside ---- */

static void test_texts_are_escaped(void **state)
{
    (void)state;
    chart_text out = {.host = support_host()};
    chart_put(&out, "~e", "<b a='\"'>&\x01\xff\xe2\x80\xae");
    assert_string_equal(out.data,
                        "&lt;b a=&#39;&quot;&#39;&gt;&amp;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    chart_text_fini(&out);
    chart_put_quoted(&out, "a\"\\</script>\n");
    assert_string_equal(out.data, "\"a\\u0022\\u005c\\u003c/script\\u003e\\u000a\"");
    chart_text_fini(&out);
}

static void test_no_name_can_leave_its_text(void **state)
{
    (void)state;
    static const char hostile[] = "</text><script>alert(1)</script>\"'&";
    chart *c = chart_create(support_host(), CHART_NARROW, 230, hostile);
    chart_say(c, 1, hostile);
    chart_describe(c, "%s", hostile);
    chart_panel *p = chart_panel_add(
        c, &(chart_axes){.title = hostile, .x = {.label = hostile}, .y = {.label = hostile}});
    chart_line(p, 2, (double[]){0, 1}, (double[]){0, 1}, &(chart_style){.name = hostile});
    chart_rule_y(p, .5, 0, hostile);
    chart_text out = {.host = support_host()};
    assert_int_equal(chart_write_svg(c, 1, true, &out), ODEON_OK);
    assert_null(strstr(out.data, "<script"));
    chart_text_fini(&out);
    assert_int_equal(chart_write_vega(c, &out), ODEON_OK);
    assert_null(strstr(out.data, "<script"));
    chart_text_fini(&out);
    chart_destroy(c);
}

/* ---- colours ---- */

static void read_color(const char *text, double out[3])
{
    for (int i = 0; i < 3; i++) {
        char hex[3] = {text[1 + 2 * i], text[2 + 2 * i], '\0'};
        double v = (double)strtol(hex, NULL, 16) / 255;
        out[i] = v <= .04045 ? v / 12.92 : pow((v + .055) / 1.055, 2.4);
    }
}

static double luminance(const char *text)
{
    double c[3];
    read_color(text, c);
    return .2126 * c[0] + .7152 * c[1] + .0722 * c[2];
}

/* Web Content Accessibility Guidelines 2.1, 1.4.3: 4.5 to 1 for text. */
static void test_every_colour_can_be_read_on_its_page(void **state)
{
    (void)state;
    for (int dark = 0; dark < 2; dark++) {
        double page = luminance(chart_page_text(dark));
        for (int i = 0; i <= CHART_INK; i++) {
            double color = luminance(chart_color_text(i, dark));
            double contrast = (fmax(page, color) + .05) / (fmin(page, color) + .05);
            assert_true(contrast >= 4.5);
        }
    }
}

static double lab_f(double t)
{
    return t > 216. / 24389 ? cbrt(t) : (24389. / 27 * t + 16) / 116;
}

static void to_lab(const double c[3], double lab[3])
{
    double x = (.4124 * c[0] + .3576 * c[1] + .1805 * c[2]) / .95047;
    double y = .2126 * c[0] + .7152 * c[1] + .0722 * c[2];
    double z = (.0193 * c[0] + .1192 * c[1] + .9505 * c[2]) / 1.08883;
    lab[0] = 116 * lab_f(y) - 16;
    lab[1] = 500 * (lab_f(x) - lab_f(y));
    lab[2] = 200 * (lab_f(y) - lab_f(z));
}

/* Machado, Oliveira, Fernandes 2009, table 1, severity 1: protan, deutan; then normal sight. */
static const double sight[3][3][3] = {
    {{.152286, 1.052583, -.204868}, {.114503, .786281, .099216}, {-.003882, -.048116, 1.051998}},
    {{.367322, .860646, -.227968}, {.280085, .672501, .047413}, {-.011820, .042940, .968881}},
    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
};

static double distance(const char *a, const char *b, const double m[3][3])
{
    double color[2][3], seen[2][3], lab[2][3], sum = 0;
    read_color(a, color[0]);
    read_color(b, color[1]);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 3; i++) {
            seen[k][i] = m[i][0] * color[k][0] + m[i][1] * color[k][1] + m[i][2] * color[k][2];
            seen[k][i] = fmin(fmax(seen[k][i], 0), 1);
        }
        to_lab(seen[k], lab[k]);
    }
    for (int i = 0; i < 3; i++) {
        sum += (lab[0][i] - lab[1][i]) * (lab[0][i] - lab[1][i]);
    }
    return sqrt(sum);
}

/* The first three, which nearly all charts make do with, by 25 in CIELAB, all six by 12: beside
 * colour there is always a name. */
static void test_series_are_told_apart_without_red_or_green(void **state)
{
    (void)state;
    for (int dark = 0; dark < 2; dark++) {
        for (int kind = 0; kind < 3; kind++) {
            for (int i = 1; i <= CHART_SERIES; i++) {
                for (int k = i + 1; k <= CHART_SERIES; k++) {
                    double d =
                        distance(chart_color_text(i, dark), chart_color_text(k, dark), sight[kind]);
                    if (d < (k <= 3 ? 25 : 12)) {
                        fail_msg("dark %d, sight %d: series %d and %d are %.1f apart", dark, kind,
                                 i, k, d);
                    }
                }
            }
        }
    }
}

/* ---- memory ---- */

static odeon_status draw_all(void)
{
    chart *c = make_lines(2);
    chart_text out = {.host = support_host()};
    chart_matrix(c, 2, (double[]){3, 1, 0, 4}, (const char *const[]){"no", "yes"});
    chart_picture(c, 2, 2, (const unsigned char[]){0, 255, 255, 0}, "a", "b");
    odeon_status status = chart_write_svg(c, 1, true, &out);
    chart_text_fini(&out);
    if (status == ODEON_OK) {
        status = chart_write_csv(c, &out);
    }
    chart_text_fini(&out);
    chart_destroy(c);
    return status;
}

static void test_memory_that_ends_is_one_answer(void **state)
{
    (void)state;
    (void)support_host();
    int64_t before = mem_live_blocks(), n = mem_total_allocs();
    assert_int_equal(draw_all(), ODEON_OK);
    n = mem_total_allocs() - n;
    assert_true(n > 20);
    for (int64_t i = 1; i <= n; i++) {
        mem_fail_at(i);
        assert_int_equal(draw_all(), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_written_as_people_write_them),
        cmocka_unit_test(test_a_spread_has_the_digits_that_its_deviation_gives),
        cmocka_unit_test(test_ticks_are_round),
        cmocka_unit_test(test_ticks_of_any_range_stay_within),
        cmocka_unit_test(test_labels_are_pushed_apart_in_their_order),
        cmocka_unit_test(test_labels_without_enough_room_are_spread_evenly),
        cmocka_unit_test(test_all_of_a_panel_lies_within_the_chart),
        cmocka_unit_test(test_tick_labels_along_x_do_not_touch),
        cmocka_unit_test(test_names_keep_apart_wherever_lines_end),
        cmocka_unit_test(test_names_within_lie_on_no_line),
        cmocka_unit_test(test_panels_above_each_other_begin_in_line),
        cmocka_unit_test(test_ticks_suit_the_height_that_is_left),
        cmocka_unit_test(test_units_are_equal_where_that_is_wanted),
        cmocka_unit_test(test_cells_are_drawn_by_their_level),
        cmocka_unit_test(test_a_long_line_keeps_its_extremes),
        cmocka_unit_test(test_nothing_that_is_no_number_is_drawn),
        cmocka_unit_test(test_bars_stand_on_zero_and_arrows_have_heads),
        cmocka_unit_test(test_numbers_are_those_of_the_marks),
        cmocka_unit_test(test_a_picture_is_a_png),
        cmocka_unit_test(test_texts_are_escaped),
        cmocka_unit_test(test_no_name_can_leave_its_text),
        cmocka_unit_test(test_every_colour_can_be_read_on_its_page),
        cmocka_unit_test(test_series_are_told_apart_without_red_or_green),
        cmocka_unit_test(test_memory_that_ends_is_one_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
