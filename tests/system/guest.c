/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hf/error.h>
#include <hf/kernel.h>
#include <hf/mem.h>

_Noreturn void guest_fail(const char *what, enum err error)
{
    printf("failed: %s: %s\n", what, hf_strerror(error));
    exit(1);
}

void guest_check(const char *what, enum err error)
{
    if (error != ERR_OK) {
        guest_fail(what, error);
    }
}

void guest_expect(const char *what, bool holds)
{
    if (!holds) {
        printf("failed: %s\n", what);
        exit(1);
    }
}

void guest_end_driver(void)
{
    struct mem_look_rep process;
    uint64_t after = 0;
    while (hf_look(after, &process) == ERR_OK) {
        const bool is_driver = strncmp(process.name, "bin/disk", sizeof(process.name)) == 0;
        if (is_driver) {
            guest_check("end", hf_space_end(process.space, 0));
        }
        guest_check("close", hf_handle_close(process.space));
        if (is_driver) {
            return;
        }
        after = process.space_id;
    }
    guest_expect("a driver", false);
}
