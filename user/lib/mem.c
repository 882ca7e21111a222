/* SPDX-License-Identifier: MIT */
/*
 * Requests to the memory server that are not inline.
 *
 * An answer is copied into its structure as it came: all of them are eight words.
 */
#include <hf/mem.h>

#include <string.h>

#include <hf/env.h>

/* Send the request in `message`, copy the answer of eight words to `rep`. */
static enum err mem_ask(struct hf_message *message, void *rep)
{
    enum err error = hf_mem_call(message);
    if (error == ERR_OK) {
        memcpy(rep, message->words, sizeof(message->words));
    }
    return error;
}

enum err hf_mem_go_on(struct hf_message *message, uint64_t tag, uint64_t object, uint64_t space)
{
    uint64_t value = 0;
    enum err error = ERR_OK;

    while (error == ERR_OK && message->words[0] == ERR_MORE) {
        const uint64_t *next = &message->words[2];

        value += message->words[1];
        *message = (struct hf_message){
            .tag = tag,
            .words = {next[0], next[1], next[2], next[3], next[4], next[5], object, space},
        };
        error = hf_call(HANDLE_MEM, message);
    }
    message->words[1] += value;
    return error != ERR_OK ? error : (enum err)message->words[0];
}

enum err hf_remap_form(uint64_t form, struct hf_remap remap, uint64_t *addr)
{
    struct hf_message message = {
        .tag = hf_mem_tag(remap.space),
        .words = {MEM_REMAP | form, remap.old_addr, remap.old_length, remap.new_length, remap.flags,
                  remap.new_addr, 0, remap.space},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        *addr = message.words[HF_WORD(mem_remap_rep, addr)];
    }
    return error;
}

enum err hf_remap(struct hf_remap remap, uint64_t *addr)
{
    return hf_remap_form(0, remap, addr);
}

enum err hf_query(uint64_t space, uint64_t addr, uint64_t count, struct mem_region *regions,
                  struct mem_query_rep *rep)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_QUERY, addr, count, 0, 0, 0, 0, space},
    };
    enum err error = mem_ask(&message, rep);
    if (error == ERR_OK && rep->count <= MEM_QUERY_REGIONS_MAX && rep->count <= count) {
        memcpy(regions, hf_message_page(), rep->count * sizeof(*regions));
    }
    return error;
}

enum err hf_refusal(struct mem_refusal_rep *rep)
{
    struct hf_message message = {.words = {MEM_REFUSAL}};
    return mem_ask(&message, rep);
}

enum err hf_copy(uint64_t space, uint64_t own_addr, uint64_t other_addr, uint64_t length,
                 uint64_t direction, uint64_t *copied)
{
    enum err error = ERR_OK;
    uint64_t done = 0;
    do {
        uint64_t left = length - done;
        struct hf_message message = {
            .tag = hf_mem_tag(space),
            .words = {MEM_COPY, own_addr + done, other_addr + done,
                      left < MEM_COPY_BYTES_MAX ? left : MEM_COPY_BYTES_MAX, direction, 0, 0,
                      space},
        };
        error = hf_mem_call(&message);
        if (error != ERR_OK && error != ERR_FAULT) {
            return error;
        }
        done += message.words[HF_WORD(mem_copy_rep, copied)];
    } while (error == ERR_OK && done < length);
    *copied = done;
    return error;
}

enum err hf_stats(struct mem_stats_rep *rep)
{
    struct hf_message message = {.words = {MEM_STATS}};
    return mem_ask(&message, rep);
}

enum err hf_worker(uint64_t number, struct mem_worker_rep *rep)
{
    struct hf_message message = {.words = {MEM_WORKER, number}};
    return mem_ask(&message, rep);
}

enum err hf_stats_waits(struct mem_stats_waits_rep *rep)
{
    struct hf_message message = {.words = {MEM_STATS, MEM_STATS_WAITS}};
    return mem_ask(&message, rep);
}

enum err hf_stats_pages(struct mem_stats_pages_rep *rep)
{
    struct hf_message message = {.words = {MEM_STATS, MEM_STATS_PAGES}};
    return mem_ask(&message, rep);
}

enum err hf_stats_reserve(struct mem_stats_reserve_rep *rep)
{
    struct hf_message message = {.words = {MEM_STATS, MEM_STATS_RESERVE}};
    return mem_ask(&message, rep);
}

enum err hf_commit_get(struct mem_commit_rep *rep)
{
    struct hf_message message = {.words = {MEM_COMMIT}};
    return mem_ask(&message, rep);
}

enum err hf_commit_set(uint64_t mode, uint64_t percent)
{
    struct hf_message message = {.words = {MEM_COMMIT, 1, mode, percent}};
    return hf_mem_call(&message);
}

enum err hf_huge_get(uint64_t bytes, struct mem_huge_rep *rep)
{
    struct hf_message message = {.words = {MEM_HUGE, 0, bytes}};
    return mem_ask(&message, rep);
}

enum err hf_huge_set(uint64_t bytes, uint64_t pages)
{
    struct hf_message message = {.words = {MEM_HUGE, 1, bytes, pages}};
    return hf_mem_call(&message);
}

enum err hf_limit_get(uint64_t space, enum mem_limit which, struct mem_limits_rep *rep)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_LIMITS, which, 0, 0, 0, 0, 0, space},
    };
    return mem_ask(&message, rep);
}

enum err hf_limit_set(uint64_t space, enum mem_limit which, uint64_t value)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_LIMITS, which, 1, value, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

enum err hf_limit_get_bytes(uint64_t space, enum mem_limit which, struct mem_limits_rep *rep)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_LIMITS, which, MEM_LIMITS_READ, 0, 0, MEM_LIMITS_BYTES, 0, space},
    };
    return mem_ask(&message, rep);
}

enum err hf_limit_set_bytes(uint64_t space, enum mem_limit which, uint64_t value, uint64_t ceiling)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_LIMITS, which, MEM_LIMITS_SET, value, ceiling, MEM_LIMITS_BYTES, 0, space},
    };
    return hf_mem_call(&message);
}

enum err hf_space_make(const char *name, uint64_t frames_max, uint64_t priority_max,
                       struct mem_space_make_rep *rep)
{
    return hf_space_make_privileged(name, frames_max, priority_max, 0, rep);
}

enum err hf_space_make_privileged(const char *name, uint64_t frames_max, uint64_t priority_max,
                                  uint64_t privileges, struct mem_space_make_rep *rep)
{
    struct mem_space_make_req req = {
        .head = MEM_SPACE_MAKE,
        .frames_max = frames_max,
        .priority_max = priority_max,
        .privileges = privileges,
    };
    strncpy(req.name, name, sizeof(req.name) - 1);
    struct hf_message message = {.tag = 0};
    memcpy(message.words, &req, sizeof(req));
    return mem_ask(&message, rep);
}

enum err hf_space_clone(uint64_t space, const char *name, uint64_t priority_max,
                        struct mem_space_make_rep *rep)
{
    struct mem_clone_req req = {
        .head = MEM_CLONE,
        .priority_max = priority_max,
        .space = space,
    };
    strncpy(req.name, name, sizeof(req.name) - 1);
    struct hf_message message = {.tag = hf_mem_tag(space)};
    memcpy(message.words, &req, sizeof(req));
    return mem_ask(&message, rep);
}

enum err hf_batch(uint64_t space, struct mem_batch_op *ops, uint64_t count, uint64_t *refused)
{
    if (count > MEM_BATCH_MAX) {
        *refused = count;
        return ERR_INVAL;
    }
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_BATCH, count, 0, 0, 0, 0, 0, space},
    };
    memcpy(hf_message_page(), ops, count * sizeof(*ops));
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        memcpy(ops, hf_message_page(), count * sizeof(*ops));
    }
    *refused = message.words[HF_WORD(mem_batch_rep, refused)];
    return error;
}

enum err hf_space_end(uint64_t space, uint64_t detail)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_SPACE_END, detail, 0, 0, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

enum err hf_thread_make(uint64_t space, uint64_t priority, struct mem_thread_make_rep *rep)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_THREAD_MAKE, priority, 0, 0, 0, 0, 0, space},
    };
    return mem_ask(&message, rep);
}

enum err hf_donate(uint64_t space, enum object_kind what)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_DONATE, what, 0, 0, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

enum err hf_next(uint64_t nowait, struct mem_next_rep *rep)
{
    struct hf_message message = {.words = {MEM_NEXT, nowait}};
    return mem_ask(&message, rep);
}

enum err hf_look(uint64_t after, struct mem_look_rep *rep)
{
    struct hf_message message = {.words = {MEM_LOOK, after}};
    return mem_ask(&message, rep);
}

enum err hf_space_derive(uint64_t space, uint64_t rights, uint64_t *derived)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_SPACE_DERIVE, rights, 0, 0, 0, 0, 0, space},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        *derived = message.words[HF_WORD(mem_space_derive_rep, space)];
    }
    return error;
}

enum err hf_handles(uint64_t space, uint64_t first, uint64_t *count)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_HANDLES, first, 0, 0, 0, 0, 0, space},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        *count = message.words[HF_WORD(mem_handles_rep, count)];
    }
    return error;
}

enum err hf_hello(struct mem_hello_rep *rep)
{
    struct hf_message message = {.words = {MEM_HELLO, MEM_PROTOCOL_VERSION}};
    return mem_ask(&message, rep);
}

enum err hf_boot_object(struct mem_boot_object_rep *rep)
{
    struct hf_message message = {.words = {MEM_BOOT_OBJECT}};
    return mem_ask(&message, rep);
}

enum err hf_boot_device(uint64_t index, struct mem_boot_device_rep *rep)
{
    struct hf_message message = {.words = {MEM_BOOT_DEVICE, index}};
    return mem_ask(&message, rep);
}
