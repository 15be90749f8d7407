/* log_lines.h: how many lines the program has written to standard error beside its output, so that
 * whoever draws on the same terminal knows that it is not where it was. */
#ifndef ODEON_CORE_BASE_LOG_LINES_H
#define ODEON_CORE_BASE_LOG_LINES_H

/* [any] */
void log_lines_add(void);
unsigned long log_lines(void);

#endif
