/* SPDX-License-Identifier: MIT */
/*
 * The console: a driver for the serial port that the device tree calls its standard output, and a
 * server for all who have a handle to its endpoint.
 *
 * It has no other handles than those of proto.h, the log among them for its own complaints.
 */
#include <stdio.h>
#include <stdlib.h>

#include <hf/env.h>
#include <hf/error.h>
#include <hf/io.h>
#include <hf/mem.h>
#include <hf/serve.h>

#include "serve.h"

#define BIT_DEVICE 0x1u

static struct serve serve;

static int complain(const char *step, enum err error)
{
    fprintf(stderr, "console: %s: %s\n", step, hf_strerror(error));
    return 1;
}

/* A notification for the line, bound to this thread. */
static enum err bind_interrupt(void)
{
    uint64_t notification = 0;
    const enum err error = hf_notification_bind(&notification);
    return error == ERR_OK ? hf_interrupt_bind(CONSOLE_SLOT_INTERRUPT, notification, BIT_DEVICE)
                           : error;
}

/* Serve for good. Returns: why no more message can be received. */
static enum err run(void)
{
    struct hf_request request = {.badge = 0};
    for (;;) {
        enum err error = hf_reply_wait(CONSOLE_SLOT_ENDPOINT, &request);
        if (error == ERR_STALE) {
            request = (struct hf_request){.badge = 0}; /* he who was to be answered has gone */
            continue;
        }
        if (error != ERR_OK) {
            return error;
        }
        if ((request.message.tag & IPC_TAG_KIND) == IPC_NOTIFY) {
            serve_device(&serve);
            error = hf_interrupt_done(CONSOLE_SLOT_INTERRUPT);
            if (error != ERR_OK) {
                return error;
            }
            request = (struct hf_request){.badge = 0};
        } else if (!serve_request(&serve, &request)) {
            request = (struct hf_request){.badge = 0};
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "console: usage: console COMPATIBLE OFFSET\n");
        return 2;
    }
    serve.uart.kind = uart_find(argv[1]);
    if (serve.uart.kind == NULL) {
        return complain(argv[1], ERR_OPNOTSUPP);
    }
    line_init(&serve.line);
    /* No handle belongs into a message to the console. */
    enum err error = hf_accept(0, 0);
    if (error == ERR_OK) {
        volatile void *registers = NULL;
        error = hf_io_map(CONSOLE_SLOT_REGISTERS, strtoull(argv[2], NULL, 0) % HF_PAGE_BYTES,
                          &registers);
        serve.uart.registers = registers;
    }
    if (error != ERR_OK) {
        return complain("registers", error);
    }
    serve.uart.kind->start(&serve.uart);
    error = bind_interrupt();
    if (error != ERR_OK) {
        return complain("interrupt", error);
    }
    error = hf_handle_derive(CONSOLE_SLOT_ENDPOINT, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE,
                             CONSOLE_BADGE_BEHIND, 0, &serve.behind);
    if (error != ERR_OK) {
        return complain("handle for programs behind", error);
    }
    return complain("endpoint", run());
}
