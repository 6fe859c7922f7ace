/* Numbers <-> text. Part of compiled artefacts, too: see plain.h. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/plain.h"

enum number_kind {
    NUMBER_NONE,  /* not a number */
    NUMBER_INT,   /* -?[0-9]+ that fits int64 (no leading zero but 0 itself; -0 is a float) */
    NUMBER_FLOAT, /* -?digits[.digits][(e|E)[+-]digits], .5 and 5. too; finite */
};
/* Reads the whole of p[0..n). A leading '+', spaces, hex, '_', inf, nan, a leading zero (007) and a
 * value beyond the range of a double (1e999) are NUMBER_NONE. An integer too long for int64 is
 * NUMBER_FLOAT. Values are correctly rounded (Lemire 2021, doi:10.1002/spe.2984; exact slow path).
 * Both out values may be set: for NUMBER_INT also *f. */
ML_API enum number_kind number_parse(const char *p, size_t n, int64_t *i, double *f);
/* The same as a double, leading zeros allowed; false when it is not a number. The hot path. */
ML_API bool number_parse_double(const char *p, size_t n, double *f);

/* Shortest text that reads back to the same double (Giulietti's Schubfach), the nearest one of that
 * length; plain from 1e-5 to below 1e17 (0.1, 100, 12345.678, 0.00001), else d.ddde+XX as C's %e
 * writes exponents (1e-07, 1.5e+20, 1e+17); integral values without a point; -0 is "-0"; "nan",
 * "inf", "-inf". No NUL. Returns the length, at most NUMBER_MAX. */
#define NUMBER_MAX 32
ML_API size_t number_print(char out[static NUMBER_MAX], double f);
ML_API size_t number_print_int(char out[static NUMBER_MAX], int64_t i);

#endif
