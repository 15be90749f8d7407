/* transfer.h: parameters between host and device. They pass the host in chunks, so that it never
 * holds a copy of a whole one. */
#ifndef ODEON_CORE_SESSION_TRANSFER_H
#define ODEON_CORE_SESSION_TRANSFER_H
#include "session/members.h"

enum { TRANSFER_CHUNK = 1 << 16 }; /* elements */
/* Elements of the chunk of p that starts at first. */
int64_t transfer_chunk(const param *p, int64_t first);

/* n elements from first on of a flat vector where p's lie, in the run's dtype. Wait. */
odeon_status transfer_download(const session *s, const char *base, const param *p, int64_t first,
                               int64_t n, void *out);
odeon_status transfer_upload(const worker *w, char *base, const param *p, int64_t first, int64_t n,
                             const void *raw);
/* Where the values of p lie, on the first worker. */
const char *transfer_base(const session *s, const param *p);
/* Uploads values of p to where they lie: running state is every worker's own. */
odeon_status transfer_upload_param(const session *s, const param *p, int64_t first, int64_t n,
                                   const void *raw);

/* Converts n numbers to the run's dtype; out may be values. */
void transfer_narrow(const session *s, const double *values, int64_t n, void *out);
/* Answers n numbers of p from first on. */
typedef odeon_status (*transfer_numbers)(void *context, const param *p, int64_t first, int64_t n,
                                         double *out);
/* Sets all of a parameter to numbers that are asked for chunk by chunk. */
odeon_status transfer_set(session *s, const param *p, transfer_numbers numbers, void *context);

/* Is p's gradient finite? true also where it cannot be read. */
bool transfer_gradient_is_finite(const session *s, const param *p);

#endif
