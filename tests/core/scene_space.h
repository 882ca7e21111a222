/* SPDX-License-Identifier: MIT */
/*
 * Cases of the scene that make and end spaces, for good or for a batch.
 */
#pragma once

#include "scene.h"

/* A space that nobody makes, one that uses the budget of the first, one with a part of that. */
enum err make_a_space(const struct scene *scene);
enum err make_a_space_within_a_budget(const struct scene *scene);
enum err make_a_space_with_a_budget(const struct scene *scene);

/* The end of the first, and of the second. */
enum err end_a_space(const struct scene *scene);
enum err end_a_space_with_objects(const struct scene *scene);

/* Operations on several regions, all or none. */
enum err run_a_batch(const struct scene *scene);
