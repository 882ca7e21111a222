/* SPDX-License-Identifier: MIT */
/*
 * Arguments of the calls that need the frame authority: t1 = handle to it, in every one of them.
 *
 * Its holder, the memory server, names spaces and threads by the frame number of the kernel object;
 * the frame's kind in the frame table makes that safe (a wrong one is FRAME_KIND). "Unused frame":
 * kind FREE, or USER with no mapping left; the kernel zeroes it before it becomes anything else. On
 * every error nothing changed, except where a result says how far it went. Errors of all of them:
 * BADF, STALE, TYPE or RIGHTS for t1.
 *
 * A space or thread can end at any moment, on another hart. That never is an error here: what is
 * made in a space that has ended stays there until it is taken back.
 *
 * SPACE_MAKE       a0 = unused frame for the object; a1 = unused frame for the root table; a2 =
 *                  unused frame for handle slots (the three differ, else FRAME_KIND); a3 = badge of
 *                  its faults and calls; a4 = handle to its pager endpoint, with RECEIVE (BADF
 *                  STALE TYPE RIGHTS); a5 = highest priority of its threads (RANGE). Makes a space
 *                  without threads and leaves. Its slot HANDLE_MEM is a handle to the pager
 *                  endpoint with RIGHT_CALL and badge a3; the others are free. The frame of slots
 *                  counts as donated by SLAB_DONATE
 *
 * SPACE_END        a0 = space, a1 = enum cause, a2 = detail. Ends every thread of it and every
 *                  object in its slabs (who waits for one gets PEER_GONE), empties its slots, makes
 *                  all handles to the space and its threads stale. Tables and leaves stand until
 *                  they are taken. No death notices are left or made for it and its threads. An
 *                  ended space: OK
 *
 * THREAD_MAKE      a0 = space; a1 = unused frame for the object; a2 = unused frame: message page;
 *                  a3 = thread number; a4 = number of its message page in the window of the
 *                  space; a5 = priority. RANGE: a3, a4 or a5 too large; EXIST: a3 or a4 is taken;
 *                  NO_TABLE: no table in the window of the server (result a0 = 0) or
 *                  of the space (a0 = 1). Makes a thread that was not started; maps its message
 *                  page in the space at a4 and in the server at a3, both readable and writable. If
 *                  the space has ended, so has the thread
 *
 * OBJECT_HANDLE    a0 = space or thread; a1 = rights; a2 = slot of the caller, 0: any free one
 *                  (NO_SLOT EXIST RANGE). Result a0 = slot. If it has ended, the handle is stale
 *
 * SLAB_DONATE      a0 = space; a1 = unused frame; a2 = OBJECT_ENDPOINT or
 *                  OBJECT_NOTIFICATION (a slab serves both) or OBJECT_HANDLES (INVAL; NO_SLOT: the
 *                  table of slots is as large as it can become). The frame stays with the space
 *                  until that has ended
 *
 * FRAME_RELEASE    a0 = donated frame (FRAME_KIND: not one; BUSY: not yet, as follows). The frame
 *                  becomes FREE.
 *                    thread: must have ended. Its message page is unmapped in both places and
 *                      becomes FREE too. A death notice of it that nobody took is dropped
 *                    slab, frame of slots: its space must have ended
 *                    space: must have ended, its threads, slabs and slots been released and its
 *                      tables but the root taken by UNTABLE. The root becomes FREE too
 *                  Page tables go by UNTABLE, message pages with their threads: FRAME_KIND here
 *
 * MAP              a0 = space; a1 = entries (1..MAP_ENTRIES_MAX, else INVAL) at offset 0 of the
 *                  caller's message page. Result a0 = entries carried out, on errors too. INVAL: an
 *                  entry is malformed, or of a kind that map.h has for the other sort of space.
 *                  INSTALL... takes the place of the leaves that are there. Refused ones:
 *                  FRAME_KIND (a frame is not of the kind needed; UNTABLE: another frame is the
 *                  table there), NO_TABLE, EXIST (TABLE: one is there), BUSY (UNTABLE while it
 *                  holds a lower table)
 *
 * FRAME_COPY       a0 = frame to write, USER; a1 = offset; a2 = frame to read, USER or of the boot
 *                  archive; a3 = offset; a4 = bytes; a5 = 0, or 1: write zeros, with a2 = a3 = 0
 *                  (INVAL). FRAME_KIND; RANGE: a range leaves its page. Ranges may overlap. What
 *                  fills a whole page may go to an unused frame, which becomes USER
 *
 * NEXT_DEATH       no arguments; results as fault.h says; a0 = OBJECT_NONE: nothing left. A notice
 *                  of a space comes once, when all its threads have ended, and replaces theirs. A
 *                  space ends by EXIT or SPACE_END only. A thread that ends otherwise (THREAD_EXIT,
 *                  THREAD_END, a fault that nobody handles) leaves its space standing even if it
 *                  was the last: what follows is the server's to say
 *
 * Answers. REPLY, REPLY_WAIT, FAULT_REPLY_WAIT: with STALE, RECEIVER_SLOTS (the receiver of the
 * answer has no slot for its handles) or SENDER_HANDLE nothing was delivered or received, and no
 * handle moved; but for STALE the token stays good. To a fault: an entry that is refused ends the
 * entries and is counted; the thread runs on all the same, since it tries its access anew. A
 * malformed entry: INVAL, and the token stays good.
 */
#pragma once

#include <abi/ipc.h>

/* Entries of one SYS_MAP. */
#define MAP_ENTRIES_MAX (MESSAGE_DATA_BYTES / 16u)
