/* SPDX-License-Identifier: MIT */
/*
 * hf_last_refusal(): what the memory server remembers of a refused request, as a line for people.
 */
#include <hf/mem.h>

#include <inttypes.h>
#include <stdio.h>

#include <hf/error.h>

#define LINE_BYTES 160

static const char *request_name(uint64_t request)
{
    switch ((enum mem_request)request) {
#define REQUEST(name, number, function, summary) \
    case MEM_##name:                             \
        return #function;
#include <mem/proto.def>
#undef REQUEST
    }
    return "unknown request";
}

static const char *limit_name(uint64_t limit)
{
    switch ((enum mem_limit)limit) {
    case MEM_LIMIT_NONE:
        return "no limit";
    case MEM_LIMIT_REGIONS:
        return "regions";
    case MEM_LIMIT_PAGES:
        return "pages of address space";
    case MEM_LIMIT_DATA:
        return "private writable pages";
    case MEM_LIMIT_LOCKED:
        return "locked pages";
    case MEM_LIMIT_COMMIT:
        return "pages promised";
    case MEM_LIMIT_FRAMES:
        return "frames of the machine";
    case MEM_LIMIT_BUDGET:
        return "frames of the budget";
    case MEM_LIMIT_ADDRESS_SPACE:
        return "bytes of user addresses";
    case MEM_LIMIT_STACK:
        return "pages of a stack";
    case MEM_LIMIT_SPACES:
        return "spaces and threads";
    case MEM_LIMIT_NAMES:
        return "names of shared memory";
    case MEM_LIMIT_HUGE:
        return "huge pages";
    }
    return "unknown limit";
}

const char *hf_last_refusal(void)
{
    static _Thread_local char line[LINE_BYTES];
    struct mem_refusal_rep rep;
    enum err error = hf_refusal(&rep);
    if (error != ERR_OK) {
        snprintf(line, sizeof(line), "refusal unknown: %s", hf_strerror(error));
        return line;
    }
    if (rep.refused == ERR_OK) {
        return "nothing was refused";
    }
    const char *text = hf_strerror((enum err)rep.refused);
    if (rep.limit == MEM_LIMIT_NONE) {
        snprintf(line, sizeof(line), "%s: %s", request_name(rep.request), text);
    } else {
        snprintf(
            line, sizeof(line), "%s: %s: %s %" PRIu64 " of %" PRIu64 ", %" PRIu64 " more asked",
            request_name(rep.request), text, limit_name(rep.limit), rep.used, rep.value, rep.asked);
    }
    return line;
}
