/* SPDX-License-Identifier: MIT */
/*
 * For tests of pins: a world with a client whose pages are pinned and a driver who pins them, and
 * short ways to do it.
 */
#pragma once

#include "world.h"

#define PINNED_AT     UINT32_C(0x20000)
#define PINNED_DEVICE 7u /* number of the object of a device */
#define RW            (MEM_PROT_READ | MEM_PROT_WRITE)

struct pinned {
    struct world *world;
    struct space *client;
    struct space *driver; /* with all privileges but to lock beyond limits */
};

/* Make it. */
void pinned_make(struct pinned *pinned);
/* Check everything, end both, and check that nothing is left. */
void pinned_free(struct pinned *pinned);

/* PIN by the driver of `pages` pages from `page` on. */
enum err pinned_pin(const struct pinned *pinned, uint32_t page, uint32_t pages, uint32_t flags,
                    struct pin_answer *answer);
/* The same, which must succeed for all pages. Returns: the number of the pin. */
uint64_t pinned_all(const struct pinned *pinned, uint32_t page, uint32_t pages, uint32_t flags);
/* The same for the device. */
uint64_t pinned_device(const struct pinned *pinned, uint32_t page, uint32_t pages);

/* UNPIN by the driver. */
enum err pinned_unpin(const struct pinned *pinned, uint64_t number);

/* MAP of `pages` pages of the object, or anonymous ones without, at `page` of the client. */
void pinned_map(const struct pinned *pinned, uint32_t page, uint32_t pages, uint32_t prot,
                uint32_t flags, struct object *object_opt);
/* UNMAP by the client, PROTECT. */
void pinned_unmap(const struct pinned *pinned, uint32_t page, uint32_t pages);
void pinned_protect(const struct pinned *pinned, uint32_t page, uint32_t pages, uint32_t prot);

/* Shared memory of so many pages, held by the client. */
struct object *pinned_memory(const struct pinned *pinned, uint32_t pages);

/* A clone of the client. */
struct space *pinned_clone(const struct pinned *pinned);

/* The frame (index in the model) of a page of a pin. */
uint32_t pinned_frame(const struct pinned *pinned, uint64_t number, uint32_t page);
/* What is in it, as a device sees it, and a device writing there. */
uint64_t pinned_seen(const struct pinned *pinned, uint64_t number, uint32_t page);
void pinned_written(const struct pinned *pinned, uint64_t number, uint32_t page, uint64_t word);

/* The client writes, and reads. */
void pinned_write(const struct pinned *pinned, uint32_t page, uint64_t word);
uint64_t pinned_read(const struct pinned *pinned, uint32_t page);

/* Free frames when nothing is kept in hand. */
uint64_t pinned_left(const struct pinned *pinned);
