/* small_run.h: a folder with an INI of a small network, run.ini, and images for it: everything that
 * a run needs, over in milliseconds. */
#ifndef ODEON_TESTS_SMALL_RUN_H
#define ODEON_TESTS_SMALL_RUN_H
#include "folder.h"

enum { SMALL_RUN_IMAGES = 6, SMALL_RUN_EDGE = 6, SMALL_RUN_CLASSES = 3, SMALL_RUN_BATCH = 3 };

/* Convolution, an ODE block of dense layers, a container of some more, a dense layer; as many
 * images to test as to train, two optimizer steps an epoch. folder_remove it. Fails the test on
 * error. */
folder small_run_create(const char *device, const char *gradient, int workers);

/* The same with numbers to predict (dataset/measured, of tests/plugins) that have masks, times and
 * controls, with two losses and a schedule. */
folder small_run_create_numbers(int workers);

#endif
