/* SPDX-License-Identifier: MIT */
/*
 * A pager and its one object, each word of which is known, for tests in which one process serves
 * and others map. Both are passed by name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hf/pager.h>

#define PAGED_PAGES 64u
#define PAGED_NAME  "pager test: object"
#define PAGED_SELF  "pager test: pager"

/* The process that serves: memory of its own, the pager, and the object, under their names. */
struct paged {
    uint64_t handle;
    uint64_t object;
    uint64_t number;
    uint64_t *memory;
};

/* Make both. */
bool paged_open(struct paged *pager, uint64_t flags, uint64_t deadline_ms);

/* What the pager puts into word `index` of page `page`. */
uint64_t paged_word(uint64_t page, uint64_t index);

/* Put that into a page of memory. */
void paged_fill(uint64_t *page, uint64_t number);

/* The test's side: the object of a pager that has just been started, mapped shared; or NULL. */
volatile uint64_t *paged_map(uint64_t *object, uint64_t prot);

/* Give that back, and the names. */
void paged_unmap(volatile uint64_t *memory, uint64_t object);

/* Whether a page of it is as paged_fill() makes it. */
bool paged_is_right(const volatile uint64_t *memory, uint64_t page);

/*
 * Say that all pages of a piece of work are saved, one by one, the last one first, and before each
 * what is wrong: more pages than there are, none, and what was said before.
 */
enum err paged_say_saved(const struct paged *pager, const struct mem_pager_next_rep *work);
