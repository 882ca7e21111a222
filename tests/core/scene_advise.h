/* SPDX-License-Identifier: MIT */
/*
 * Cases of the scene: advice on two neighbouring regions of the first space, and requests in the
 * LINUX form, which may be done in part.
 */
#pragma once

#include "scene.h"

enum err advise_dontneed(const struct scene *scene);
enum err advise_dontfork(const struct scene *scene);
enum err advise_willneed(const struct scene *scene);
enum err advise_hugepage(const struct scene *scene);
enum err advise_pageout(const struct scene *scene);
enum err advise_populate_write(const struct scene *scene);

enum err advise_in_the_linux_form(const struct scene *scene);
enum err protect_in_the_linux_form(const struct scene *scene);
enum err lock_in_the_linux_form(const struct scene *scene);
