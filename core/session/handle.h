/* handle.h: the type that a session's callers hold; its members are session's own (members.h). */
#ifndef ODEON_CORE_SESSION_HANDLE_H
#define ODEON_CORE_SESSION_HANDLE_H

typedef struct session session;

#endif
