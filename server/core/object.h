/* SPDX-License-Identifier: MIT */
/*
 * What the pages of a region come from when they are not anonymous.
 *
 * *Wired*: a row of frames that are there for good and not core's to give out, as the boot archive.
 * Shared and read-only private pages are the frames as they are; a private page that is written is
 * copied first. *Device*: registers, which can only be shared and whose pages are never copied.
 * Touching a page after the last one is a bus error.
 *
 * I1  `references` counts the maker's hold and each region that maps the object.
 * Owner: counted; the record goes with the last reference.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

struct core;

enum object_sort {
    OBJECT_WIRED = 1,
    OBJECT_DEVICE = 2,
};

/* Largest page number that an offset may reach (R3). */
#define OBJECT_PAGES_MAX (UINT64_C(1) << 51)

struct object {
    uint32_t kind; /* enum object_sort; constant */
    uint32_t references;
    pfn_t first;    /* constant */
    npages_t pages; /* constant */
    uint64_t reserved[5];
};

/*
 * Make an object of `pages` frames from `first` on, with one reference.
 *
 * Returns:   ERR_OK; ERR_NOMEM if there is no frame for the record.
 * On error:  nothing changed.
 */
MUST_USE enum err object_make_wired(struct core *core, pfn_t first, npages_t pages,
                                    struct object **object);

/* The same for the registers of a device. */
MUST_USE enum err object_make_device(struct core *core, pfn_t first, npages_t pages,
                                     struct object **object);

/* The object of a link, which is not 0. */
struct object *object_at(const struct core *core, uint32_t link);

/* One reference more, one less; with the last one the record is given back. */
void object_get(struct object *object);
void object_put(struct core *core, struct object *object);

/* Whether page number `page` of the object exists, and the frame that it is. */
bool object_has_page(const struct object *object, uint64_t page);
pfn_t object_pfn(const struct object *object, uint64_t page);
