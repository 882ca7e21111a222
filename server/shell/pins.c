/* SPDX-License-Identifier: MIT */
#include "server/shell/pins.h"

#include <stddef.h>

#include <abi/layout.h>
#include <base/assert.h>
#include <mem/limits.h>

#include "server/core/lease.h"
#include "server/core/shared.h"
#include "server/shell/badge.h"
#include "server/shell/client.h"
#include "server/shell/ecall.h"
#include "server/shell/memory.h"
#include "server/shell/objects.h"
#include "server/shell/turns.h"
#include "server/shell/waits.h"
#include "server/shell/wire_object.h"
#include "server/shell/wire_pin.h"

/* Pins that PINS looks at before it answers with what it has. */
#define PINS_LOOKED_AT 1024u

#define MILLISECONDS UINT64_C(1000)

/* The caller's message page, which call_is_alive() said stands. */
static uint64_t message_page(const struct call *call)
{
    return WINDOW_START + call->message->thread * PAGE_SIZE;
}

static uint64_t lock_limit(const struct space *space)
{
    return (space->settings.privileges & SPACE_PRIVILEGE_LOCK) != 0
               ? MEM_UNLIMITED
               : space->settings.locked_max / PAGE_SIZE;
}

/* The object of a device whose handle has the badge. Returns: ERR_OK, ERR_TYPE, ERR_STALE. */
static enum err find_device(const struct call *call, uint64_t badge, uint64_t *number,
                            uint32_t *rights)
{
    if (badge_read(badge).kind != BADGE_OBJECT) {
        return ERR_TYPE;
    }
    struct object *object = objects_find(call->shell, badge, rights);
    if (object == NULL) {
        return ERR_STALE;
    }
    const bool is_device = object->kind == OBJECT_DEVICE;
    *number = object->number;
    object_put(&call->shell->core, object);
    return is_device ? ERR_OK : ERR_TYPE;
}

/* The frame of a page of the pin, as others than core number it. */
static uint64_t frame_number(const struct core *core, struct pin *pin, uint32_t page)
{
    return pfn_to_number(pool_pfn(core, pin_frames(core, pin)[page] & ~PIN_FOR_GOOD));
}

/* MEM_PIN_FRAMES alone: a word for each page. */
static void write_frames(const struct call *call, struct pin *pin)
{
    uint64_t *words = (uint64_t *)(uintptr_t)message_page(call);

    for (uint32_t i = 0; i < pin->count; i++) {
        words[i] = frame_number(&call->shell->core, pin, i);
    }
}

/* MEM_PIN_REGIONS: what is known of each page. */
static void write_regions(const struct call *call, const struct pin_request *request,
                          const struct pin_answer *answer)
{
    struct mem_pin_page *pages = (struct mem_pin_page *)(uintptr_t)message_page(call);
    struct core *core = &call->shell->core;
    struct query_region region = {0};
    uint64_t address = uaddr_to_bytes(request->address) & ~(uint64_t)PAGE_MASK;
    const bool tells = (request->flags & MEM_PIN_FRAMES) != 0 && answer->pin_opt != NULL;

    for (uint32_t i = 0; i < answer->pages; i++, address += PAGE_SIZE) {
        if (address >= region.end) {
            const uint32_t found = op_query(core, call->target, (uaddr_t){address}, 1, &region);
            ASSERT(found == 1 && region.start <= address);
        }
        pages[i] = (struct mem_pin_page){
            .frame = tells ? frame_number(core, answer->pin_opt, i) : 0,
            .start = region.start,
            .end = region.end,
            .prot = region.prot,
            .flags = region.flags,
            .offset = region.object == 0 ? 0 : region.offset + (address - region.start),
            .object = region.object,
        };
    }
}

/* Answer at once, to know whether the caller has heard of his pin (P18). */
static enum err answer_pin(struct call *call, const struct pin_request *request, uint64_t number)
{
    uint64_t mask = 0;

    if ((request->flags & MEM_PIN_HANDLE) != 0) {
        call->words[4] = call_derive(badge_of_pin(number));
        mask = UINT64_C(1) << 4;
    }
    enum err error = call_answer_handles(call, mask);
    if (error != ERR_OK) {
        enum err undone = op_unpin(&call->shell->core, call->own, number, 0);
        ASSERT(undone == ERR_OK);
    }
    return error;
}

static enum err serve_cost(struct call *call, const struct pin_request *request)
{
    struct pin_cost cost;

    enum err error = op_pin_cost(&call->shell->core, call->target, request, &cost);
    if (error == ERR_OK) {
        const struct mem_pin_cost_rep rep = {
            .pages = cost.pages,
            .frames = cost.frames,
            .copies = cost.copies,
            .counted = cost.counted,
            .limit = cost.limit,
            .used = cost.used,
            .charged = cost.charged,
        };
        memcpy(call->words, &rep, sizeof(rep));
    }
    return error;
}

/* So many milliseconds as the clock counts. */
static uint64_t time_of(const struct shell *shell, uint32_t ms)
{
    return ms * shell->head->timebase_hz / MILLISECONDS;
}

static uint64_t age_ms(const struct shell *shell, const struct pin *pin, uint64_t now)
{
    return (now - pin->since) * MILLISECONDS / shell->head->timebase_hz;
}

static enum err serve_pin(struct call *call)
{
    struct wire_pin request;
    struct pin_answer answer;
    uint32_t rights;

    enum err error = wire_pin(call->message, &request);
    if (error == ERR_OK) {
        error = call_target(call, request.space, MEM_RIGHT_PIN);
    }
    if (error == ERR_OK && request.device != 0) {
        error = find_device(call, request.device, &request.pin.device, &rights);
    }
    if (error == ERR_OK && !call_is_alive(call)) {
        error = ERR_STALE;
    }
    if (error != ERR_OK) {
        return error;
    }
    request.pin.owner = call->own;
    request.pin.now = ecall_time();
    if (UNLIKELY(request.pin.lease_ms != 0)) {
        request.pin.due = request.pin.now + time_of(call->shell, request.pin.lease_ms);
    }
    if ((request.pin.flags & MEM_PIN_DRY) != 0) {
        return serve_cost(call, &request.pin);
    }
    error = op_pin(&call->shell->core, call->target, &request.pin, &answer);
    if (error == ERR_WAIT && !turns_has_more(call, error)) {
        error = waits_hold(call, ERR_WAIT);
        if (error == ERR_WAIT) {
            return ERR_WAIT;
        }
        error = op_pin_end(&call->shell->core, call->target, &request.pin, error, &answer);
    }
    if (error != ERR_OK) {
        return error;
    }
    if ((request.pin.flags & MEM_PIN_REGIONS) != 0) {
        write_regions(call, &request.pin, &answer);
    } else if ((request.pin.flags & MEM_PIN_FRAMES) != 0 && answer.pin_opt != NULL) {
        write_frames(call, answer.pin_opt);
    }
    call->words[1] = answer.pages;
    call->words[3] = answer.is_dropped ? 1 : 0;
    if (answer.pin_opt == NULL) {
        return ERR_OK;
    }
    call->words[2] = answer.pin_opt->number;
    if (request.pin.lease_ms != 0) {
        waits_set_timer(call->shell);
    }
    return answer_pin(call, &request.pin, answer.pin_opt->number);
}

/* Tell the owner, at once, to know whether he has heard of it. */
static enum err answer_lease(struct call *call, struct pin *pin)
{
    const struct mem_pin_next_rep rep = {
        .pin = pin->number,
        .start = (uint64_t)pin->first * PAGE_SIZE,
        .pages = pin->count,
        .age_ms = age_ms(call->shell, pin, call->shell->core.time),
        .lease_ms = pin->lease_ms,
    };

    memcpy(call->words, &rep, sizeof(rep));
    const enum err error = call_answer_handles(call, 0);
    if (error != ERR_OK) {
        lease_take_back(&call->shell->core, pin);
    }
    return error;
}

NOINLINE static enum err serve_next(struct call *call)
{
    struct core *core = &call->shell->core;
    struct lease_look look;
    struct pin *pin;

    enum err error = wire_pin_next(call->message, &look);
    if (error != ERR_OK) {
        return error;
    }
    if (call->shell->restarts) {
        look = (struct lease_look){0};
    }
    waits_look_at_the_clock(call->shell);
    error = lease_next(core, call->own, &look, &pin);
    if (error == ERR_BUSY) {
        error = call_see_deaths(call); /* the thread that waits may have ended */
        error = error == ERR_OK ? lease_next(core, call->own, &look, &pin) : error;
    }
    if (error == ERR_OK) {
        return answer_lease(call, pin);
    }
    if (error == ERR_WAIT) {
        call->shell->carried[0] = look.before;
        call->shell->carried[1] = look.earliest;
    }
    return error == ERR_WOULD_BLOCK
               ? waits_hold_lease(call, look.earliest == 0 ? UINT64_MAX : look.earliest)
               : error;
}

static enum err serve_unpin(struct call *call)
{
    struct wire_unpin request;

    enum err error = wire_unpin(call->message, &request);
    return error != ERR_OK ? error
                           : op_unpin(&call->shell->core, call->own, request.number, request.flags);
}

/* The number of a process by that of its space, which stands or is 0. */
static uint64_t space_id(const struct core *core, uint32_t number)
{
    return number == 0 ? 0 : client_of(core, arena_page(core, number))->serial;
}

static struct mem_pin_row row_of(const struct shell *shell, const struct pin *pin, uint64_t now)
{
    const struct core *core = &shell->core;
    const bool is_over = pin->lease_ms != 0 && pin->due <= now;
    struct mem_pin_row row = {
        .pin = pin->number,
        .by_id = space_id(core, pin->owner),
        .of_id = space_id(core, pin->space),
        .start = (uint64_t)pin->first * PAGE_SIZE,
        .pages = pin->count,
        .flags =
            pin->flags | (is_over ? MEM_PINS_OVER : 0) | (pin->is_told != 0 ? MEM_PINS_TOLD : 0),
        .age_ms = age_ms(shell, pin, now),
        .lease_ms = pin->lease_ms,
        .device = pin->device,
    };
    memcpy(row.purpose, pin->purpose, sizeof(row.purpose));
    return row;
}

static bool is_meant(const struct pin *pin, uint32_t which, const struct space *space)
{
    const bool is_quarantined = pin->state == PIN_QUARANTINED;

    return ((which & MEM_PINS_BY) != 0 && !is_quarantined && pin->owner == space->number) ||
           ((which & MEM_PINS_OF) != 0 && pin->space == space->number) ||
           ((which & MEM_PINS_QUARANTINE) != 0 && is_quarantined);
}

/* Rows of what is meant. Returns: how many; in `*next` where to go on, 0: nowhere. */
static uint32_t write_rows(const struct call *call, const struct wire_pins *request, uint64_t *next)
{
    struct mem_pin_row *rows = (struct mem_pin_row *)(uintptr_t)message_page(call);
    const struct core *core = &call->shell->core;
    const uint64_t now = ecall_time();
    uint64_t before = request->before == 0 ? UINT64_MAX : request->before;
    uint32_t written = 0;

    for (uint32_t looked = 0; looked < PINS_LOOKED_AT; looked++) {
        const struct pin *pin = pin_before(core, before);
        if (pin == NULL) {
            *next = 0;
            return written;
        }
        if (is_meant(pin, request->which, call->target)) {
            if (written == request->count) {
                break;
            }
            rows[written++] = row_of(call->shell, pin, now);
        }
        before = pin->number;
    }
    *next = before;
    return written;
}

/* The pin that a handle names. */
static enum err write_one(struct call *call, uint64_t badge)
{
    struct mem_pin_row *row = (struct mem_pin_row *)(uintptr_t)message_page(call);

    if (badge_read(badge).kind != BADGE_PIN) {
        return ERR_TYPE;
    }
    const struct pin *pin = pin_find(&call->shell->core, badge_read(badge).object);
    if (pin == NULL) {
        return ERR_STALE;
    }
    *row = row_of(call->shell, pin, ecall_time());
    call->words[1] = 1;
    return ERR_OK;
}

static enum err serve_pins(struct call *call)
{
    struct core *core = &call->shell->core;
    const struct pin_table *table = &core->head->pins;
    struct wire_pins request;

    enum err error = wire_pins(call->message, &request);
    if (error == ERR_OK) {
        error = call_target(call, request.space, MEM_RIGHT_READ);
    }
    if (error != ERR_OK) {
        return error;
    }
    if ((request.which & MEM_PINS_QUARANTINE) != 0 &&
        (call->own->settings.privileges & SPACE_PRIVILEGE_LOOK) == 0) {
        return ERR_PERM;
    }
    if (!call_is_alive(call)) {
        return ERR_STALE;
    }
    shared_enter(core);
    if (request.pin != 0) {
        error = write_one(call, request.pin);
    } else {
        call->words[1] = write_rows(call, &request, &call->words[2]);
    }
    call->words[3] = call->target->pinned;
    call->words[4] = lock_limit(call->target);
    call->words[5] = table->quarantined;
    call->words[6] = table->detained;
    call->words[7] = table->records.records;
    shared_leave(core);
    return error;
}

static enum err serve_reset(struct call *call)
{
    uint32_t rights;
    uint64_t badge;
    uint64_t number;

    enum err error = wire_object(call->message, &badge);
    if (error == ERR_OK) {
        error = find_device(call, badge, &number, &rights);
    }
    if (error != ERR_OK) {
        return error;
    }
    if ((rights & MEM_OBJECT_RESET) == 0) {
        return ERR_ACCES;
    }
    call->words[1] = pin_reset(&call->shell->core, number);
    return ERR_OK;
}

enum err pins_serve(struct call *call, enum mem_request number)
{
    if (number == MEM_PIN) {
        return serve_pin(call);
    }
    if (number == MEM_UNPIN) {
        return serve_unpin(call);
    }
    if (number == MEM_PIN_NEXT) {
        return serve_next(call);
    }
    return number == MEM_PINS ? serve_pins(call) : serve_reset(call);
}
