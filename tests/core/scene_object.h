/* SPDX-License-Identifier: MIT */
/*
 * Cases of the scene that make, name and hold objects for the first space.
 */
#pragma once

#include "scene.h"

/* The object that has a name. */
struct object *scene_memory(const struct scene *scene);

enum err make_an_object(const struct scene *scene);
enum err name_an_object(const struct scene *scene);
enum err take_back_a_name(const struct scene *scene);
enum err open_a_name(const struct scene *scene);
enum err hold_an_object(const struct scene *scene);
enum err slice_an_object(const struct scene *scene);
