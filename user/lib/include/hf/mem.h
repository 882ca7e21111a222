/* SPDX-License-Identifier: MIT */
/*
 * Every request to the memory server, one function each.
 *
 * What each request means and refuses is written in mem/proto.h and server/README.md; the functions
 * here fill in its words. They ask in the STRICT form: a refused request changed nothing. `space`
 * is a handle to the space that is meant, HF_OWN_SPACE for one's own. Outputs are written on ERR_OK
 * only. Requests whose answer brings handles need as many free slots among those that the thread
 * accepts (hf_accept(); the first thread accepts from the start).
 *
 * The four that change regions are inline: a request is a dozen instructions on the client's side.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <hf/kernel.h>
#include <mem/limits.h>
#include <mem/prot.h>
#include <mem/proto.h>

#define HF_OWN_SPACE UINT64_C(0)
#define HF_NO_OBJECT UINT64_C(0)

/* Index of a field of eight bytes among the words of its message. */
#define HF_WORD(type, field) (offsetof(struct type, field) / sizeof(uint64_t))
/* Tag bit that says: this word is a handle. */
#define HF_HANDLE_AT(index) (UINT64_C(1) << (IPC_TAG_HANDLES_SHIFT + (index)))

/*
 * What follows an answer that says MORE (mem/proto_turn.h), in place, until there is no more. The
 * request was sent with this tag and these words 6 and 7. Returns: as hf_mem_call().
 */
enum err hf_mem_go_on(struct hf_message *message, uint64_t tag, uint64_t object, uint64_t space);

/*
 * Send a request and take its answer in place; if it takes several messages, all of them.
 *
 * Returns: the kernel's error, else the server's.
 */
ALWAYS_INLINE enum err hf_mem_call(struct hf_message *message)
{
    const uint64_t tag = message->tag;
    const uint64_t object = message->words[6];
    const uint64_t space = message->words[7];
    enum err error = hf_call(HANDLE_MEM, message);

    if (UNLIKELY(error == ERR_OK && message->words[0] == ERR_MORE)) {
        return hf_mem_go_on(message, tag, object, space);
    }
    return error != ERR_OK ? error : (enum err)message->words[0];
}

/* Tag of a request about `space`, whose handle stands in word 7. */
ALWAYS_INLINE uint64_t hf_mem_tag(uint64_t space)
{
    return space == HF_OWN_SPACE ? 0 : HF_HANDLE_AT(7);
}

struct hf_map {
    uint64_t space;
    uint64_t addr; /* hint, or the place with MEM_MAP_FIXED */
    uint64_t length;
    uint32_t prot;
    uint32_t flags;
    uint64_t object;
    uint64_t offset;
};

/* The map request of either form; `form` is 0 or MEM_HEAD_LINUX. */
ALWAYS_INLINE enum err hf_map_form(uint64_t form, struct hf_map map, uint64_t *addr)
{
    struct hf_message message = {
        .tag = hf_mem_tag(map.space) | (map.object == HF_NO_OBJECT ? 0 : HF_HANDLE_AT(6)),
        .words = {MEM_MAP | form, map.addr, map.length, map.prot | (uint64_t)map.flags << 32,
                  map.offset, 0, map.object, map.space},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        *addr = message.words[HF_WORD(mem_map_rep, addr)];
    }
    return error;
}

ALWAYS_INLINE enum err hf_map(struct hf_map map, uint64_t *addr)
{
    return hf_map_form(0, map, addr);
}

ALWAYS_INLINE enum err hf_unmap_form(uint64_t form, uint64_t space, uint64_t addr, uint64_t length)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_UNMAP | form, addr, length, 0, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

ALWAYS_INLINE enum err hf_unmap(uint64_t space, uint64_t addr, uint64_t length)
{
    return hf_unmap_form(0, space, addr, length);
}

ALWAYS_INLINE enum err hf_protect_form(uint64_t form, uint64_t space, uint64_t addr,
                                       uint64_t length, uint64_t prot)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_PROTECT | form, addr, length, prot, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

ALWAYS_INLINE enum err hf_protect(uint64_t space, uint64_t addr, uint64_t length, uint64_t prot)
{
    return hf_protect_form(0, space, addr, length, prot);
}

ALWAYS_INLINE enum err hf_advise_form(uint64_t form, uint64_t space, uint64_t addr, uint64_t length,
                                      uint64_t advice)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_ADVISE | form, addr, length, advice, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

ALWAYS_INLINE enum err hf_advise(uint64_t space, uint64_t addr, uint64_t length, uint64_t advice)
{
    return hf_advise_form(0, space, addr, length, advice);
}

struct hf_remap {
    uint64_t space;
    uint64_t old_addr;
    uint64_t old_length;
    uint64_t new_length;
    uint64_t flags;
    uint64_t new_addr; /* with MEM_REMAP_FIXED, or a hint with DONTUNMAP; else 0 */
};
enum err hf_remap_form(uint64_t form, struct hf_remap remap, uint64_t *addr);
enum err hf_remap(struct hf_remap remap, uint64_t *addr);

/*
 * The first regions that end above `addr`, at most `count` (and MEM_QUERY_REGIONS_MAX), copied to
 * `regions`; totals in `rep`, where reserved stands for nothing and `next` says where to go on.
 */
enum err hf_query(uint64_t space, uint64_t addr, uint64_t count, struct mem_region *regions,
                  struct mem_query_rep *rep);

/* flags: MEM_LOCK_ONFAULT or 0. The pages that the bytes touch. */
enum err hf_lock_form(uint64_t form, uint64_t space, uint64_t addr, uint64_t length,
                      uint64_t flags);
enum err hf_lock(uint64_t space, uint64_t addr, uint64_t length, uint64_t flags);
/* What hf_lock() of this would cost (MEM_LOCK_DRY): nothing is done. Refused as that would be. */
enum err hf_lock_cost(uint64_t space, uint64_t addr, uint64_t length, uint64_t flags,
                      struct mem_lock_cost_rep *rep);
enum err hf_unlock_form(uint64_t form, uint64_t space, uint64_t addr, uint64_t length);
enum err hf_unlock(uint64_t space, uint64_t addr, uint64_t length);

/* flags: MEM_LOCK_CURRENT, _FUTURE, _ALL_ONFAULT. */
enum err hf_lock_all_form(uint64_t form, uint64_t space, uint64_t flags);
enum err hf_lock_all(uint64_t space, uint64_t flags);
/* What hf_lock_all() of this would cost (MEM_LOCK_DRY), as hf_lock_cost(). */
enum err hf_lock_all_cost(uint64_t space, uint64_t flags, struct mem_lock_cost_rep *rep);
enum err hf_unlock_all(uint64_t space);

/*
 * A byte for each page of the range, however long; bit 0: it is in memory. At a hole, ERR_NOMEM,
 * and what was found before it may have been written.
 */
enum err hf_incore(uint64_t space, uint64_t addr, uint64_t length, unsigned char *pages);

/* flags: MEM_SYNC_... */
enum err hf_sync_form(uint64_t form, uint64_t space, uint64_t addr, uint64_t length,
                      uint64_t flags);
enum err hf_sync(uint64_t space, uint64_t addr, uint64_t length, uint64_t flags);

/* The last request of this client that was refused. */
enum err hf_refusal(struct mem_refusal_rep *rep);

/*
 * The same as one line of text, such as "map: no memory, or over a limit: regions 65530 of 65530, 2
 * more asked". Valid until the next call.
 */
const char *hf_last_refusal(void);

/* Any number of bytes; `copied` is written on ERR_OK and ERR_FAULT. direction: MEM_COPY_TO or
 * _FROM. */
enum err hf_copy(uint64_t space, uint64_t own_addr, uint64_t other_addr, uint64_t length,
                 uint64_t direction, uint64_t *copied);

/* What is counted of the whole machine: frames by use, waits, pages of pagers, reserves. */
enum err hf_stats(struct mem_stats_rep *rep);
enum err hf_stats_waits(struct mem_stats_waits_rep *rep);
enum err hf_stats_pages(struct mem_stats_pages_rep *rep);
enum err hf_stats_reserve(struct mem_stats_reserve_rep *rep);

/* A thread of the memory server; ERR_RANGE: it has none of this number. */
enum err hf_worker(uint64_t number, struct mem_worker_rep *rep);

/* How memory is promised in the whole machine, and how much is; setting is init's alone. */
enum err hf_commit_get(struct mem_commit_rep *rep);
enum err hf_commit_set(uint64_t mode, uint64_t percent);

/* The pool of huge pages of a size (MEM_HUGE_2MB, MEM_HUGE_1GB); setting is init's alone. */
enum err hf_huge_get(uint64_t bytes, struct mem_huge_rep *rep);
enum err hf_huge_set(uint64_t bytes, uint64_t pages);

enum err hf_limit_get(uint64_t space, enum mem_limit which, struct mem_limits_rep *rep);
/* Value and ceiling go down to `value`. */
enum err hf_limit_set(uint64_t space, enum mem_limit which, uint64_t value);

/* The same two in bytes; hf_limit_set_bytes() sets value and ceiling. */
enum err hf_limit_get_bytes(uint64_t space, enum mem_limit which, struct mem_limits_rep *rep);
enum err hf_limit_set_bytes(uint64_t space, enum mem_limit which, uint64_t value, uint64_t ceiling);

/*
 * All of `count` requests (at most MEM_BATCH_MAX) or none; see mem_batch_req. After ERR_OK
 * `words[0]` of MAP and REMAP is the address, after an error `*refused` is the index of the one it
 * is about.
 */
enum err hf_batch(uint64_t space, struct mem_batch_op *ops, uint64_t count, uint64_t *refused);

/* A child space without threads. `name` is cut to what fits; see mem_space_make_rep for the
 * handles. */
enum err hf_space_make(const char *name, uint64_t frames_max, uint64_t priority_max,
                       struct mem_space_make_rep *rep);
/* The same with MEM_PRIVILEGE_... that the caller has too. */
enum err hf_space_make_privileged(const char *name, uint64_t frames_max, uint64_t priority_max,
                                  uint64_t privileges, struct mem_space_make_rep *rep);
/* The same, starting as a copy of `space`; hf_clone() of hf/clone.h is a process of that kind. */
enum err hf_space_clone(uint64_t space, const char *name, uint64_t priority_max,
                        struct mem_space_make_rep *rep);
enum err hf_space_end(uint64_t space, uint64_t detail);

/*
 * The process with the lowest number above `after` that this one may look at, with a handle to be
 * closed. ERR_NOENT: there are no more.
 */
enum err hf_look(uint64_t after, struct mem_look_rep *rep);

/* A handle to the space with these MEM_RIGHT_... alone, to be given to others. */
enum err hf_space_derive(uint64_t space, uint64_t rights, uint64_t *derived);

/*
 * What a process has handles to, from slot `first` on: `*count` struct handle_info, now at the
 * start of the message page. Less than HANDLE_INFOS_MAX: there are no more.
 */
enum err hf_handles(uint64_t space, uint64_t first, uint64_t *count);

/* A thread, not started. */
enum err hf_thread_make(uint64_t space, uint64_t priority, struct mem_thread_make_rep *rep);

/* Room for more objects (OBJECT_ENDPOINT, OBJECT_NOTIFICATION) or handle slots (OBJECT_HANDLES). */
enum err hf_donate(uint64_t space, enum object_kind what);

/* The next child that ended; waits for one unless `nowait` is 1. */
enum err hf_next(uint64_t nowait, struct mem_next_rep *rep);

enum err hf_hello(struct mem_hello_rep *rep);

/* init alone: the boot archive. */
enum err hf_boot_object(struct mem_boot_object_rep *rep);

/* init alone: the device with this number, from 0. ERR_NOENT: there are no more. */
enum err hf_boot_device(uint64_t index, struct mem_boot_device_rep *rep);
