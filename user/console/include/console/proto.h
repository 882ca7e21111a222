/* SPDX-License-Identifier: MIT */
/*
 * Requests to the console and its answers: eight words each, to its endpoint. No handles go there.
 *
 * Nonzero reserved words, lengths, parts and modes that do not exist: INVAL. No room to hold one
 * more request: BUSY.
 *
 * By a handle that BEHIND gave, READ finds the end of the input, MODE is refused (PERM), and half
 * of the room is for the others.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

enum console_request {
#define REQUEST(name, number, function, summary) CONSOLE_##name = (number),
#include <console/proto.def>
#undef REQUEST
};

#define CONSOLE_BYTES_MAX 56u
/* Bytes of a text in parts that are shown together. */
#define CONSOLE_TEXT_MAX 1024u

/*
 * What READ delivers.
 *
 * LINES: whole lines, echoed and edited: backspace or delete, ^U the line, ^W a word; ^D ends the
 *        input or delivers what there is; ^C drops the line. Carriage return is a newline.
 * KEYS:  every byte, as it comes, without an echo; ^C too.
 */
enum console_mode {
    CONSOLE_LINES = 0,
    CONSOLE_KEYS = 1,
};

/* What a WRITE is of a text: it all, or a part. Nothing is shown between the parts of a text. */
enum console_part {
    CONSOLE_WHOLE = 0,
    CONSOLE_FIRST = 1,
    CONSOLE_MIDDLE = 2,
    CONSOLE_LAST = 3,
};

/*
 * WRITE: `length` bytes. "\n" is shown as "\r\n". Answered when what it shows has found room.
 *
 * Parts of a text come one after the other from one thread. They are shown together when the last
 * one has come, or in pieces: if they are more than CONSOLE_TEXT_MAX bytes, or when more than 16
 * threads are in the middle of a text (the oldest is then shown as far as it has come).
 */
struct console_write_req {
    uint32_t number;
    uint16_t length; /* at most CONSOLE_BYTES_MAX */
    uint16_t part;   /* enum console_part */
    char bytes[CONSOLE_BYTES_MAX];
};

/* READ: wait for a byte, and take up to `length` of what is there, no further than one line. */
struct console_read_req {
    uint32_t number;
    uint32_t length; /* 1 to CONSOLE_BYTES_MAX */
    uint64_t reserved[7];
};
/* length 0: the end of the input. */
struct console_read_rep {
    uint32_t error;
    uint32_t length;
    char bytes[CONSOLE_BYTES_MAX];
};

/* MODE: for all readers, from the next byte on. What was typed before stays. */
struct console_mode_req {
    uint32_t number;
    uint32_t mode; /* enum console_mode */
    uint64_t reserved[7];
};

/*
 * INTERRUPT: answered when ^C is typed in mode LINES; of those with a handle of BEHIND who asked
 * last, the others with BUSY. DRAIN: answered when nothing is left to be sent.
 */
struct console_wait_req {
    uint64_t number;
    uint64_t reserved[7];
};

/* BEHIND: a handle, the same for all who ask, each of whom closes his. */
struct console_behind_req {
    uint64_t number;
    uint64_t reserved[7];
};
struct console_behind_rep {
    uint64_t error;
    uint64_t handle;
    uint64_t reserved[6];
};

/* Answer of requests that give back nothing but an error. */
struct console_empty_rep {
    uint64_t error;
    uint64_t reserved[7];
};

STATIC_ASSERT(sizeof(struct console_write_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct console_read_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct console_read_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct console_mode_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct console_wait_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct console_behind_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct console_behind_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct console_empty_rep) == 64, "eight words");

/* Of handles that BEHIND gives; init's have small numbers. */
#define CONSOLE_BADGE_BEHIND (UINT64_C(1) << 32)

/*
 * What whoever starts the driver gives it, by slot, beside its arguments: the device's first
 * compatible text, and the offset of its registers in the first page.
 */
#define CONSOLE_SLOT_ENDPOINT  64u /* with RECEIVE */
#define CONSOLE_SLOT_REGISTERS 65u /* object of the memory server */
#define CONSOLE_SLOT_INTERRUPT 66u
