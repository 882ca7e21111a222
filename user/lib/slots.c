/* SPDX-License-Identifier: MIT */
#include "slots.h"

#include <stdatomic.h>

#include <hf/kernel.h>
#include <hf/mem.h>

#define FRAMES_MAX    64u /* of slots, in a process */
#define FRAME_SLOTS   128u
#define PAIR_BITS     64u
#define PAIRS_FIRST   UINT64_C(0x00000000ffffffff) /* by bit: those of frame 0 */
#define PAIRS_OTHERS  UINT64_C(0xfffffffffffffffe)
#define FIRST_SLOT    64u
#define FIRST_PARTNER 32u /* behind the thread's slot */
#define OTHER_PARTNER 64u

/* Rights of a handle to a thread. */
#define RIGHTS (RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DERIVE)

static _Atomic(uint64_t) taken[FRAMES_MAX]; /* pairs */
static atomic_uint donated;                 /* frames beyond the first */

static uint64_t slot_of(unsigned frame, unsigned bit)
{
    return frame == 0 ? FIRST_SLOT + bit : (uint64_t)frame * FRAME_SLOTS + bit;
}

/* Move it to a pair of this frame. Returns: ERR_OK; ERR_EXIST: all are taken; others. */
static enum err move_within(unsigned frame, uint64_t *handle)
{
    const uint64_t pairs = frame == 0 ? PAIRS_FIRST : PAIRS_OTHERS;
    for (unsigned bit = 0; bit < PAIR_BITS; bit++) {
        const uint64_t mask = UINT64_C(1) << bit;
        if ((pairs & mask & ~atomic_load(&taken[frame])) == 0 ||
            (atomic_fetch_or(&taken[frame], mask) & mask) != 0) {
            continue;
        }
        uint64_t moved = HANDLE_NONE;
        enum err error = hf_handle_derive(*handle, RIGHTS, 0, slot_of(frame, bit), &moved);
        if (error == ERR_OK) {
            (void)hf_handle_close(*handle);
            *handle = moved;
            return ERR_OK;
        }
        atomic_fetch_and(&taken[frame], ~mask);
        if (error != ERR_EXIST) {
            return error;
        }
    }
    return ERR_EXIST;
}

enum err slots_move(uint64_t *handle)
{
    unsigned frame = 0;
    for (;;) {
        const unsigned frames = 1 + atomic_load(&donated);
        for (; frame < frames && frame < FRAMES_MAX; frame++) {
            enum err error = move_within(frame, handle);
            if (error != ERR_EXIST) {
                return error;
            }
        }
        enum err error = hf_donate(HF_OWN_SPACE, OBJECT_HANDLES);
        if (error != ERR_OK) {
            return error;
        }
        atomic_fetch_add(&donated, 1);
    }
}

uint64_t slots_partner(uint64_t handle)
{
    return handle + (handle < FRAME_SLOTS ? FIRST_PARTNER : OTHER_PARTNER);
}

void slots_give(uint64_t handle)
{
    const uint64_t frame = handle / FRAME_SLOTS;
    const uint64_t bit = frame == 0 ? handle - FIRST_SLOT : handle % FRAME_SLOTS;
    atomic_fetch_and(&taken[frame], ~(UINT64_C(1) << bit));
}

void slots_forget_all(void)
{
    for (unsigned i = 0; i < FRAMES_MAX; i++) {
        atomic_store(&taken[i], 0);
    }
    atomic_store(&donated, 0);
}
