/* Made for a version of its kind that does not exist. */
#define HOSTILE_ID           "draft_kind"
#define HOSTILE_KIND_VERSION 2
#include "../common/hostile.h"
