/* SPDX-License-Identifier: MIT */
/*
 * The boot manifest, boot/manifest of the archive: which processes init starts, and what each may
 * do. Text; a statement a line, words separated by spaces or tabs; # begins a comment.
 *
 *   overcommit MODE [PERCENT]
 *                          before the first process: how memory is promised: never (default): no
 *                          more in all than PERCENT (100) of the frames; heuristic: no request for
 *                          more than all; always
 *   hugepages SIZE N       before the first process: N pages of SIZE, 2M or 1G, are set aside at
 *                          boot for mappings with HUGETLB
 *   process NAME           begins the statements about a program of the archive; *: the one that
 *                          was named for this boot, the last in the file
 *   boot shell|program     start it only when no program was named, only when one was
 *   priority N             the highest of its threads, and its first one's (default 8)
 *   budget N               frames that it and its children may take (default: all)
 *   device NAME REGISTERS INTERRUPT
 *                          handles to a device, in these slots; NAME: "console"; "card": a
 *                          controller with a slot for SD cards; or what the device tree says it is
 *                          compatible with; virtio,mmio:N: the first slot of virtio in which there
 *                          is a device of kind N
 *   or NAME                that device, if there is none of those that were named before
 *   optional               without its device it is left out, and not a word is said; the same if
 *                          it ends with status 0: there is nothing in the device's slot
 *   receive NAME SLOT      RECEIVE at the endpoint NAME, which init makes
 *   pager SLOT [FRAMES]    a pager that stays when the process is started again (hf/pager.h); so
 *                          many frames are for the process alone, when there are no others: it is
 *                          a memory maker, and needs "may swap"
 *   call NAME [SLOT]       CALL at that endpoint; "console", "names" and "files" have slots
 *                          promised to them
 *   machine                power and interrupts, in HANDLE_MACHINE
 *   log system             what it writes to the log is the system's
 *   may WHAT...            lock: lock beyond limits; low: map below the lowest address; look: look
 *                          at every process; kill: end every process but init; dma: have a device
 *                          that masters memory; physical: know which frames pages have
 *   find NAME              look names up at the name service; serve NAME: register them there; a
 *                          star at the end stands for anything
 *   restarts N             start it again when it ends, so many times (default 0)
 *   final                  its end is the end of the machine
 *
 * I1  Of an accepted manifest: slots lie in MANIFEST_SLOT_FIRST.._END and none stands twice at a
 *     process; an endpoint is received by one process, before those that call it; for a boot
 *     without a program one process is final.
 * Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define MANIFEST_PROCESSES_MAX 16u
#define MANIFEST_ENTRIES_MAX   8u  /* of each kind at a process */
#define MANIFEST_DEVICES_MAX   4u  /* to choose from */
#define MANIFEST_NAME_BYTES    32u /* with the NUL */
#define MANIFEST_SLOT_FIRST    64u
#define MANIFEST_SLOT_END      128u
#define MANIFEST_RESTARTS_MAX  100u
#define MANIFEST_PERCENT_MAX   1000u
#define MANIFEST_HUGE_MAX      65536u
#define MANIFEST_RESERVE_MAX   4096u
#define MANIFEST_ANY           "*"

enum manifest_boot {
    MANIFEST_ALWAYS = 0,
    MANIFEST_SHELL = 1,   /* no program was named */
    MANIFEST_PROGRAM = 2, /* one was */
};

#define MANIFEST_MAY_LOCK     0x1u
#define MANIFEST_MAY_LOW      0x2u
#define MANIFEST_MAY_DMA      0x4u
#define MANIFEST_MAY_LOOK     0x8u
#define MANIFEST_MAY_PHYSICAL 0x10u
#define MANIFEST_MAY_KILL     0x20u
#define MANIFEST_MAY_SWAP     0x40u
#define MANIFEST_MAY_MOUNT    0x80u /* of the file system */

/* An endpoint and the slot for it; slot 0: the promised one. */
struct manifest_handle {
    char name[MANIFEST_NAME_BYTES];
    uint64_t slot;
};

struct manifest_device {
    char name[MANIFEST_NAME_BYTES];
    uint64_t virtio; /* kind of the device in a slot of virtio; 0: not asked for */
};

struct manifest_list {
    uint32_t count;
    char names[MANIFEST_ENTRIES_MAX][MANIFEST_NAME_BYTES];
};

struct manifest_process {
    char name[MANIFEST_NAME_BYTES];
    enum manifest_boot boot;
    uint64_t priority;
    uint64_t budget; /* 0: all */
    uint64_t restarts;
    uint32_t may; /* MANIFEST_MAY_... */
    bool has_machine;
    bool is_system_log;
    bool is_final;
    bool is_optional;
    uint32_t devices_count;    /* the first that is there */
    uint64_t device_registers; /* slots; valid if there are devices */
    uint64_t device_interrupt;
    struct manifest_device devices[MANIFEST_DEVICES_MAX];
    uint64_t pager;   /* slot; 0: none */
    uint64_t reserve; /* frames */
    uint32_t receives_count;
    uint32_t calls_count;
    struct manifest_handle receives[MANIFEST_ENTRIES_MAX];
    struct manifest_handle calls[MANIFEST_ENTRIES_MAX];
    struct manifest_list finds;
    struct manifest_list serves;
};

enum manifest_overcommit {
    MANIFEST_NEVER = 0,
    MANIFEST_HEURISTIC = 1,
    MANIFEST_OVERCOMMIT_ALWAYS = 2,
};

struct manifest {
    enum manifest_overcommit overcommit;
    uint64_t percent; /* of the frames that may be promised */
    uint64_t hugepages_2m;
    uint64_t hugepages_1g;
    uint32_t count;
    struct manifest_process processes[MANIFEST_PROCESSES_MAX];
};

/* What is wrong with a manifest. */
struct manifest_error {
    unsigned line;                  /* from 1 */
    const char *reason;             /* as the end of a sentence */
    char word[MANIFEST_NAME_BYTES]; /* which it is about, cut; "": none */
};

/*
 * Read a manifest of `bytes` bytes.
 *
 * Returns:   true; false if it breaks a rule of the format or I1.
 * On error:  `error` says the first thing that is wrong; `manifest` is undefined.
 */
MUST_USE bool manifest_parse(const char *text, uint64_t bytes, struct manifest *manifest,
                             struct manifest_error *error);

/* Whether the process is started in a boot with, or without, a program. */
bool manifest_is_for(const struct manifest_process *process, bool has_program);

/* Whether the list grants the name. */
bool manifest_grants(const struct manifest_list *list, const char *name);
