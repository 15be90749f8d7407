/* named_split.h: the split of --split: train, validation or test. */
#ifndef ODEON_CORE_COMMAND_NAMED_SPLIT_H
#define ODEON_CORE_COMMAND_NAMED_SPLIT_H
#include "data/data.h"

typedef struct named_split {
    data_source *source;
    data_source *lender; /* of a validation split: the training split, which it reads from */
} named_split;

/* ODEON_ERR_CONFIG unless name is one of the three. */
odeon_status named_split_check(const char *name);
/* out can be given to named_split_close whatever the answer. ODEON_ERR_CONFIG where there is no
 * validation split, and what data_open answers. */
odeon_status named_split_open(const config *c, const char *name, named_split *out);
void named_split_close(named_split *split);

#endif
