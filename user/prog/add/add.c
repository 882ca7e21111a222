/* SPDX-License-Identifier: MIT */
/*
 * A client of the server sum: finds it by its name, waiting up to a second, and asks.
 */
#include <stdio.h>
#include <stdlib.h>

#include <hf/env.h>
#include <hf/error.h>
#include <hf/name.h>

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    const uint64_t latest = hf_time_now() + hf_env()->timebase_hz;
    const uint64_t a = argc > 1 ? strtoull(argv[1], NULL, 0) : 19;
    const uint64_t b = argc > 2 ? strtoull(argv[2], NULL, 0) : 23;
    struct hf_message message = {.words = {a, b}};
    enum err error = hf_name_find("sum", latest, &sum);
    if (error == ERR_OK) {
        error = hf_call(sum, &message);
    }
    if (error != ERR_OK) {
        printf("add: sum: %s\n", hf_strerror(error));
        return 1;
    }
    printf("%llu and %llu make %llu\n", (unsigned long long)a, (unsigned long long)b,
           (unsigned long long)message.words[0]);
    return 0;
}
