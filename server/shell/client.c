/* SPDX-License-Identifier: MIT */
#include "server/shell/client.h"

#include <stddef.h>

#include <base/assert.h>
#include <mem/proto.h>

#include "server/shell/badge.h"
#include "server/shell/ecall.h"
#include "server/shell/halt.h"
#include "server/shell/memory.h"
#include "server/shell/waits.h"

STATIC_ASSERT(sizeof(struct client) % 8 == 0, "a record of a slab");

static struct slab *records(const struct core *core)
{
    return &core->head->clients;
}

void client_init(struct core *core)
{
    slab_init(records(core), sizeof(struct client));
}

/* Put a client at the front of its parent's list of live children. */
static void live_insert(struct core *core, struct client *parent, struct client *client)
{
    const uint32_t link = arena_link(core, client);

    client->prev = 0;
    client->next = parent->live_first;
    if (client->next != 0) {
        client_at(core, client->next)->prev = link;
    }
    parent->live_first = link;
}

static void live_remove(struct core *core, struct client *parent, struct client *client)
{
    if (client->prev != 0) {
        client_at(core, client->prev)->next = client->next;
    } else {
        parent->live_first = client->next;
    }
    if (client->next != 0) {
        client_at(core, client->next)->prev = client->prev;
    }
    client->next = 0;
    client->prev = 0;
}

static void ended_append(struct core *core, struct client *parent, struct client *client)
{
    const uint32_t link = arena_link(core, client);

    client->next = 0;
    client->prev = parent->ended_last;
    if (client->prev != 0) {
        client_at(core, client->prev)->next = link;
    } else {
        parent->ended_first = link;
    }
    parent->ended_last = link;
}

static void ended_remove(struct core *core, struct client *parent, struct client *client)
{
    if (client->prev != 0) {
        client_at(core, client->prev)->next = client->next;
    } else {
        parent->ended_first = client->next;
    }
    if (client->next != 0) {
        client_at(core, client->next)->prev = client->prev;
    } else {
        parent->ended_last = client->prev;
    }
}

/* The space of a live client. */
static struct space *space_of(const struct core *core, const struct client *client)
{
    ASSERT(client->space != 0);
    return arena_page(core, client->space);
}

/* Free the record of a client that has ended and is in no list. */
static void record_free(struct core *core, struct client *client)
{
    struct space *maker = space_of(core, client_at(core, client->parent));

    space_lock(core, maker->number);
    ASSERT(maker->children > 0);
    maker->children--;
    budget_give_child(core, maker);
    space_unlock(core, maker->number);
    slab_give(core, records(core), arena_link(core, client));
}

/* Charge the maker for the record of a child, and take it. Returns: 0 without a frame. */
static uint32_t record_take(struct core *core, struct space *maker)
{
    space_lock(core, maker->number);
    const bool is_charged = budget_take_child(core, maker);
    const uint32_t link = is_charged ? slab_take(core, records(core)) : 0;

    if (link != 0) {
        maker->children++;
    } else if (is_charged) {
        budget_give_child(core, maker);
    }
    space_unlock(core, maker->number);
    return link;
}

enum err client_make(struct shell *shell, struct client *parent_opt, const char *name,
                     struct space *space)
{
    struct core *core = &shell->core;

    ASSERT(space->client == 0);
    if (shell->head->serial == BADGE_SERIAL_MAX) {
        return ERR_NOMEM;
    }
    const uint32_t link = parent_opt != NULL ? record_take(core, space_of(core, parent_opt))
                                             : slab_take(core, records(core));
    if (link == 0) {
        return ERR_NOMEM;
    }

    /* Point of no return: nothing below may fail. */
    struct client *client = client_at(core, link);
    shell->head->serial++;
    client->serial = shell->head->serial;
    client->space = space->number;
    memcpy(client->name, name, CLIENT_NAME_BYTES);
    space->client = link;
    if (parent_opt != NULL) {
        client->parent = arena_link(core, parent_opt);
        live_insert(core, parent_opt, client);
    }
    return ERR_OK;
}

void client_forget(struct core *core, struct client *client)
{
    ASSERT(client->space == 0);
    ended_remove(core, client_at(core, client->parent), client);
    record_free(core, client);
}

/* End the space of a client without live children; the record stays, in no list. */
static void end_one(struct shell *shell, struct client *client)
{
    struct core *core = &shell->core;
    struct space *space = space_find(core, client->space);

    ASSERT(client->live_first == 0);
    while (client->ended_first != 0) {
        client_forget(core, client_at(core, client->ended_first));
    }
    live_remove(core, client_at(core, client->parent), client);
    client->space = 0;
    client->wait_serial = 0; /* who waited ends with the space */
    core->more.buried = 0;   /* and what it still has is little (stop_is_over) */
    space_end(core, space);
}

/* A client without live children, whose end nobody is told of. */
static void end_quietly(struct shell *shell, struct client *client)
{
    end_one(shell, client);
    record_free(&shell->core, client);
}

/* All of a client's descendants have ended, and so does it: tell its parent. */
static void end_last(struct shell *shell, struct client *client)
{
    struct core *core = &shell->core;
    struct client *parent = client_at(core, client->parent);
    const uint64_t before = pool_balance(core);

    end_one(shell, client);
    client->stage = CLIENT_RUNNING;
    core_settle(core);
    port_flush(&shell->port);
    client->ending.frames += pool_balance(core) - before;
    ended_append(core, parent, client);
    client_wake(shell, parent);
    AUDIT(client_audit(core, parent));
    AUDIT(core_audit_alone(core));
}

/* The first server thread goes on with it, whatever becomes of who asked. */
static void dying_append(struct shell *shell, struct client *client)
{
    struct core *core = &shell->core;
    uint32_t *link = &shell->head->dying_first;

    while (*link != 0) {
        link = &client_at(core, *link)->dying_next;
    }
    *link = arena_link(core, client);
    client->dying_next = 0;
    client->stage = CLIENT_DYING;
    waits_set_timer(shell);
}

static void dying_remove(struct shell *shell, const struct client *client)
{
    struct core *core = &shell->core;
    uint32_t *link = &shell->head->dying_first;

    while (*link != arena_link(core, client)) {
        ASSERT(*link != 0);
        link = &client_at(core, *link)->dying_next;
    }
    *link = client->dying_next;
}

void client_end(struct shell *shell, struct client *client, const struct ending *ending)
{
    struct core *core = &shell->core;
    struct space *space = space_of(core, client);

    if (client->parent == 0) {
        halt_init_ended(ending);
    }
    if (client->stage == CLIENT_DYING) {
        return;
    }
    if (client->stage == CLIENT_RUNNING) {
        stop_space(core, space);
    }
    client->ending = *ending;
    client->ending.frames = 0;
    if (client->live_first == 0 && stop_is_over(core, space)) {
        end_last(shell, client);
    } else {
        dying_append(shell, client);
    }
}

struct client *client_find_dying(const struct shell *shell, uint64_t serial)
{
    const struct core *core = &shell->core;
    uint32_t link = shell->head->dying_first;

    while (link != 0 && client_at(core, link)->serial != serial) {
        link = client_at(core, link)->dying_next;
    }
    return link != 0 ? client_at(core, link) : NULL;
}

/* Make a step of the end of `last`, which has no live children. Returns: whether it can end now. */
static bool end_one_step(struct core *core, struct client *last)
{
    if (last->stage == CLIENT_RUNNING) {
        stop_space(core, space_of(core, last));
        last->stage = CLIENT_STOPPED;
        return false;
    }
    return stop_step(core, space_of(core, last));
}

void client_end_step(struct shell *shell, struct client *client_opt)
{
    struct core *core = &shell->core;

    if (client_opt == NULL && shell->head->dying_first == 0) {
        return;
    }
    struct client *client =
        client_opt != NULL ? client_opt : client_at(core, shell->head->dying_first);
    struct client *last = client;
    const uint64_t before = pool_balance(core);

    /* Youngest descendants first, by the lists alone; none of them makes children any more. */
    while (last->live_first != 0) {
        last = client_at(core, last->live_first);
    }
    const bool is_over = end_one_step(core, last);

    if (is_over && last->stage == CLIENT_DYING) {
        dying_remove(shell, last);
    }
    if (is_over && last != client) {
        end_quietly(shell, last);
    }
    port_flush(&shell->port);
    client->ending.frames += pool_balance(core) - before;
    if (is_over && last == client) {
        end_last(shell, client);
    }
}

bool client_is_doomed(const struct core *core, const struct client *client)
{
    while (client->stage != CLIENT_DYING && client->parent != 0) {
        client = client_at(core, client->parent);
    }
    return client->stage == CLIENT_DYING;
}

void client_drop(struct shell *shell, struct client *client)
{
    end_quietly(shell, client);
    port_flush(&shell->port);
}

struct client *client_find_ended(const struct core *core, const struct client *parent,
                                 uint64_t serial)
{
    for (uint32_t link = parent->ended_first; link != 0; link = client_at(core, link)->next) {
        if (client_at(core, link)->serial == serial) {
            return client_at(core, link);
        }
    }
    return NULL;
}

void client_describe(const struct client *client, uint64_t words[IPC_WORDS])
{
    const struct mem_next_rep rep = {
        .error = ERR_OK,
        .space_id = client->serial,
        .cause = client->ending.cause,
        .detail = client->ending.detail,
        .pc = client->ending.pc,
        .access = client->ending.access,
        .frames = client->ending.frames,
        .region = client->ending.region,
    };

    memcpy(words, &rep, sizeof(rep));
}

void client_wake(struct shell *shell, struct client *parent)
{
    if (parent->wait_serial == 0 || parent->ended_first == 0) {
        return;
    }
    struct client *child = client_at(&shell->core, parent->ended_first);
    struct answer answer = {
        .number = SYS_REPLY,
        .serial = parent->wait_serial,
        .thread = parent->wait_thread,
    };
    parent->wait_serial = 0;
    client_describe(child, answer.words);
    enum err error = ecall_reply(&answer);
    ASSERT(error == ERR_OK || error == ERR_STALE);
    if (error == ERR_OK) {
        client_forget(&shell->core, child);
    }
}

void client_audit(const struct core *core, const struct client *client)
{
    const uint32_t parent = arena_link(core, client);
    uint32_t prev = 0;

    for (uint32_t link = client->live_first; link != 0; link = client_at(core, link)->next) {
        const struct client *child = client_at(core, link);
        ASSERT(child->parent == parent && child->prev == prev);
        const struct space *space = arena_page(core, child->space);
        ASSERT(space->state == SPACE_LIVE && space->client == link);
        prev = link;
    }
    prev = 0;
    for (uint32_t link = client->ended_first; link != 0; link = client_at(core, link)->next) {
        const struct client *child = client_at(core, link);
        ASSERT(child->parent == parent && child->prev == prev);
        ASSERT(child->space == 0 && child->live_first == 0 && child->ended_first == 0);
        prev = link;
    }
    ASSERT(client->ended_last == prev);
    ASSERT(client->wait_serial == 0 || (client->ended_first == 0 && client->live_first != 0));
}
