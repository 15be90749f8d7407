/* run_checkpoint.h: a session's state becomes a checkpoint of its run. */
#ifndef ODEON_CORE_RUN_RUN_CHECKPOINT_H
#define ODEON_CORE_RUN_RUN_CHECKPOINT_H
#include "format/checkpoint.h"
#include "session/handle.h"

/* As checkpoint_write, of what the session has now (session_tensors_list). */
odeon_status run_checkpoint_write(const char *folder, session *s, const checkpoint *c);
/* The same of what the run began with (session_start_list), where c says. */
odeon_status run_checkpoint_write_start(const char *folder, session *s, const checkpoint *c);

#endif
