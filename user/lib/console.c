/* SPDX-License-Identifier: MIT */
#include <hf/console.h>

#include <string.h>

#include <hf/kernel.h>

/* Send eight words and get eight; a full console is asked again when others have run. */
static enum err console_ask(uint64_t console, const void *req, void *rep)
{
    struct hf_message message;
    uint32_t answered = ERR_BUSY;
    while (answered == ERR_BUSY) {
        message.tag = 0;
        memcpy(message.words, req, sizeof(message.words));
        enum err error = hf_call(console, &message);
        if (error != ERR_OK) {
            return error;
        }
        answered = (uint32_t)message.words[0];
        if (answered == ERR_BUSY) {
            (void)hf_yield();
        }
    }
    memcpy(rep, message.words, sizeof(message.words));
    return (enum err)answered;
}

enum err hf_console_write(uint64_t console, const void *bytes, size_t length)
{
    const char *from = bytes;
    while (length > 0) {
        struct console_write_req req = {.number = CONSOLE_WRITE};
        struct console_empty_rep rep;
        req.length = length < CONSOLE_BYTES_MAX ? (uint32_t)length : CONSOLE_BYTES_MAX;
        memcpy(req.bytes, from, req.length);
        enum err error = console_ask(console, &req, &rep);
        if (error != ERR_OK) {
            return error;
        }
        from += req.length;
        length -= req.length;
    }
    return ERR_OK;
}

enum err hf_console_read(uint64_t console, void *bytes, size_t room, size_t *length)
{
    const struct console_read_req req = {
        .number = CONSOLE_READ,
        .length = room < CONSOLE_BYTES_MAX ? (uint32_t)room : CONSOLE_BYTES_MAX,
    };
    struct console_read_rep rep;
    enum err error = console_ask(console, &req, &rep);
    if (error == ERR_OK && rep.length > room) {
        return ERR_IO; /* not a console that keeps its promises */
    }
    if (error == ERR_OK) {
        memcpy(bytes, rep.bytes, rep.length);
        *length = rep.length;
    }
    return error;
}

enum err hf_console_mode(uint64_t console, enum console_mode mode)
{
    const struct console_mode_req req = {.number = CONSOLE_MODE, .mode = (uint32_t)mode};
    struct console_empty_rep rep;
    return console_ask(console, &req, &rep);
}

enum err hf_console_interrupt(uint64_t console)
{
    const struct console_wait_req req = {.number = CONSOLE_INTERRUPT};
    struct console_empty_rep rep;
    return console_ask(console, &req, &rep);
}

enum err hf_console_drain(uint64_t console)
{
    const struct console_wait_req req = {.number = CONSOLE_DRAIN};
    struct console_empty_rep rep;
    return console_ask(console, &req, &rep);
}
