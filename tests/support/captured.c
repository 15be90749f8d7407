#include "captured.h"

#include <unistd.h>

#include "support.h"

void captured_start(captured *c)
{
    c->file = tmpfile();
    assert_non_null(c->file);
    (void)fflush(stderr);
    c->saved = dup(STDERR_FILENO);
    assert_true(c->saved >= 0);
    assert_true(dup2(fileno(c->file), STDERR_FILENO) >= 0);
}

void captured_stop(captured *c)
{
    (void)fflush(stderr);
    assert_true(dup2(c->saved, STDERR_FILENO) >= 0);
    (void)close(c->saved);
    rewind(c->file);
    size_t n = fread(c->text, 1, sizeof c->text - 1, c->file);
    c->text[n] = '\0';
    (void)fclose(c->file);
}
