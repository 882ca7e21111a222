/* SPDX-License-Identifier: MIT */
/*
 * Orphans: objects of a pager whose process has ended.
 *
 *              orphan_begin               op_pager_attach            op_pager_adopt
 *   served ------------------> unserved ------------------> served ------------------> held, as by
 *                                 |  objects that wait are KEPT, with what was         who made it
 *                                 |  written to them and not saved
 *                                 v
 *                             abandoned: nobody is waited for, nothing is kept
 *
 * What the process was asked for by objects that wait for another (OBJECT_WAITS) goes back into the
 * queue for that one, under new generations; the others' pulls end, and they are not kept. Who may
 * attach is whoever has a handle to the pager: when nobody holds it any longer, and it has no name,
 * it is abandoned.
 *
 * I1  An object that is KEPT has a reference of its pager, which is not abandoned.
 * Owner: who is in shared_enter().
 *
 * Not here: attaching and adopting (op_pager.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/core/pager.h"

/* The space ends, so it serves no pager any longer. May make port calls. */
void orphan_begin(struct core *core, const struct space *space);

/* Whether nobody serves the pager, and nobody can. */
bool orphan_is_abandoned(const struct core *core, const struct pager *pager);

/*
 * A hold or name of the object that names the pager on `page` (0: none) has gone, and perhaps the
 * pager with it: if it is abandoned, tell who waits, and let go of what it keeps. May make port
 * calls.
 */
void orphan_look_after(struct core *core, uint32_t page);

/* Its pager keeps the object no longer: somebody else does, or nobody. */
void orphan_release(struct core *core, struct object *object);

/* Have no pager that is abandoned keep anything, after the server died. */
void orphan_recover(struct core *core);
