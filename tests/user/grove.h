/* SPDX-License-Identifier: MIT */
/*
 * A tree for the tests of the file system, and its requests in short.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>

#include "naming.h"
#include "tree.h"

#define ROOM  1000u
#define OWNER 3u
#define NOW   77u

extern struct tree tree;
extern struct node *found; /* by the last request that finds one */
extern int takes_left;     /* of memory; below 0: any number */

/* A tree with some files of the archive; give all of it back, checked. */
void grove_start(void);
void grove_finish(void);

/* Requests from the root, as OWNER. */
struct tree_path path(const char *text);
enum err find(const char *text);
enum err open_as(const char *text, uint32_t flags, uint32_t mode);
enum err make(const char *text);
enum err make_folder(const char *text);
enum err take_away(const char *text);
enum err remove_folder(const char *text);
enum err move_as(const char *from, const char *to, uint32_t flags);
enum err move(const char *from, const char *to);
enum err change(const char *text, uint32_t mode, uint32_t flags);
void expect_path(const struct node *node, const char *expected);
