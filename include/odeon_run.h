/* odeon_run.h: the entry of libodeon, the host library: one command line, run.
 *
 * The program `odeon` is this call and nothing more; another is built with the flags of
 * `pkg-config --cflags --libs odeon-host`. Plugins do not need this header. */
#ifndef ODEON_RUN_H
#define ODEON_RUN_H

#ifdef __cplusplus
extern "C" {
#endif

/* Runs one command line as the program would: argv[0] is the program's name, argv[argc] is NULL.
 * Reads and writes stdin, stdout and stderr, of which those that are closed are opened on
 * /dev/null, ignores SIGPIPE from then on, and returns the exit code: 0 done, 1 internal error,
 * 2 usage or configuration, 3 data, 4 plugin, 5 input or output, 6 numerical failure, 7 device or
 * out of memory, 129, 130 and 143 interrupted by SIGHUP, SIGINT or SIGTERM, which have actions of
 * this library while a run trains and theirs before and after: a second one, or five seconds in
 * which a run comes to no state that could be saved, end the process. argv stays as it is. Not to
 * be called from two threads at a time. */
__attribute__((visibility("default"))) int odeon_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
