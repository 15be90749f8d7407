/* standard_streams.h: file descriptors 0 to 2 are the standard streams' and nobody else's. */
#ifndef ODEON_CORE_COMMAND_STANDARD_STREAMS_H
#define ODEON_CORE_COMMAND_STANDARD_STREAMS_H
#include <stdbool.h>

/* Of a process that was started with any of the three closed, the next file that is opened would
 * get its number, and what is printed would end up in that file. Each that is closed is therefore
 * opened on /dev/null, and the wrong way round, 0 for writing, 1 and 2 for reading: to read or
 * write it is the error that it would have been, so that a result that cannot be printed is not
 * lost in silence. false: not even that can be opened. */
bool standard_streams_open(void);

#endif
