/* SPDX-License-Identifier: MIT */
/*
 * assert_fail() of tests on the host: say where, in the words of TAP for "no more will come", and
 * abort, so that a debugger or the sanitizer shows the stack.
 */
#include <base/assert.h>

#include <stdio.h>
#include <stdlib.h>

void assert_fail(const char *what)
{
    printf("Bail out! %s\n", what);
    fflush(stdout);
    abort();
}
