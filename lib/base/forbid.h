/*
 * Included before everything else by the compiler's command line: calls that overflow, that are not
 * thread-safe, or that depend on the locale are compile errors in this project. The headers that
 * declare them come first, since a poisoned name may not even be declared.
 */
#ifndef FORBID_H
#define FORBID_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

/* Some headers make macros of these. */
#undef alloca
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat stpcpy sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof
#pragma GCC poison gmtime localtime mktime asctime ctime
#pragma GCC poison tmpnam tempnam mktemp system popen setlocale alloca rand srand

#endif
