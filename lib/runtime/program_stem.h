/* Stems of English words, for row programs and the step that makes them. */
#ifndef RUNTIME_PROGRAM_STEM_H
#define RUNTIME_PROGRAM_STEM_H

#include "runtime/runtime.h"

/* Cuts an English word in small letters to its stem (Porter 1980, doi:10.1108/eb046814), in place.
 * Returns the new length. */
ML_API size_t ml_porter_stem(char *word, size_t len);

#endif
