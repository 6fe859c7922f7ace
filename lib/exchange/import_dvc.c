#include "exchange/import.h"
static int put(struct import *x) { return error_set(x->e, ERR_DATA, "not yet"); }
const struct importer import_dvc = {.about = {"dvc", "x"}, .syntax = DOC_YAML, .put = put};
