/* predict_files.h: predictions as files. */
#ifndef ODEON_CORE_RUN_PREDICT_FILES_H
#define ODEON_CORE_RUN_PREDICT_FILES_H
#include "run/predict.h"

/* ODEON_ERR_CONFIG unless path ends as predict_write wants it. */
odeon_status predict_check_name(const char *path);
/* Writes to path (output_file.h): NAME.safetensors with labels I64 [n], probabilities (the softmax
 * of the output) and output, both [n, size] in dtype, rows I64 [n] and, where samples came with
 * labels, true_labels, I64 [n]; or NAME.csv, and where path is a stream, with lines
 * row,true,label,p0,p1,... Without classes: output in its shape, rows, true_labels [n, ...] in
 * dtype; lines row,true0,true1,...,y0,y1,... */
odeon_status predict_write(const char *path, const session *s, uint32_t dtype,
                           const predictions *p);

#endif
