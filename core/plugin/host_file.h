/* host_file.h: where this host itself lies. */
#ifndef ODEON_CORE_PLUGIN_HOST_FILE_H
#define ODEON_CORE_PLUGIN_HOST_FILE_H
#include "odeon/status.h"

/* The program or library that this host is, links resolved (free it); *out is NULL if that cannot
 * be told. ODEON_ERR_NOMEM. */
odeon_status host_file_path(char **out);
/* The folder of it (mem_free it); likewise. */
odeon_status host_file_folder(char **out);

#endif
