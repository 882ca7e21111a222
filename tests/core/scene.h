/* SPDX-License-Identifier: MIT */
/*
 * One world with something of everything, and one call of each operation to be tried on it.
 *
 *     0 1 2 | 3 4 5 6 .    7 8 9 10 11 12 13 ...
 *     w w w | r r . O O    . . w  w  w  .  w ...      | a new GiB; from 7 on the next 2 MiB
 *
 * Pages 10 to 39 of the last region are locked on fault.
 * w, r: anonymous, writable or not; O: private pages of a wired object. Pages 0, 1, 6 and 10 were
 * written, 2 and 3 read. The second space has page 1 in common with its clone, and shared memory at
 * 20 to 23, of which 20 and 22 were written, and an object with a name, shared at 30 to 34 and
 * private at 40 to 44. The first pins page 22 of the second, which pins page 10 of the first for a
 * device. The first has a large leaf besides (scene_large.h). One more space has taken all free
 * region records.
 *
 * A case is one request with fixed arguments that succeeds on the scene when nothing is in short
 * supply.
 */
#pragma once

#include <stddef.h>

#include "world.h"

struct scene {
    struct world *world;
    struct object *object;
    uint64_t first; /* numbers of two spaces */
    uint64_t second;
    uint64_t memory; /* number of the object with a name */
    uint64_t thread; /* number of a thread of `first` */
    uint64_t pin;    /* number of the one of `first` */
};

/* What a server thread that has others beside it holds while it runs a case (shared.h). */
enum scene_locks {
    SCENE_NONE,
    SCENE_FIRST,
    SCENE_SECOND,
    SCENE_BOTH,
    SCENE_PROCESSES,
    SCENE_ALL, /* the same; the case locks what it needs of all spaces */
    SCENE_PROCESSES_FIRST,
    SCENE_PROCESSES_SECOND,
};

struct scene_case {
    const char *name;
    /* Do it. Returns: ERR_OK, or the error of the request (ERR_NOMEM for a fault without frame). */
    enum err (*run)(const struct scene *scene);
    bool is_partial;  /* one that may be done in part by its nature: COPY, POPULATE */
    enum err refusal; /* for want of frames */
    enum scene_locks locks;
};

extern const struct scene_case scene_cases[];
extern const size_t scene_case_count;

/* A scene, and what is tried on it. The caller of `make` frees it with scene_free(). */
struct scene_set {
    const char *name;
    void (*make)(struct scene *scene);
    const struct scene_case *cases;
    const size_t *count;
};

/* This one, and that of huge pages (scene_huge.h). */
#define SCENE_SETS 2u
extern const struct scene_set scene_sets[SCENE_SETS];

/* Page of letter `index` in the drawing. */
uint32_t scene_page(uint32_t index);

/*
 * MAP in the first space, with MEM_MAP_FIXED at letter `index`: of the scene's object, or anonymous
 * memory. Returns: as op_map().
 */
enum err scene_map(const struct scene *scene, uint32_t index, uint32_t pages, uint32_t prot,
                   uint32_t flags, bool has_object);

/* Build the scene as its drawing says. The caller frees it with scene_free(). */
void scene_make(struct scene *scene);
/* The same scene in another world of the same size. */
void scene_copy(struct scene *to, const struct scene *from);

/* Leave no free region record in the arena: one more space takes them. */
void scene_use_up_records(struct world *world);
void scene_free(struct scene *scene);

/* Take the locks of a case, for the server thread that world->core is. */
void scene_lock(const struct scene *scene, enum scene_locks locks);
