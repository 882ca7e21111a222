/* SPDX-License-Identifier: MIT */
#include <hf/console.h>

#include <stdbool.h>
#include <string.h>

#include <hf/kernel.h>

/* Send eight words and get eight; a full console is asked again when others have run. */
static enum err console_ask_until(uint64_t console, const void *req, void *rep, uint64_t latest)
{
    struct hf_message message;
    uint32_t answered = ERR_BUSY;
    while (answered == ERR_BUSY) {
        message.tag = 0;
        memcpy(message.words, req, sizeof(message.words));
        enum err error = latest == UINT64_MAX ? hf_call(console, &message)
                                              : hf_call_timed(console, latest, &message);
        if (error != ERR_OK) {
            return error;
        }
        answered = (uint32_t)message.words[0];
        if (answered == ERR_BUSY) {
            if (latest != UINT64_MAX && hf_time_now() >= latest) {
                return ERR_TIMEDOUT;
            }
            (void)hf_yield();
        }
    }
    memcpy(rep, message.words, sizeof(message.words));
    return (enum err)answered;
}

static enum err console_ask(uint64_t console, const void *req, void *rep)
{
    return console_ask_until(console, req, rep, UINT64_MAX);
}

/* Bytes of the next text: what is shown together ends with a line, if it must end early. */
static size_t text_length(const char *bytes, size_t length)
{
    if (length <= CONSOLE_TEXT_MAX) {
        return length;
    }
    size_t whole = CONSOLE_TEXT_MAX;
    while (whole > 0 && bytes[whole - 1] != '\n') {
        whole--;
    }
    return whole > 0 ? whole : CONSOLE_TEXT_MAX;
}

/* Send one text, in parts if it has to be. */
static enum err text_write(uint64_t console, const char *bytes, size_t length, uint64_t latest)
{
    enum err error = ERR_OK;
    for (size_t done = 0; done < length && error == ERR_OK;) {
        struct console_write_req req = {.number = CONSOLE_WRITE};
        struct console_empty_rep rep;
        const size_t left = length - done;
        const bool is_last = left <= CONSOLE_BYTES_MAX;
        req.length = is_last ? (uint16_t)left : CONSOLE_BYTES_MAX;
        req.part = done == 0 ? (is_last ? CONSOLE_WHOLE : CONSOLE_FIRST)
                             : (is_last ? CONSOLE_LAST : CONSOLE_MIDDLE);
        memcpy(req.bytes, bytes + done, req.length);
        error = console_ask_until(console, &req, &rep, latest);
        done += req.length;
    }
    return error;
}

enum err hf_console_write_until(uint64_t console, const void *bytes, size_t length, uint64_t latest)
{
    const char *from = bytes;
    enum err error = ERR_OK;
    while (length > 0 && error == ERR_OK) {
        const size_t text = text_length(from, length);
        error = text_write(console, from, text, latest);
        from += text;
        length -= text;
    }
    return error;
}

enum err hf_console_write(uint64_t console, const void *bytes, size_t length)
{
    return hf_console_write_until(console, bytes, length, UINT64_MAX);
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

enum err hf_console_behind(uint64_t console, uint64_t *behind)
{
    const struct console_behind_req req = {.number = CONSOLE_BEHIND};
    struct console_behind_rep rep;
    const enum err error = console_ask(console, &req, &rep);
    if (error == ERR_OK) {
        *behind = rep.handle;
    }
    return error;
}
