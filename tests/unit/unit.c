#include "unit.h"

struct unit_test *unit_first, **unit_last = &unit_first;
bool unit_failed;

int main(void)
{
    int count = 0, failures = 0;
    for (struct unit_test *t = unit_first; t; t = t->next) {
        unit_failed = false;
        if (t->run_with)
            t->run_with(t->argument);
        else
            t->run();
        count++;
        failures += unit_failed;
        printf("%sok %d - %s\n", unit_failed ? "not " : "", count, t->name);
    }
    printf("1..%d\n", count);
    return failures ? 1 : 0;
}
