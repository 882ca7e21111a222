/* SPDX-License-Identifier: MIT */
/*
 * A client with a few threads, an object of a pager that it maps at AT, and the pager, which does
 * nothing that the test does not make it do.
 *
 * The pager prepares page i of the object at FROM + i of its own memory; the first word of it is
 * stall_word(i).
 *
 * Owner: the test program, one stall at a time.
 */
#pragma once

#include "patient.h"

#define AT   0x1000u /* where the client maps the object, shared and writable */
#define TO   0x4000u
#define FROM 0x8000u /* the pager's own memory */

#define STALL_KEY      UINT64_C(0xfeedface)
#define STALL_PATIENCE 1000u
#define STALL_THREADS  4u

struct stall {
    struct patient patient;
    struct space *client;
    struct space *server;
    struct object *named;
    struct object *object;
    struct thread *threads[STALL_THREADS];
    /* By which they are found again. */
    uint64_t client_number;
    uint64_t server_number;
    uint64_t named_number;
    uint64_t object_number;
    uint32_t thread_numbers[STALL_THREADS];
};

extern struct stall stall;

/* A world with an object of `pages` pages, of which at most `window` are asked for at once. */
void stall_start(uint32_t pages, uint32_t window);
/* The same with an object that waits for another pager; with one that is waited for for ever. */
void stall_start_waiting(uint32_t pages, uint32_t window);
void stall_start_endless(uint32_t pages, uint32_t window);
/*
 * A new instance of the server, which has recovered and audited: the pointers here are made anew.
 * What has ended is NULL.
 */
void stall_restart(void);

/* Check everything, and give the world back. */
void stall_finish(void);

/* Core of its world. */
struct core *stall_core(void);

/* A thread of the client reads or writes. Returns: whether that was answered at once. */
bool stall_read(unsigned thread, uint32_t page);
bool stall_write(unsigned thread, uint32_t page, uint64_t word);
bool stall_is_answered(unsigned thread);
uint64_t stall_order(unsigned thread);

/* It has read this, or ended with a signal for this reason. */
void stall_expect_read(unsigned thread, uint64_t word);
void stall_expect_signal(unsigned thread, enum err reason);

/* The client says that it will read one page after the other. */
void stall_sequential(void);

/* What the pager does. `first` counts from the first page of the work. */
uint64_t stall_word(uint64_t page);
void stall_fill(uint64_t page);
enum err stall_next(struct pager_work *work);
enum err stall_supply(const struct pager_work *work, enum supply_way way);
enum err stall_supply_part(const struct pager_work *work, uint64_t first, uint64_t pages,
                           enum supply_way way);
/* Without preparing anything. */
enum err stall_supply_raw(const struct pager_work *work, uint64_t first, uint64_t pages,
                          enum supply_way way);
enum err stall_fail(const struct pager_work *work, uint64_t first, uint64_t pages, enum err reason);
enum err stall_wrote(const struct pager_work *work, enum err reason);
enum err stall_wrote_part(const struct pager_work *work, uint64_t first, uint64_t pages,
                          enum err reason);

/* The pager's process ends; a new one, which holds the pager's handle, takes its place. */
void stall_end_server(void);
void stall_attach(void);
