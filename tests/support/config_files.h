/* config_files.h: INI files in a temporary folder, and the configurations that come of them. Every
 * function fails the test on an error that it does not answer. */
#ifndef ODEON_TESTS_CONFIG_FILES_H
#define ODEON_TESTS_CONFIG_FILES_H
#include "config/loading.h"
#include "support.h"

/* What every configuration needs; at the end of a text lines before it keep their numbers. */
#define REST                                                                                       \
    "[data]\ndataset = idx(path=data)\n[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.5)\n"
#define MODEL "[model.a]\nlayer = relu\n"
#define NEST                                                                                       \
    "[model.n]\nlayer = nest(word=w, rtol=1e-2)\npart = every_option(whole=2)\n"                   \
    "[model.n.x]\nlayer = every_option\nreal = 3\n"

/* Of a group of tests: the plugins of the build, and the folder, which has a folder sub. */
int config_files_open(void **state);
int config_files_close(void **state); /* removes t.ini, base.ini, more.ini and sub/inner.ini */
extern registry *config_files_plugins;
extern char config_files_folder[];

void config_files_write(const char *name, const char *text);

/* Loads t.ini; messages of before are cleared. */
odeon_status config_files_try(size_t n, const char *const *overrides, config **out);
/* Writes t.ini and loads it. */
config *config_files_load_with(const char *text, size_t n, const char *const *overrides);
config *config_files_load(const char *text);

void config_files_expect(odeon_status status, odeon_status expected, const char *message);
/* Writes t.ini, which with the override (NULL: none) must be ODEON_ERR_CONFIG with these words. */
void config_files_refuse(const char *text, const char *override, const char *message);

/* The text of an option of a section's own component. */
const char *config_files_own_text(const config_node *node, const char *option);

/* A configuration under way whose document is text, for what reads parts of it. */
loading config_files_begin(const char *text);
void config_files_end(loading *l);

#endif
