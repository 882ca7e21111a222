/* SPDX-License-Identifier: MIT */
/*
 * Pins: pages that keep their frames, for devices and for whoever must not fault; requests PIN to
 * DEVICE_RESET of mem/proto_pin.h, whose flags, limits and errors are meant here.
 *
 * A pin is the caller's, by its number, and goes with the process. `space` is a handle to the space
 * whose pages are meant (with MEM_RIGHT_PIN; to look at its pins: MEM_RIGHT_READ), HF_OWN_SPACE for
 * one's own.
 */
#pragma once

#include <stdint.h>

#include <hf/mem.h>
#include <mem/proto_pin.h>

/* What to pin. */
struct hf_pin {
    uint64_t space;
    const void *addr; /* of any byte of the first page */
    uint64_t pages;
    uint32_t flags;      /* MEM_PIN_... */
    uint32_t lease_ms;   /* after so long hf_pin_next() tells; 0: never */
    const char *purpose; /* for people: at most 15 characters count; NULL: none */
    uint64_t device;     /* handle to the device that will read or write them; HF_NO_OBJECT: none */
};

/*
 * PIN. `rep->pages` may be less than asked for. With MEM_PIN_FRAMES `frames` gets the number of the
 * frame of each page (its physical address divided by HF_PAGE_BYTES).
 */
enum err hf_pin(const struct hf_pin *pin, struct mem_pin_rep *rep, uint64_t *frames_opt);

/* All pages or none: ERR_AGAIN if only some could be pinned. */
enum err hf_pin_all(const struct hf_pin *pin, uint64_t *number, uint64_t *frames_opt);

/* What PIN of this would cost (MEM_PIN_DRY). */
enum err hf_pin_cost(const struct hf_pin *pin, struct mem_pin_cost_rep *rep);

/* UNPIN; flags: MEM_UNPIN_DIRTY or 0. */
enum err hf_unpin(uint64_t number, uint64_t flags);

/*
 * PINS: up to `count` (at most MEM_PINS_MAX) rows of the ledger, `which` of MEM_PINS_..., from the
 * last below number `before` (0: the last of all) on.
 */
enum err hf_pins(uint64_t space, uint64_t which, uint64_t before, uint64_t count,
                 struct mem_pin_row *rows, struct mem_pins_rep *rep);

/* The row of the pin that a handle (MEM_PIN_HANDLE) names. */
enum err hf_pin_look(uint64_t handle, struct mem_pin_row *row);

/*
 * PIN_NEXT: wait until the lease of a pin of this process is over, which is to be given up then; of
 * each pin once. ERR_BUSY: another thread waits already.
 */
enum err hf_pin_next(struct mem_pin_next_rep *rep);

/* DEVICE_RESET; `pins`: how many were in quarantine because of it. */
enum err hf_device_reset(uint64_t device, uint64_t *pins);
