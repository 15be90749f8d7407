/* audit_groups.h: gradients held against a reference, group by group of the parameters: each layer
 * that has any, and all of them together. */
#ifndef ODEON_CORE_RUN_AUDIT_GROUPS_H
#define ODEON_CORE_RUN_AUDIT_GROUPS_H
#include "run/variant.h"

/* Of a group of parameters: the layer's path, or all of them. */
typedef struct audit_group {
    char *name;
    double error;  /* |g - r| / |r| */
    double cosine; /* <g, r> / (|g| |r|) */
} audit_group;

/* The groups of s with their errors; list[0], "all", is that of all. The caller gives them to
 * audit_groups_free, on failure too. ODEON_ERR_NOMEM. */
odeon_status audit_groups_compare(const session *s, const variant_values *gradients,
                                  const variant_values *reference, size_t *n, audit_group **list);
void audit_groups_free(size_t n, audit_group *list);

#endif
