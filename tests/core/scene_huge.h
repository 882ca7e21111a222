/* SPDX-License-Identifier: MIT */
/*
 * A scene of huge pages, with a pool of four, and one call of each operation that is about them.
 *
 *     first   | A | . |            private; A was written, a clone of the first has it too, and all
 *                                  but the last step of a copy of it are done
 *     second  | B |                shared; of its parts 2 was written, and the first has pinned it
 *             | s s s s            small pages at scene_page(0)
 *
 * So two pages are in use, one is promised, which is clean, and one is the copy's.
 */
#pragma once

#include "scene.h"

#define SCENE_HUGE (UINT32_C(4) << 18)

extern const struct scene_case scene_huge_cases[];
extern const size_t scene_huge_case_count;

/* Build it as the drawing says. The caller frees it with scene_free(). */
void scene_huge_make(struct scene *scene);
