#include "small_run.h"

#include <string.h>

#include "base/mem.h"
#include "support.h"

static const char network[] = "[run]\nseed = 3\ndevice = %s\nworkers = %d\n"
                              "[data]\ndataset = idx(path=., shape=1 6 6, classes=3)\nbatch = 3\n"
                              "[model.conv]\nlayer = conv2d(filters=2, kernel=3)\n"
                              "then = tanh, flatten, dense(units=5)\n"
                              "[model.ode]\nlayer = ode(rtol=1e-5 1e-4 1e-5 1e-5 1e-6, atol=1e-5)\n"
                              "times = linspace(0 1 3)\nintegrator = tsit5\ngradient = %s\n"
                              "[model.ode.field]\nlayer = dense(units=4)\n"
                              "then = tanh, dense(units=state)\n"
                              "[model.rows]\nlayer = flatten\n"
                              "[model.sum]\nlayer = residual\n"
                              "[model.sum.a]\nlayer = dense(units=state)\nthen = tanh\n"
                              "[model.sum.shortcut]\nlayer = dense(units=state)\n"
                              "[model.head]\nlayer = dense(units=classes)\n"
                              "[train]\nloss = cross_entropy\noptimizer = adam(lr=1e-2)\n";

static const char numbers[] =
    "[run]\nseed = 3\nworkers = %d\n"
    "[data]\ndataset = measured(shape=3, label=2, times=2, control=2, mask=some, length=6)\n"
    "batch = 3\ndrop_last = yes\n"
    "[model.ode]\nlayer = ode(rtol=1e-5, atol=1e-5)\nintegrator = tsit5\ngradient = direct\n"
    "[model.ode.field]\nlayer = dense(units=4)\nthen = tanh, dense(units=state)\n"
    "[model.head]\nlayer = dense(units=2)\nthen = adds(field=control)\n"
    "[train]\nloss = mse, l1(weight=0.5)\noptimizer = adam(lr=1e-2)\n"
    "schedule = cosine(warmup=0.5)\n";

/* Bytes that repeat after modulus values, as images or as one byte each. */
static void write_idx(const folder *f, const char *name, bool images, unsigned modulus)
{
    unsigned char bytes[16 + SMALL_RUN_IMAGES * SMALL_RUN_EDGE * SMALL_RUN_EDGE] = {0, 0, 8, 1};
    size_t header = 8, items = SMALL_RUN_IMAGES;
    bytes[7] = SMALL_RUN_IMAGES;
    if (images) {
        bytes[3] = 3;
        bytes[11] = bytes[15] = SMALL_RUN_EDGE;
        header = 16;
        items = sizeof bytes - header;
    }
    for (size_t i = 0; i < items; i++) {
        bytes[header + i] = (unsigned char)((37 * i + i * i) % modulus);
    }
    folder_write(f, name, bytes, header + items);
}

folder small_run_create(const char *device, const char *gradient, int workers)
{
    folder f = folder_create();
    write_idx(&f, "train-images-idx3-ubyte", true, 256);
    write_idx(&f, "train-labels-idx1-ubyte", false, SMALL_RUN_CLASSES);
    write_idx(&f, "t10k-images-idx3-ubyte", true, 251);
    write_idx(&f, "t10k-labels-idx1-ubyte", false, SMALL_RUN_CLASSES);
    char *ini = mem_printf(network, device, workers, gradient);
    assert_non_null(ini);
    folder_write(&f, "run.ini", ini, strlen(ini));
    mem_free(ini);
    return f;
}

folder small_run_create_numbers(int workers)
{
    folder f = folder_create();
    char *ini = mem_printf(numbers, workers);
    assert_non_null(ini);
    folder_write(&f, "run.ini", ini, strlen(ini));
    mem_free(ini);
    return f;
}
