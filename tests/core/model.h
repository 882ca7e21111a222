/* SPDX-License-Identifier: MIT */
/*
 * A model of the kernel for tests of core on the host: frames with kinds and contents, page tables,
 * spaces.
 *
 * It implements server/core/port.h and insists on the kernel's rules: a frame is donated only when
 * nothing refers to it, a leaf goes only where a table is and no leaf, tables go only when they
 * hold no table, wired frames are never written. Breaking a rule ends the test program. Contents
 * are one word per frame, or whole pages once bytes are copied.
 *
 * The model outlives core, as the kernel does: with `kill_at` set, the port call of that number
 * does not return but jumps to `killed`, before or after it took effect.
 *
 * I1  A frame's `mappings` is the number of leaves that name it.
 * Owner: the test's world.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/port.h"

#define MODEL_FRAMES 4096u
/* Physical number of the first frame of RAM: not 0, so that mixed up numbers are noticed. */
#define MODEL_BASE    0x80000u
#define MODEL_SPACES  64u
#define MODEL_ENTRIES 512u
#define MODEL_WINDOWS 4u /* tables of a window of message pages */

enum model_kind {
    MODEL_FREE = 0,
    MODEL_USER,
    MODEL_TABLE,
    MODEL_SERVER,
    MODEL_OBJECT,
    MODEL_MESSAGE,
    MODEL_WIRED,
    MODEL_DEVICE,
};

/* Entries of tables: a leaf or a table below. */
struct model_entry {
    uint32_t frame; /* index; valid if `is_valid` */
    uint8_t is_valid;
    uint8_t is_table;
    uint8_t prot;
    uint16_t pages; /* of a large leaf, in a table of level 1; 0: any other */
};

struct model_frame {
    enum model_kind kind;
    uint32_t mappings;
    uint64_t word;               /* what the frame holds, if `bytes` is NULL */
    unsigned char *bytes;        /* 4096, once bytes were copied to it */
    struct model_entry *entries; /* of a table */
};

struct model_space {
    bool is_used;
    bool is_ended;
    uint32_t object; /* frame indices */
    uint32_t root;
    uint32_t slots;
    uint32_t threads;
    uint32_t window[2];                  /* tables by level, the first of level 0; 0: none */
    uint32_t window_more[MODEL_WINDOWS]; /* further ones of level 0 */
};

/* Hooks for several server threads, one call at a time (threads_model.c). */
struct model_threads {
    void (*enter)(void); /* carries out what the caller has gathered */
    void (*leave)(void);
    void (*wait)(uint32_t number);
    void (*wake)(uint32_t number);
    bool (*gather)(pfn_t space, vpn_t vpn, npages_t pages); /* a removal, if there is room */
    void (*settle)(struct port *port, pfn_t space, const struct space_answer *answer);
};

struct port {
    const struct model_threads *threads_opt; /* NULL: there is one */
    struct model_frame frames[MODEL_FRAMES];
    struct model_space spaces[MODEL_SPACES];
    unsigned char *arena;
    uint32_t numbers[MODEL_WINDOWS]; /* tables of the server's window; the first is not noted */
    bool has_arena_table[513];       /* by block, and the table above them */
    uint64_t calls;
    uint64_t kill_at;  /* 0: never */
    bool kills_after;  /* the effect */
    bool dies_waiting; /* for a lock of one that has died */
    jmp_buf killed;
    uint64_t installs_dropped;
    bool drops_as_is;         /* forget every installation of what is there already */
    struct model_entry found; /* model_leaf() */
};

/* A port whose arena is at `arena`. The caller frees it with model_free(). */
struct port *model_make(unsigned char *arena);
void model_free(struct port *port);

/* Deep copy of the contents of `from` over `to`; the arena pointer of `to` stays. */
void model_copy(struct port *to, const struct port *from);

/* Make the frames from `index` on wired, filled with words `word`, `word` + 1, ... */
void model_wire(struct port *port, uint32_t index, uint32_t count, uint64_t word);

/* The leaf that maps a page, as it is for that page, until the next call; NULL if none. */
const struct model_entry *model_leaf(struct port *port, pfn_t space, uint64_t vpn);

/* What a client sees in the first word of a frame, and writing it. */
uint64_t model_read(const struct port *port, uint32_t index);
void model_write(struct port *port, uint32_t index, uint64_t word);

/* All bytes of a frame, to be looked at or filled by a test. */
unsigned char *model_bytes(struct port *port, uint32_t index);

/* Copy bytes between frames; a whole page that is one word stays one. */
void model_move(struct port *port, uint32_t to, uint32_t to_offset, uint32_t from,
                uint32_t from_offset, uint32_t length);

/* Frames of a kind. */
uint32_t model_count(const struct port *port, enum model_kind kind);

/*
 * For model_port.c: the index of a frame; an unused frame or one to be freed becomes another kind,
 * zeroed.
 */
uint32_t model_index(pfn_t pfn);
void model_set_kind(struct model_frame *frame, enum model_kind kind);

/*
 * The entry for `vpn` in the table of `level` (2: root), or a large leaf above that; NULL if a
 * table is missing.
 */
struct model_entry *model_entry(const struct port *port, uint32_t root, uint32_t level,
                                uint64_t vpn);

/* Check I1. */
void model_audit(const struct port *port);

/* Take rights from the leaves of a range, the last ones with them; within a port call. */
void model_restrict(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, uint32_t prot);
