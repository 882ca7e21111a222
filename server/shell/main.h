/* SPDX-License-Identifier: MIT */
/*
 * Entry of the memory server's C code, from crt0.S.
 */
#pragma once

#include <base/attr.h>

/* Run the memory server. `message_page` holds struct boot_info. */
NORETURN void main_start(void *message_page);
