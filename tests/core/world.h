/* SPDX-License-Identifier: MIT */
/*
 * A whole small machine for tests: the kernel's model, an arena, core, and clients that touch
 * pages.
 *
 * A world can be copied, so that many things can be tried from one state, and started anew at
 * another address, as after the death of the server.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "server/core/core.h"

/* Frames that core is given, in two ranges with a hole between. The rest is wired: an "archive". */
#define WORLD_FRAMES  3000u
#define WORLD_ARCHIVE 3600u /* index of the first wired frame */
#define WORLD_WIRED   64u
#define WORLD_WORD    0x1000u /* what the first wired frame holds */

struct world {
    struct port *port;
    unsigned char *arena;
    struct core core;
};

/* `frames`: how many core is given, at most WORLD_FRAMES. */
struct world *world_make(uint32_t frames, uint32_t commit_mode);
/* With one range that begins `start` frames above the lowest of RAM. */
struct world *world_make_at(uint32_t start, uint32_t frames, uint32_t commit_mode);
void world_free(struct world *world);
/* Check everything, end the last space, check that this left nothing wrong, and free the world. */
void world_end(struct world *world, struct space *last);

/* Make `to` what `from` is; spaces have the same numbers there. */
void world_copy(struct world *to, const struct world *from);

/* A new instance of the server: the arena at another address. */
void world_restart(struct world *world);

/* Make a space. */
struct space *world_space(struct world *world);
/* Make one with records of regions to spare, so that frames are for pages alone. */
struct space *world_space_with_records(struct world *world);
/* Make a clone, which must succeed. */
struct space *world_clone(struct world *world, struct space *from);
/* The same space in another copy of the world. */
struct space *world_find(const struct world *world, uint64_t number);

/* Settings that limit nothing: lowest address 64 KiB, mapping base 0x3ff0000000. */
struct space_settings world_settings(void);

/*
 * Touch a page as a client: fault until the access works. Returns: FAULT_READY, or why the client
 * got a signal.
 */
enum fault_outcome world_touch(struct world *world, struct space *space, uint32_t page,
                               uint32_t access, uint64_t *word);

/* The same for writing `word` and for reading. */
enum fault_outcome world_write(struct world *world, struct space *space, uint32_t page,
                               uint64_t word);
enum fault_outcome world_read(struct world *world, struct space *space, uint32_t page,
                              uint64_t *word);

/* MAP_FIXED of private anonymous memory; must succeed. */
void world_map(struct world *world, struct space *space, uint32_t page, uint32_t pages,
               uint32_t prot);

/* An object of the wired frames. */
struct object *world_object(struct world *world, uint32_t pages);

/* Have exactly `left` free frames, taking the others out of play for good. */
void world_starve(struct world *world, uint64_t left);

/* Make the budget of a space such that exactly `left` frames are left in it. */
void world_budget(struct space *space, uint64_t left);

/* Check core and the model against each other: leaves say no more than shadow and regions. */
void world_audit(const struct world *world);

static inline uaddr_t world_address(uint32_t page)
{
    return vpn_to_uaddr(page_to_vpn(page));
}
