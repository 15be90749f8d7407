/* manifest.h: what a run was made of, as JSON: version, command line, start, seed, device with its
 * options, machine, plugins with their build-ids. */
#ifndef ODEON_CORE_RUN_MANIFEST_H
#define ODEON_CORE_RUN_MANIFEST_H
#include "base/text.h"
#include "config/config.h"
#include "plugin/kernels.h"
#include "plugin/registry.h"

typedef struct manifest_facts {
    const config *config;
    const registry *registry;
    const char *device_text;
    const kernel_list *kernels; /* NULL: none are wanted */
    int workers, argc;
    const char *const *argv;
    int64_t samples, test_samples; /* in use */
    int64_t epoch_samples;         /* of them in an epoch of training */
    int64_t validation_samples;    /* 0: there is no validation split */
    int64_t train_data, test_data; /* data_fingerprint of both splits */
    uint64_t order;                /* checksum of the first epoch's order */
} manifest_facts;

/* Adds one JSON object with the time and the machine of now. */
void manifest_print(text_buffer *out, const manifest_facts *facts);

/* Adds before, a manifest, with one more element in its "resumed": time, step, command line, device
 * and workers of now. All else of it stays as it is, byte by byte, whoever has edited it. If before
 * is NULL a manifest of now takes its place; with a warning also if it is no manifest: no JSON
 * object, or one whose "resumed" is no array. */
void manifest_print_resumed(text_buffer *out, const char *before, const manifest_facts *facts,
                            int64_t step);

#endif
