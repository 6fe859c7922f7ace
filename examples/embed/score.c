/* score INCOME DEBT...: a compiled model inside a program. */
#include "loan.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const double row[] = {strtod(argv[i], NULL), strtod(argv[i + 1], NULL)};
        double risk;
        if (ml_predict_f64(row, 1, ml_inputs(), &risk) != 1)
            return 1;
        printf("income %g, debt %g: %.1f %% default, class %zu\n", row[0], row[1], 100 * risk,
               ml_class(&risk));
    }
    return 0;
}
