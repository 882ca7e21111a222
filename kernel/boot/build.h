/* SPDX-License-Identifier: MIT */
/*
 * Building a space at boot: kernel objects, page tables, an image with every page present, one
 * thread.
 *
 * Frames are taken from boot->free. If they do not suffice, or an image is bad, the kernel panics:
 * nothing could run without both spaces.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/archive.h"
#include "mm/frame.h"
#include "task/thread.h"
#include <abi/boot.h>
#include <base/attr.h>

struct boot;
struct space;

/* A space in the making. */
struct build {
    /* Given by the caller. */
    bool is_server;
    uint64_t badge;  /* of its faults */
    uint64_t number; /* of its thread */

    /* Results. */
    struct space *space;
    struct thread *thread;
    uint64_t entry;
    uint64_t image_end;       /* first page behind the image, as address */
    struct boot_range tables; /* root, two of the window, then as abi/boot.h says */
    uint32_t segment_count;
    struct boot_segment segments[BOOT_SEGMENTS_MAX];
};

/* Take pages for the kernel itself, for ever, zeroed. */
void *build_take_kernel(struct boot *boot, uint64_t pages);

/* Make the space of an image, its tables and its pages: SERVER frames, or USER ones. */
void build_space(struct boot *boot, const struct archive_file *file, uint64_t priority_max,
                 struct build *build) REQUIRES(memory_lock);

/*
 * Make its thread, ready to start at the image's entry with a0 = its message page, which is page 0
 * of its window and page `build->number` of the server's.
 */
void build_thread(struct boot *boot, struct build *build, const struct build *server,
                  uint32_t priority) REQUIRES(task_lock) REQUIRES(memory_lock);

/* Give the space a slab for small objects. */
void build_slab(struct boot *boot, struct build *build) REQUIRES(task_lock) REQUIRES(memory_lock);
