/* SPDX-License-Identifier: MIT */
/*
 * What the kernel keeps for each hart.
 *
 * In user mode sscratch holds the address of the hart's struct hart; in the kernel tp does, and
 * sscratch too, so that a trap of the kernel's own finds it. The kernel never sleeps and never
 * switches stacks: each hart has one, used from its top at every entry.
 *
 * I1  A struct hart is written under the kernel lock, scratch and request apart; what another
 *     hart asks for, by this hart while the other one has the lock.
 * I2  current is the thread whose registers go on at the next return to user mode, and NULL only
 *     while the hart boots or is idle.
 * I3  fpu_owner is the thread whose floating-point state is in the registers; sstatus.FS is on
 *     exactly while that is the current thread.
 * Owner: the hart. Constant after init: all but the first group.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/assert.h>
#include <base/attr.h>

#include <riscv/self.h>

#define HARTS_MAX 8u

struct thread;

/* What is due at the next exit from the kernel. */
enum hart_reschedule {
    RESCHEDULE_NOT = 0,
    RESCHEDULE = 1,        /* current may no longer be the one to run */
    RESCHEDULE_BEHIND = 2, /* and others of its priority come first */
};

/* Frames filled at once. */
#define FILL_MAX 8u

/* Frames that the hart fills while it does not have the kernel lock (mm/fill.h). */
struct fill {
    uint64_t *source; /* word of the frame that the only page is a copy of; NULL: zeros */
    uint32_t count;   /* of pages; 0: none is filled */
    uint32_t kind;    /* what the frames are then: USER, CLEAN */
    struct fill_page {
        uint64_t *word; /* of its frame */
        uint64_t *slot; /* where its leaf waits to become valid; NULL: nowhere */
    } pages[FILL_MAX];
};

struct hart {
    /* A cache line of its own: the low bits of its address are free for flags (thread.h, I3). */
    _Alignas(64) struct thread *current;
    uint64_t scratch;    /* of trap.S: t6 of what was interrupted */
    uint64_t stack_top;  /* constant after init */
    uint64_t reschedule; /* enum hart_reschedule */
    struct thread *fpu_owner;

    /* Constant after init, repeated here because the fast path finds them through tp. */
    struct thread **threads; /* by thread number; NULL: free */
    uint64_t thread_max;     /* thread numbers are below this */
    uint64_t frame_bias;     /* address of the word of the frame at 0, see frame_stamp() */
    uint64_t token; /* the last serial given out here: of those that are index modulo HARTS_MAX */

    uint64_t fault_count; /* page faults that became messages */
    uint64_t
        fault_look; /* not 0: page tables can have changed since a fault; look before sending */
    /* Likewise: what installing a page needs (mm/frame.h, mm/entry.h). */
    void *kernel_lock;
    uint64_t *frame_words;
    uint64_t frame_start;
    uint64_t frame_count;
    const uint8_t *leaf_flags;

    uint64_t idle_satp; /* of the kernel's own root; constant after init */
    uint64_t pause;     /* ticks: how long a hart sleeps at once that waits for another; constant */
    atomic_uint request; /* what another hart waits for (task/harts.c) */
    bool is_online;      /* takes part; for ever */
    bool is_idle;        /* sleeps until it is poked, or its timer */
    bool is_fetch_stale; /* code appeared that it does not run yet: fence.i before it does */
    bool is_alone;       /* there are no others, whom the kernel lock would keep out; constant */
    uint64_t wait_count; /* entries that found another hart in the kernel */
    uint64_t instret;    /* instructions it had executed when it was last asked for something */

    uint64_t switch_count;  /* switches that the scheduler made */
    uint64_t refused_count; /* entries of fault answers that were refused */
    uint64_t slice_end;     /* time when others of the same priority get their turn */
    uint64_t timer_armed;   /* what the timer is set to */
    uint64_t index;         /* below HARTS_MAX */
    uint64_t id;            /* hart id of the machine */
    struct fill fill;
};
