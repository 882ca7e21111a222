/* SPDX-License-Identifier: MIT */
/*
 * Cases of the scene about pins, and the pins that it has.
 */
#pragma once

#include "scene.h"

/* The number of the object of a device that pins of the scene are for. */
#define SCENE_DEVICE 9u

/* A page of the second space's shared memory pinned by the first, page 10 of the first by the
 * second for a device. */
void scene_make_pins(struct scene *scene);

/* By the second space: 16 absent pages of the first; page 10 of it once more, with another; its own
 * page that a clone has too. */
enum err pin_a_row(const struct scene *scene);
enum err pin_once_more(const struct scene *scene);
enum err pin_a_shared_page(const struct scene *scene);

/* The first drops its pin. */
enum err unpin(const struct scene *scene);
