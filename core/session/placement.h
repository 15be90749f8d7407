/* placement.h: samples that lie on the device, or are read ahead of their batch. */
#ifndef ODEON_CORE_SESSION_PLACEMENT_H
#define ODEON_CORE_SESSION_PLACEMENT_H
#include "data/device_cache.h"
#include "odeon/device_ext.h"
#include "session/handle.h"

/* Does what data.on_device says of a split: uploads its samples in use, so that of batches of
 * source only indices travel from then on. auto: where the device has memory of its own
 * (ODEON_DEVICE_MEMORY) and a quarter of what is free holds them; else, and with no, nothing is
 * done. source is to stay open as long as batches are taken from it. The numbers of a batch are the
 * same either way. ODEON_ERR_NOMEM with yes alone; what the data set says of a sample. */
odeon_status session_place(session *s, const data_source *source);
uint64_t session_placed_bytes(const session *s);
/* The samples of a split that lie on the device, or NULL. */
const device_cache *session_placed(const session *s, const data_source *source);
void session_release_placed(session *s);

/* The batch after the next one is going to be this: samples that are not on the device are then
 * read and uploaded while the next is worked on, where the device copies by itself
 * (ODEON_DEVICE_PINNED). What is read and not asked for is forgotten. indices live until then. */
void session_expect(session *s, const data_source *source, int64_t n, const int64_t *indices);

#endif
