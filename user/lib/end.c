/* SPDX-License-Identifier: MIT */
#include <hf/end.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <mem/prot.h>

#define REGION_BYTES 64u

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

/* Where the region begins. */
static uint64_t region_start(uint64_t region)
{
    return (region & MEM_NEXT_PAGE_MASK) * HF_PAGE_BYTES;
}

/* Whether the access was one that needs more stack than there is: below it, or in a guard page. */
static bool is_overflow(const struct mem_next_rep *end)
{
    const bool is_guard =
        (end->region & MEM_NEXT_STACK) != 0 && (end->region >> MEM_NEXT_PROT_SHIFT & 7) == 0;
    return region_start(end->region) > end->detail || is_guard;
}

static const char *region_text(uint64_t region, char text[REGION_BYTES])
{
    const uint64_t start = region_start(region);
    const uint64_t pages = region >> MEM_NEXT_PAGE_BITS & MEM_NEXT_PAGE_MASK;
    const uint64_t prot = region >> MEM_NEXT_PROT_SHIFT;
    if (region == 0) {
        return "no region";
    }
    snprintf(text, REGION_BYTES, "region 0x%" PRIx64 "-0x%" PRIx64 " %c%c%c%c%s%s", start,
             start + pages * HF_PAGE_BYTES, (prot & MEM_PROT_READ) != 0 ? 'r' : '-',
             (prot & MEM_PROT_WRITE) != 0 ? 'w' : '-', (prot & MEM_PROT_EXEC) != 0 ? 'x' : '-',
             (region & MEM_NEXT_SHARED) != 0 ? 's' : 'p',
             (region & MEM_NEXT_STACK) != 0 ? " [stack]" : "",
             (region & MEM_NEXT_OBJECT) != 0 ? " object" : "");
    return text;
}

/* What the cause and the region mean together, as far as there is but one reason. */
static const char *reason_text(const struct mem_next_rep *end)
{
    if (end->cause != CAUSE_BUS && is_overflow(end)) {
        return ": stack overflow";
    }
    return end->cause == CAUSE_BUS && end->region != 0 && (end->region & MEM_NEXT_OBJECT) == 0
               ? ": no memory or budget left, or its page of swap is lost"
               : "";
}

const char *hf_end_text(const struct mem_next_rep *end, char text[HF_END_BYTES])
{
    char region[REGION_BYTES];
    switch ((enum cause)end->cause) {
    case CAUSE_MAPERR:
    case CAUSE_ACCERR:
    case CAUSE_BUS:
    case CAUSE_MISALIGNED:
    case CAUSE_ACCESS:
        snprintf(text, HF_END_BYTES, "%s at 0x%" PRIx64 "%s, pc 0x%" PRIx64 ", %s%s%s",
                 cause_name(end->cause), end->detail, access_name(end->access), end->pc,
                 region_start(end->region) > end->detail ? "below " : "",
                 region_text(end->region, region), reason_text(end));
        break;
    case CAUSE_ILLEGAL:
    case CAUSE_BREAKPOINT:
        snprintf(text, HF_END_BYTES, "%s, pc 0x%" PRIx64, cause_name(end->cause), end->pc);
        break;
    case CAUSE_NONE:
    case CAUSE_EXIT:
    case CAUSE_KILLED:
    case CAUSE_REQUEST:
    case CAUSE_ASSERT:
        if (end->cause == CAUSE_KILLED && end->detail == 0) { /* no number was given */
            snprintf(text, HF_END_BYTES, "%s", cause_name(end->cause));
        } else {
            snprintf(text, HF_END_BYTES, "%s (%" PRIu64 ")", cause_name(end->cause), end->detail);
        }
        break;
    }
    return text;
}
