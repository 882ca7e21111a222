/* SPDX-License-Identifier: MIT */
/*
 * Cases of the scene that make spaces, for good or for a batch.
 */
#pragma once

#include "scene.h"

/* A space that nobody makes, one that uses the budget of the first, one with a part of that. */
enum err make_a_space(const struct scene *scene);
enum err make_a_space_within_a_budget(const struct scene *scene);
enum err make_a_space_with_a_budget(const struct scene *scene);

/* Operations on several regions, all or none. */
enum err run_a_batch(const struct scene *scene);
