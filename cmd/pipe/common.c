#include "pipe.h"

const char *definition_operand(const struct operands *operands)
{
    return operands->len ? operands->at[0] : "Pipefile";
}

char *pipe_home(bool make, struct error *e)
{
    char *home = NULL;
    return home_open(cli_home(), "pipe", make, &home, e) == 0 ? home : NULL;
}

int pipe_finish(int status, const struct error *e)
{
    return status < 0 && e->message[0] ? cli_report(e) : status < 0 ? -status : status;
}
