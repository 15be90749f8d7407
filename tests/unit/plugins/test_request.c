/* What an HTTP server makes of the bytes that come: those of browsers, and any others. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { MOST = 4096 };

static request parse(const char *text)
{
    return request_parse(text, strlen(text), MOST);
}

#define HOST "\r\nHost: 127.0.0.1:8080\r\n\r\n"

static void test_paths_are_known_and_nothing_else_is_served(void **state)
{
    (void)state;
    assert_int_equal(parse("GET / HTTP/1.1" HOST), REQUEST_SHELL);
    assert_int_equal(parse("GET /page HTTP/1.0\r\nAccept: */*\r\nhOst:localhost\r\n\r\n"),
                     REQUEST_PAGE);
    assert_int_equal(parse("GET /live.js HTTP/1.1" HOST), REQUEST_SCRIPT);
    assert_int_equal(parse("GET /events HTTP/1.1" HOST), REQUEST_EVENTS);
    static const char *const others[] = {"/../page",    "/page/",        "/page?x", "//page",
                                         "/etc/passwd", "http://a/page", "/%70age", "/PAGE"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "GET %s HTTP/1.1" HOST, others[i]);
        assert_int_equal(parse(text), REQUEST_UNKNOWN);
    }
}

static void test_what_is_no_request_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"\r\n\r\n",         "GET" HOST,
                                      "GET /" HOST,       "GET / HTTQ/1.1" HOST,
                                      " / HTTP/1.1" HOST, "GET  HTTP/2" HOST};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse(bad[i]), REQUEST_BAD);
    }
    assert_int_equal(parse("POST /page HTTP/1.1" HOST), REQUEST_METHOD);
    assert_int_equal(parse("get /page HTTP/1.1" HOST), REQUEST_METHOD);
    assert_int_equal(request_parse("GET /\0 HTTP/1.1\r\n\r\n", 20, MOST), REQUEST_BAD);
    assert_int_equal(parse("\x01\x02"), REQUEST_BAD);
}

static void test_a_host_of_elsewhere_is_foreign(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "GET /page HTTP/1.1\r\n\r\n",
        "GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "GET /page HTTP/1.1\r\nHost: 127.0.0.1.example.com\r\n\r\n",
        "GET /page HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n",
        "GET /page HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /page HTTP/1.1\r\nXHost: localhost\r\n\r\n"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        assert_int_equal(parse(foreign[i]), REQUEST_FOREIGN);
    }
}

static void test_a_request_may_come_in_parts_and_may_not_be_long(void **state)
{
    (void)state;
    static const char whole[] = "GET /page HTTP/1.1" HOST;
    for (size_t n = 0; n + 1 < sizeof whole - 1; n++) {
        assert_int_equal(request_parse(whole, n, MOST), REQUEST_UNFINISHED);
    }
    char *longer = malloc(MOST);
    memset(longer, 'a', MOST);
    assert_int_equal(request_parse(longer, MOST - 1, MOST), REQUEST_UNFINISHED);
    assert_int_equal(request_parse(longer, MOST, MOST), REQUEST_TOO_LONG);
    free(longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_are_known_and_nothing_else_is_served),
        cmocka_unit_test(test_what_is_no_request_is_refused),
        cmocka_unit_test(test_a_host_of_elsewhere_is_foreign),
        cmocka_unit_test(test_a_request_may_come_in_parts_and_may_not_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
