/* SPDX-License-Identifier: MIT */
#include "ending.h"

#include <inttypes.h>
#include <stdio.h>

#include <abi/fault.h>

static const char *cause_name(uint64_t cause)
{
    switch ((enum cause)cause) {
    case CAUSE_NONE:
        return "ended without a cause";
    case CAUSE_EXIT:
        return "exited";
    case CAUSE_MAPERR:
        return "SEGV_MAPERR";
    case CAUSE_ACCERR:
        return "SEGV_ACCERR";
    case CAUSE_BUS:
        return "BUS_ADRERR";
    case CAUSE_ILLEGAL:
        return "illegal instruction";
    case CAUSE_MISALIGNED:
        return "misaligned access";
    case CAUSE_BREAKPOINT:
        return "breakpoint";
    case CAUSE_ACCESS:
        return "access refused by the machine";
    case CAUSE_KILLED:
        return "ended by another process";
    case CAUSE_REQUEST:
        return "upcall without a handler";
    case CAUSE_ASSERT:
        return "failed assertion";
    }
    return "unknown cause";
}

static const char *access_name(uint64_t access)
{
    switch (access) {
    case FAULT_READ:
        return " (read)";
    case FAULT_WRITE:
        return " (write)";
    case FAULT_EXEC:
        return " (execute)";
    default:
        return "";
    }
}

void ending_print(const char *name, const struct mem_next_rep *end)
{
    switch ((enum cause)end->cause) {
    case CAUSE_MAPERR:
    case CAUSE_ACCERR:
    case CAUSE_BUS:
    case CAUSE_MISALIGNED:
    case CAUSE_ACCESS:
        printf("init: %s: %s at 0x%" PRIx64 "%s, pc 0x%" PRIx64 "\n", name, cause_name(end->cause),
               end->detail, access_name(end->access), end->pc);
        break;
    case CAUSE_ILLEGAL:
    case CAUSE_BREAKPOINT:
        printf("init: %s: %s, pc 0x%" PRIx64 "\n", name, cause_name(end->cause), end->pc);
        break;
    case CAUSE_NONE:
    case CAUSE_EXIT:
    case CAUSE_KILLED:
    case CAUSE_REQUEST:
    case CAUSE_ASSERT:
        printf("init: %s: %s (%" PRIu64 ")\n", name, cause_name(end->cause), end->detail);
        break;
    }
}
