/* What a text looks like, by number: ML_FORMS, for row programs and the steps that check it. */
#ifndef RUNTIME_PROGRAM_FORM_H
#define RUNTIME_PROGRAM_FORM_H

#include "runtime/runtime.h"

#include <stdbool.h>

#define ML_FORMS(FORM)                                                                             \
    FORM(email)                                                                                    \
    FORM(url) /* absolute, with one of six schemes */                                              \
    FORM(ip)  /* of version 4 or 6 */                                                              \
    FORM(ip4)                                                                                      \
    FORM(ip6)                                                                                      \
    FORM(uuid)                                                                                     \
    FORM(whole)  /* an integer of 64 bits */                                                       \
    FORM(number) /* without leading zeros */                                                       \
    FORM(truth)  /* true or false, any case */

#define ML_DECLARE_FORM(name) ML_API bool ml_form_##name(struct ml_text t);
ML_FORMS(ML_DECLARE_FORM)
#undef ML_DECLARE_FORM
#define ML_FORM_CODE(name) ML_FORM_##name,
enum ml_form_code { ML_FORMS(ML_FORM_CODE) ML_FORM_COUNT };
#undef ML_FORM_CODE

#endif
