/* SPDX-License-Identifier: MIT */
#include "task/slab.h"

#include "task/space.h"

static void slab_push(struct space *space, struct cell *cell) REQUIRES(task_lock)
{
    cell->link.next = space->free_cells;
    space->free_cells = cell;
}

enum err slab_add(struct space *space, struct cell *frame)
{
    if (space->slab_count == SPACE_SLABS_MAX) {
        return ERR_NO_SLOT;
    }
    space->slabs[space->slab_count] = frame;
    space->slab_count++;
    frame[0].link.owner = space;
    for (size_t i = SLAB_CELLS - 1; i > 0; i--) {
        slab_push(space, &frame[i]);
    }
    return ERR_OK;
}

enum err slab_take(struct space *space, enum object_kind kind, struct object **object)
{
    struct cell *cell = space->free_cells;

    if (cell == NULL) {
        return ERR_NO_OBJECT;
    }
    space->free_cells = cell->link.next;
    cell->link.owner = space;
    for (size_t i = 0; i < sizeof(cell->reserved) / sizeof(cell->reserved[0]); i++) {
        cell->reserved[i] = 0;
    }
    object_begin(&cell->object, kind);
    *object = &cell->object;
    return ERR_OK;
}

void slab_free(struct space *space, struct object *object)
{
    ASSERT(object_id_kind(object->id) == OBJECT_NONE);
    slab_push(space, (struct cell *)(void *)object);
}
