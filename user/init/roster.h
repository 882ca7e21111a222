/* SPDX-License-Identifier: MIT */
/*
 * The boot processes: each is started with what the manifest says, and started again when it ends.
 *
 *   OUT -> RUNS   [roster_start]
 *   RUNS -> OUT   [roster_take_end] unless it may be started again, or its end is the machine's
 *
 * The endpoints are init's own: when a server ends, a new one takes its place there, and whoever
 * still waits at the endpoint is served. The badge of a handle to one is the number of its holder
 * in the manifest, from 1; so a server knows who calls, and children call as their parents. Pagers
 * are init's as well: what is mapped of a server that ended is served by the next one, and given up
 * when there will be none.
 *
 * I1  A process that runs has a space whose end was not taken yet.
 * I2  An endpoint that is not 0 has a receiver that runs, or is about to.
 * Owner: init's only thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>
#include <hf/manifest.h>
#include <hf/process.h>
#include <mem/proto.h>

struct roster_member {
    const char *name; /* of what was started; borrowed */
    bool is_running;
    uint64_t starts;
    uint64_t registers; /* handles to its device, 0: not looked for yet, or none */
    uint64_t interrupt;
    uint64_t pager; /* handle; 0: not made, or given back */
    char compatible[MEM_COMPATIBLE_BYTES + 1];
    char offset[24];                         /* of the registers in their first page, as text */
    uint64_t receives[MANIFEST_ENTRIES_MAX]; /* its endpoints; 0: not made */
    struct hf_process process;
};

struct roster {
    const struct manifest *manifest;
    uint64_t changes; /* processes that were started or have ended, so far */
    struct roster_member members[MANIFEST_PROCESSES_MAX];
};

/*
 * Start a process of the manifest; `argv_opt`: its arguments, NULL: its name alone.
 *
 * A process with a device gets, as arguments, what the device is compatible with and where its
 * registers begin in their first page.
 *
 * One that somebody ends before it runs is started again as if it had run, as often as the manifest
 * says.
 *
 * Returns:   whether it runs; if not, a line says why, and its endpoints have ended.
 */
MUST_USE bool roster_start(struct roster *roster, uint32_t index, const char *const *argv_opt);

/*
 * Start all processes for a boot with or without a program, but for the program itself; those that
 * cannot be started are left out.
 *
 * Returns:   whether the process whose end is the machine's end is not among those left out.
 */
MUST_USE bool roster_start_all(struct roster *roster, bool has_program);

/*
 * Wait until every endpoint has answered a message that says nothing, or has ended, or some seconds
 * are over. Ends are taken note of meanwhile.
 *
 * Returns:   whether all processes that run now wait at endpoints, and so use no more memory.
 */
bool roster_settle(struct roster *roster);

/* Take note of the ends that nobody has asked for yet. */
void roster_take_ends(struct roster *roster);

/*
 * Take note of an end. If it is not the end of the machine, say so and start the process again if
 * it may be.
 *
 * Returns:   NULL, or, at the end of the machine, the name of the process that has ended.
 */
MUST_USE const char *roster_take_end(struct roster *roster, const struct mem_next_rep *end);

/* The endpoint of this name; 0: there is none (any longer). */
uint64_t roster_endpoint(const struct roster *roster, const char *name);
