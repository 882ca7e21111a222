/* SPDX-License-Identifier: MIT */
/*
 * What the scene has of large leaves, and the cases about them: two stretches of 2 MiB with
 * HUGEPAGE in a GiB of their own, the first of which is one large leaf.
 */
#pragma once

#include "scene.h"

#define SCENE_LARGE (UINT32_C(4) << 18)

/* Map them, and write to page 5. */
void scene_make_large(struct world *world, struct space *space);

enum err unmap_part_of_a_large_leaf(const struct scene *scene);
enum err unmap_a_large_leaf(const struct scene *scene);
enum err protect_part_of_a_large_leaf(const struct scene *scene);
enum err map_over_part_of_a_large_leaf(const struct scene *scene);
enum err give_back_part_of_a_large_leaf(const struct scene *scene);
enum err move_a_large_leaf(const struct scene *scene);
enum err fault_in_a_large_leaf(const struct scene *scene);
enum err take_part_of_a_large_leaf_in_a_batch(const struct scene *scene);
