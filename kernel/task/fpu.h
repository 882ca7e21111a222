/* SPDX-License-Identifier: MIT */
/*
 * Floating-point state, moved only when a second thread uses it.
 *
 * A thread starts without; its first floating-point instruction traps, since sstatus.FS is off, and
 * gets it the FPU. The state stays in the registers, whoever runs, until another thread's first
 * instruction.
 *
 * I1  hart->fpu_owner is the thread whose state the registers hold; its f and fcsr are then out of
 *     date.
 * I2  sstatus.FS is on exactly while current is the owner (fastpath.S keeps this too).
 * I3  The owner's home is this hart: who moves a thread puts its state back first.
 * Owner: the hart.
 */
#pragma once

#include <stdbool.h>

#include "task/thread.h"

/*
 * riscv/fpu.S: store f0..f31 and fcsr to 33 words, or load them. Requires: sstatus.FS is not off.
 */
void fpu_save(uint64_t *words);
void fpu_load(const uint64_t *words);

/* `next` is about to run on `hart`: let FS say whether the FPU is its own. */
void fpu_switch(struct hart *hart, const struct thread *next);

/* Current met an instruction that it may not execute. Returns: true if it has the FPU now and may
 * try again. */
bool fpu_claim(struct hart *hart, struct thread *current);

/* Bring f and fcsr of `thread` up to date, wherever they are; it fetches them at its next use. */
void fpu_put_back(struct thread *thread);

/* Forget the state of a thread that ended, and runs nowhere. */
void fpu_drop(struct thread *thread);
