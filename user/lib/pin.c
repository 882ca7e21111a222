/* SPDX-License-Identifier: MIT */
#include <hf/pin.h>

#include <string.h>

#include <hf/env.h>

/* Tag bits of the handles that are given. */
static uint64_t tag_of(uint64_t object, uint64_t space)
{
    return (object != HF_NO_OBJECT ? HF_HANDLE_AT(6) : 0) |
           (space != HF_OWN_SPACE ? HF_HANDLE_AT(7) : 0);
}

static enum err pin_ask(const struct hf_pin *pin, uint32_t flags, struct hf_message *message)
{
    struct mem_pin_req req = {
        .head = MEM_PIN,
        .addr = (uint64_t)(uintptr_t)pin->addr,
        .pages = pin->pages,
        .flags = pin->flags | flags,
        .lease_ms = pin->lease_ms,
        .device = pin->device,
        .space = pin->space,
    };
    if (pin->purpose != NULL) {
        strncpy(req.purpose, pin->purpose, sizeof(req.purpose) - 1);
    }
    message->tag = tag_of(pin->device, pin->space);
    memcpy(message->words, &req, sizeof(req));
    return hf_mem_call(message);
}

enum err hf_pin(const struct hf_pin *pin, struct mem_pin_rep *rep, uint64_t *frames_opt)
{
    struct hf_message message;
    enum err error = pin_ask(pin, 0, &message);
    if (error != ERR_OK) {
        return error;
    }
    memcpy(rep, message.words, sizeof(*rep));
    if (frames_opt != NULL && (pin->flags & MEM_PIN_FRAMES) != 0) {
        memcpy(frames_opt, hf_message_page(), rep->pages * sizeof(*frames_opt));
    }
    return ERR_OK;
}

enum err hf_pin_all(const struct hf_pin *pin, uint64_t *number, uint64_t *frames_opt)
{
    struct mem_pin_rep rep;
    enum err error = hf_pin(pin, &rep, frames_opt);
    if (error == ERR_OK && rep.pages != pin->pages) {
        if (rep.pin != 0) {
            error = hf_unpin(rep.pin, 0);
        }
        return error == ERR_OK ? ERR_AGAIN : error;
    }
    if (error == ERR_OK) {
        *number = rep.pin;
    }
    return error;
}

enum err hf_pin_cost(const struct hf_pin *pin, struct mem_pin_cost_rep *rep)
{
    struct hf_message message;
    enum err error = pin_ask(pin, MEM_PIN_DRY, &message);
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(*rep));
    }
    return error;
}

enum err hf_unpin(uint64_t number, uint64_t flags)
{
    struct hf_message message = {.words = {MEM_UNPIN, number, flags}};
    return hf_mem_call(&message);
}

static enum err pins_ask(uint64_t pin, uint64_t space, uint64_t which, uint64_t before,
                         uint64_t count, struct mem_pin_row *rows, struct mem_pins_rep *rep)
{
    struct hf_message message = {
        .tag = tag_of(pin, space),
        .words = {MEM_PINS, before, count, which, 0, 0, pin, space},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(*rep));
        memcpy(rows, hf_message_page(), rep->count * sizeof(*rows));
    }
    return error;
}

enum err hf_pins(uint64_t space, uint64_t which, uint64_t before, uint64_t count,
                 struct mem_pin_row *rows, struct mem_pins_rep *rep)
{
    return pins_ask(0, space, which, before, count, rows, rep);
}

enum err hf_pin_look(uint64_t handle, struct mem_pin_row *row)
{
    struct mem_pins_rep rep;
    return pins_ask(handle, HF_OWN_SPACE, 0, 0, 1, row, &rep);
}

enum err hf_pin_next(struct mem_pin_next_rep *rep)
{
    struct hf_message message = {.words = {MEM_PIN_NEXT}};
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(*rep));
    }
    return error;
}

enum err hf_device_reset(uint64_t device, uint64_t *pins)
{
    struct hf_message message = {
        .tag = HF_HANDLE_AT(6),
        .words = {MEM_DEVICE_RESET, 0, 0, 0, 0, 0, device},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        *pins = message.words[HF_WORD(mem_device_reset_rep, pins)];
    }
    return error;
}
