/* SPDX-License-Identifier: MIT */
/*
 * Names taken away and given anew: UNLINK, RMDIR, RENAME.
 *
 * Order of checks and errors as Linux's (do_unlinkat(), do_rmdir(), do_renameat2()). All of them:
 * errors of path_walk(); ROFS: of the archive; ACCES: the folder may not be written; PERM:
 * append-only; BUSY: a part of the tree begins there. On error: nothing changed.
 * Pure C: tested on the host.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "tree.h"

/* UNLINK: `node` is loose then. NOENT; ISDIR; NOTDIR: a slash behind a file. */
MUST_USE enum err naming_unlink(struct tree *tree, struct tree_path path, struct node **node);

/* RMDIR. NOENT; NOTDIR; NOTEMPTY, also of ".."; INVAL: of "."; BUSY: of "/". */
MUST_USE enum err naming_rmdir(struct tree *tree, struct tree_path path);

/*
 * RENAME: the file that was there before is loose then; NULL: nothing was, or a folder. XDEV:
 * another part; BUSY: "." or ".."; NOENT; EXIST: with FILES_RENAME_NOREPLACE; NOTDIR, ISDIR: a
 * folder and a file; INVAL: into itself; NOTEMPTY; NOSPC: no memory for the name.
 */
MUST_USE enum err naming_rename(struct tree *tree, struct tree_path from, struct tree_path to,
                                uint32_t flags, struct node **replaced);
