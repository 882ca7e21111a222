/* SPDX-License-Identifier: MIT */
/*
 * A machine for host tests of kernel/mm: RAM, frame table, kernel root, one space.
 */
#pragma once

#include <stdint.h>

#include "mm/aspace.h"
#include "mm/frame.h"

/* Another hart, whose fill (mm/fill.h) goes on when it is waited for; how often that was. */
extern struct hart model_other;
extern uint64_t model_settles;

/* All frames FREE and full of rubbish, no interrupt. `frames` may be more than MODEL_PAGES. */
void model_start(uint64_t frames);

/* A frame number `n` frames behind the first. */
pfn_t model_frame(uint64_t n);

/* The word of that frame. */
uint64_t model_word(uint64_t n);

/* Give `count` frames from `n` on the kind, count 0. */
void model_fill(uint64_t n, uint64_t count, enum frame_kind kind);

/* Make a space whose root is frame `root`. */
void model_space(struct aspace *aspace, uint64_t root, bool is_server);

/* Fill frame `n` with a byte; whether all its bytes are this one. */
void model_paint(uint64_t n, unsigned char byte);
bool model_is_painted(uint64_t n, unsigned char byte);

/* Carry out entries from the start, again after each interruption. */
enum err model_apply(struct aspace *aspace, const struct map_entry *entries, uint64_t count,
                     uint64_t *done);

/* One entry of a vector. */
struct map_entry model_entry(enum map_op op, uint64_t page, uint64_t pages, uint64_t frame,
                             uint64_t prot, uint64_t flags);

/* Carry out one entry. */
enum err model_map(struct aspace *aspace, enum map_op op, uint64_t page, uint64_t pages,
                   uint64_t frame, uint64_t prot, uint64_t flags);

/* The entry that the hardware would find for a page; 0: none. *level is that of the leaf. */
pte_t model_leaf(const struct aspace *aspace, uint64_t page, unsigned *level);
