/* SPDX-License-Identifier: MIT */
/*
 * Threads of a client that pin pages of an object which a stalled pager fills (stall.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "patient.h"
#include "stall.h"

/* Thread `thread` pins pages of the object's mapping. Returns: whether it was answered at once. */
bool pinner_pin(unsigned thread, uint32_t page, uint32_t pages, uint32_t flags);

/* It makes another request. Returns: likewise. */
bool pinner_ask(unsigned thread, enum ask what, uint64_t x, uint64_t y, uint64_t z);

/* What it was answered. */
const struct patient_answer *pinner_answer(unsigned thread);

/* What it waits for. */
enum wait_state pinner_state(unsigned thread);

/* The pager does the next piece of work, which is for this page. */
void pinner_supply(uint64_t page);

/* Pages of the object up to `end` are there. */
void pinner_prepare(uint32_t end);

/* It was answered with a number of pages. */
void pinner_expect(unsigned thread, uint64_t pages, bool is_dropped);
