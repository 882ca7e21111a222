/* SPDX-License-Identifier: MIT */
#include "sd.h"

#include <stddef.h>
#include <string.h>

#include <base/assert.h>

/* Commands, SD 7.3.1.3; APP + n: command n behind APP. */
#define GO_IDLE        0u
#define SEND_CONDITION 8u
#define SEND_CSD       9u
#define SEND_STATUS    13u
#define SET_LENGTH     16u
#define READ_ONE       17u
#define READ_MANY      18u
#define WRITE_ONE      24u
#define WRITE_MANY     25u
#define APP_START      41u
#define APP            55u
#define READ_OCR       58u
#define SET_SUMS       59u

/* The first byte of an answer (R1), SD 7.3.2.1. */
#define R1_IDLE      0x01u
#define R1_ILLEGAL   0x04u
#define R1_ADDRESS   0x20u
#define R1_PARAMETER 0x40u

/* Tokens around data, SD 7.3.3. */
#define TOKEN_DATA         0xfeu
#define TOKEN_MANY         0xfcu
#define TOKEN_STOP         0xfdu
#define TOKEN_IS_ERROR     0xe0u /* those bits are 0 */
#define TOKEN_OUT_OF_RANGE 0x08u
#define RESPONSE           0x1fu
#define RESPONSE_ACCEPTED  0x05u

#define CONDITION   0x1aau /* 2.7-3.6 V, and a pattern that comes back (SD 4.3.13) */
#define START_LARGE 0x40000000u
#define OCR_READY   0x80000000u
#define OCR_LARGE   0x40000000u
#define OCR_VOLTAGE 0x00300000u /* 3.2-3.4 V */

#define CSD_BYTES      16u
#define RESPONSE_BYTES 10u /* within which a response begins */
#define WAKE_BYTES     16u /* 74 clocks at least (SD 6.4.1.1) */
#define IDLE_TRIES     10u
#define TRIES          3u
#define SMALL_SECTORS  (UINT64_C(1) << 23) /* bytes are addressed by 32 bits */
#define LARGE_SECTORS  (UINT64_C(1) << 32)

/* In milliseconds: twice what the card may take and more (SD 4.6.2, 4.2.3). */
#define MS_READ  250u
#define MS_WRITE 1000u
#define MS_START 1500u

static const char garbled[] = "what the card answers is garbled";
static const char late[] = "the card does not get ready";

static void set_state(struct sd *sd, enum sd_state to)
{
    static const bool may[5][5] = {
        [SD_OFF] = {[SD_READY] = true},
        [SD_READY] = {[SD_READING] = true, [SD_WRITING] = true},
        [SD_READING] = {[SD_STOPPING] = true},
        [SD_WRITING] = {[SD_STOPPING] = true},
        [SD_STOPPING] = {[SD_READY] = true},
    };
    ASSERT(to == SD_OFF || may[sd->state][to]);
    sd->state = to;
}

static uint64_t in_ms(const struct sd *sd, uint64_t ms)
{
    return sd->port.now(sd->port.context) + ms * sd->port.ms;
}

static bool is_late(const struct sd *sd)
{
    return sd->port.now(sd->port.context) >= sd->deadline;
}

static enum sd_result lose(struct sd *sd)
{
    sd_stop(sd);
    return SD_LOST;
}

/* Data of the card, if they come now. */
static enum sd_result receive_data(struct sd *sd, uint8_t *bytes, uint32_t count)
{
    uint8_t sum[2];
    uint8_t token = SD_WIRE_IDLE;
    for (uint32_t i = 0; i < SD_WIRE_LOOK && token == SD_WIRE_IDLE; i++) {
        token = sd_wire_receive_one(&sd->port);
    }
    if (token == SD_WIRE_IDLE) {
        return is_late(sd) ? lose(sd) : SD_WAIT;
    }
    if ((token & TOKEN_IS_ERROR) == 0) {
        return (token & TOKEN_OUT_OF_RANGE) != 0 ? SD_REFUSED : SD_FAILED;
    }
    if (token != TOKEN_DATA) {
        return SD_FAILED;
    }
    sd_wire_receive(&sd->port, bytes, count);
    sd_wire_receive(&sd->port, sum, sizeof(sum));
    return sd_wire_sum_block(bytes, count) == ((uint32_t)sum[0] << 8 | sum[1]) ? SD_DONE
                                                                               : SD_FAILED;
}

static enum sd_result judge(struct sd *sd, uint8_t answer)
{
    /* One that is idle has begun anew: it was taken out, or has lost its power. */
    if (answer == SD_WIRE_NO_ANSWER || (answer & R1_IDLE) != 0) {
        return lose(sd);
    }
    if ((answer & (R1_ADDRESS | R1_PARAMETER)) != 0) {
        return SD_REFUSED;
    }
    return answer == 0 ? SD_DONE : SD_FAILED;
}

enum sd_result sd_begin(struct sd *sd, bool is_write, uint64_t sector, uint32_t count)
{
    static const uint32_t commands[2][2] = {{READ_ONE, READ_MANY}, {WRITE_ONE, WRITE_MANY}};
    const bool is_many = count > 1;
    ASSERT(sd->state == SD_READY && count > 0);
    sd->port.select(sd->port.context, true);
    const uint64_t place = sd->is_large ? sector : sector * SD_BLOCK_BYTES;
    ASSERT(place <= UINT32_MAX);
    const enum sd_result result =
        judge(sd, sd_wire_ask(&sd->port, commands[is_write][is_many], (uint32_t)place));
    if (result == SD_DONE) {
        sd->is_write = is_write;
        sd->is_many = is_many;
        sd->is_busy = false;
        sd->is_told = false;
        sd->deadline = in_ms(sd, MS_READ);
        set_state(sd, is_write ? SD_WRITING : SD_READING);
    } else if (result != SD_LOST) {
        sd_wire_release(&sd->port);
    }
    return result;
}

static enum sd_result write_block(struct sd *sd, const uint8_t *block)
{
    const uint16_t sum = sd_wire_sum_block(block, SD_BLOCK_BYTES);
    const uint8_t head[2] = {SD_WIRE_IDLE, sd->is_many ? TOKEN_MANY : TOKEN_DATA};
    const uint8_t tail[2] = {(uint8_t)(sum >> 8), (uint8_t)sum};
    uint8_t response = SD_WIRE_IDLE;
    if (sd->is_busy && !sd_wire_look_ready(&sd->port)) {
        return is_late(sd) ? lose(sd) : SD_WAIT;
    }
    sd_wire_send(&sd->port, head, sizeof(head));
    sd_wire_send(&sd->port, block, SD_BLOCK_BYTES);
    sd_wire_send(&sd->port, tail, sizeof(tail));
    for (uint32_t i = 0; i < RESPONSE_BYTES && response == SD_WIRE_IDLE; i++) {
        response = sd_wire_receive_one(&sd->port);
    }
    if (response == SD_WIRE_IDLE) {
        return lose(sd);
    }
    sd->is_busy = true;
    sd->deadline = in_ms(sd, MS_WRITE);
    return (response & RESPONSE) == RESPONSE_ACCEPTED ? SD_DONE : SD_FAILED;
}

enum sd_result sd_move(struct sd *sd, uint8_t *block)
{
    ASSERT(sd->state == SD_READING || sd->state == SD_WRITING);
    if (sd->state == SD_WRITING) {
        return write_block(sd, block);
    }
    const enum sd_result result = receive_data(sd, block, SD_BLOCK_BYTES);
    sd->deadline = result == SD_DONE ? in_ms(sd, MS_READ) : sd->deadline;
    return result;
}

/* Tell the card that there are no more blocks. */
static void tell(struct sd *sd)
{
    const uint8_t token = TOKEN_STOP;
    sd->is_told = true;
    sd->is_busy = true;
    sd->deadline = in_ms(sd, MS_WRITE);
    if (sd->is_many && sd->is_write) {
        sd_wire_send(&sd->port, &token, 1);
        sd_wire_receive(&sd->port, NULL, 1); /* after which it is busy */
    } else if (sd->is_many) {
        /* Its answer may complain of what it has read ahead, past its end (SD 4.3.3). */
        (void)sd_wire_command(&sd->port, SD_WIRE_STOP, 0);
    }
}

enum sd_result sd_end(struct sd *sd)
{
    uint8_t status[2] = {0, 0};
    if (sd->state != SD_STOPPING) {
        set_state(sd, SD_STOPPING);
    }
    if (!sd->is_told) {
        if (sd->is_busy && !sd_wire_look_ready(&sd->port)) {
            return is_late(sd) ? lose(sd) : SD_WAIT;
        }
        tell(sd);
    }
    if (!sd_wire_look_ready(&sd->port)) {
        return is_late(sd) ? lose(sd) : SD_WAIT;
    }
    if (sd->is_write) {
        status[0] = sd_wire_ask(&sd->port, SEND_STATUS, 0);
        if (status[0] == SD_WIRE_NO_ANSWER || (status[0] & R1_IDLE) != 0) {
            return lose(sd);
        }
        status[1] = sd_wire_receive_one(&sd->port);
    }
    sd_wire_release(&sd->port);
    set_state(sd, SD_READY);
    return (status[0] | status[1]) == 0 ? SD_DONE : SD_FAILED;
}

void sd_stop(struct sd *sd)
{
    sd_wire_release(&sd->port);
    set_state(sd, SD_OFF);
}

/*
 * It may have been left in the middle of a transfer: whichever that was, let it have the rest, and
 * know the end. A card that was not does not mind.
 */
static void end_transfer(const struct sd *sd)
{
    const uint8_t token = TOKEN_STOP;
    (void)sd_wire_command(&sd->port, SD_WIRE_STOP, 0);
    for (uint32_t i = 0; i < SD_BLOCK_BYTES / SD_WIRE_LOOK + 1; i++) {
        sd_wire_receive(&sd->port, NULL, SD_WIRE_LOOK);
    }
    sd_wire_send(&sd->port, &token, 1);
    (void)!sd_wire_look_ready(&sd->port);
}

/*
 * From power-up, or whatever it was doing, to idle, in SPI mode (SD 7.2.1). `is_again`: what it
 * said to that was not about it.
 */
static bool wake(const struct sd *sd, bool is_again)
{
    uint8_t answer = SD_WIRE_NO_ANSWER;
    for (uint32_t try = 0; try < IDLE_TRIES && answer != R1_IDLE; try++) {
        sd->port.select(sd->port.context, false);
        sd_wire_receive(&sd->port, NULL, WAKE_BYTES);
        sd->port.select(sd->port.context, true);
        if (try > 0 || is_again) {
            end_transfer(sd);
        }
        answer = sd_wire_command(&sd->port, GO_IDLE, 0);
    }
    return answer == R1_IDLE;
}

/* Have it leave the idle state (SD 7.2.1), as long as that takes. */
static enum err leave_idle(struct sd *sd, bool is_newer, const char **why)
{
    uint8_t answer;
    sd->deadline = in_ms(sd, MS_START);
    do {
        answer = sd_wire_ask(&sd->port, APP, 0);
        if ((answer & ~R1_IDLE) == 0) {
            answer = sd_wire_ask(&sd->port, APP_START, is_newer ? START_LARGE : 0);
        }
    } while (answer == R1_IDLE && !is_late(sd));
    if ((answer & R1_ILLEGAL) != 0 && answer != SD_WIRE_NO_ANSWER) {
        *why = "it is no SD card";
        return ERR_OPNOTSUPP;
    }
    *why = answer == R1_IDLE ? late : garbled;
    return answer == 0 ? ERR_OK : ERR_IO;
}

/*
 * Read what it works at, and how it is addressed: twice, since it has no sum, and a wrong bit would
 * make every block another one. Returns: whether it says the same both times, and is ready.
 */
static bool read_conditions(const struct sd *sd, uint32_t *ocr)
{
    uint32_t words[2];
    for (uint32_t i = 0; i < 2; i++) {
        if ((sd_wire_ask(&sd->port, READ_OCR, 0) & ~R1_IDLE) !=
            0) { /* models of cards say that they are idle */
            return false;
        }
        words[i] = sd_wire_receive_word(&sd->port);
    }
    *ocr = words[0];
    return words[0] == words[1] && (words[0] & OCR_READY) != 0;
}

/* What kind of card it is, up to where it takes blocks of 512 bytes. */
static enum err identify(struct sd *sd, const char **why)
{
    *why = garbled;
    const uint8_t sums = sd_wire_ask(&sd->port, SET_SUMS, 1);
    if (sums == SD_WIRE_NO_ANSWER || (sums & ~(R1_IDLE | R1_ILLEGAL)) != 0) {
        return ERR_IO;
    }
    const uint8_t newer = sd_wire_ask(&sd->port, SEND_CONDITION, CONDITION);
    const bool is_newer = newer == R1_IDLE;
    if (!is_newer && newer != (R1_IDLE | R1_ILLEGAL)) {
        return ERR_IO;
    }
    if (is_newer && (sd_wire_receive_word(&sd->port) & 0xfff) != CONDITION) {
        *why = "the card does not take this voltage";
        return ERR_OPNOTSUPP;
    }
    const enum err error = leave_idle(sd, is_newer, why);
    if (error != ERR_OK) {
        return error;
    }
    *why = garbled;
    uint32_t ocr = 0;
    if (!read_conditions(sd, &ocr)) {
        return ERR_IO;
    }
    if ((ocr & OCR_VOLTAGE) == 0) {
        *why = "the card does not take this voltage";
        return ERR_OPNOTSUPP;
    }
    sd->is_large = is_newer && (ocr & OCR_LARGE) != 0;
    return sd->is_large || sd_wire_ask(&sd->port, SET_LENGTH, SD_BLOCK_BYTES) == 0 ? ERR_OK
                                                                                   : ERR_IO;
}

/* `count` bits of the register from `low` on, of which bit 127 comes first. */
static uint32_t csd_bits(const uint8_t csd[CSD_BYTES], uint32_t low, uint32_t count)
{
    uint32_t value = 0;
    for (uint32_t bit = low + count; bit-- > low;) {
        value = value << 1 | (csd[CSD_BYTES - 1 - bit / 8] >> bit % 8 & 1);
    }
    return value;
}

/* Wait for data while nobody else is waiting. */
static enum sd_result await_data(struct sd *sd, uint8_t *bytes, uint32_t count)
{
    enum sd_result result;
    sd->deadline = in_ms(sd, MS_READ);
    do {
        result = receive_data(sd, bytes, count);
    } while (result == SD_WAIT);
    return result;
}

/*
 * What the card says of its size (SD 5.3); nothing is no error. Returns: whether it answers, and
 * says what can be.
 */
static bool read_size(struct sd *sd)
{
    uint8_t csd[CSD_BYTES];
    const uint8_t answer = sd_wire_ask(&sd->port, SEND_CSD, 0);
    if (answer == SD_WIRE_NO_ANSWER) {
        return false;
    }
    const enum sd_result result = answer == 0 ? await_data(sd, csd, sizeof(csd)) : SD_FAILED;
    if (result != SD_DONE || sd_wire_sum_command(csd, CSD_BYTES - 1) != csd[CSD_BYTES - 1]) {
        return result != SD_LOST;
    }
    if (csd_bits(csd, 126, 2) != (sd->is_large ? 1 : 0)) {
        return false; /* it contradicts itself */
    }
    if (sd->is_large) {
        sd->sectors = ((uint64_t)csd_bits(csd, 48, 22) + 1) << 10;
    } else {
        const uint32_t shift = csd_bits(csd, 47, 3) + 2 + csd_bits(csd, 80, 4);
        sd->sectors = (((uint64_t)csd_bits(csd, 62, 12) + 1) << shift) / SD_BLOCK_BYTES;
    }
    if (sd->sectors > (sd->is_large ? LARGE_SECTORS : SMALL_SECTORS)) {
        sd->sectors = 0;
    }
    sd->is_read_only = sd->sectors > 0 && csd_bits(csd, 12, 2) != 0;
    return true;
}

/* Whether the card lets the sector be read. */
static enum sd_result try_sector(struct sd *sd, uint64_t sector)
{
    uint8_t block[SD_BLOCK_BYTES];
    enum sd_result result = SD_FAILED;
    for (uint32_t try = 0; try < TRIES && result == SD_FAILED; try++) {
        const uint64_t place = sd->is_large ? sector : sector * SD_BLOCK_BYTES;
        result = judge(sd, sd_wire_ask(&sd->port, READ_ONE, (uint32_t)place));
        if (result == SD_DONE) {
            result = await_data(sd, block, sizeof(block));
        }
    }
    return result;
}

/* Find the last sector by halves. Returns: whether it was found. */
static bool measure(struct sd *sd)
{
    uint64_t low = 0; /* can be read */
    uint64_t high = sd->is_large ? LARGE_SECTORS : SMALL_SECTORS;
    if (try_sector(sd, 0) != SD_DONE) {
        return false;
    }
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        const enum sd_result result = try_sector(sd, middle);
        if (result != SD_DONE && result != SD_REFUSED) {
            return false;
        }
        low = result == SD_DONE ? middle : low;
        high = result == SD_DONE ? high : middle;
    }
    sd->sectors = high;
    return true;
}

enum err sd_start(struct sd *sd, const char **why)
{
    enum err error = ERR_NOENT;
    sd->state = SD_OFF;
    sd->sectors = 0;
    sd->is_read_only = false;
    sd->was_measured = false;
    sd->port.set_fast(sd->port.context, false);
    *why = "no card answers";
    /* A block that it was in the middle of reading may look like answers. */
    for (uint32_t try = 0; try < TRIES && error != ERR_OK && wake(sd, try > 0); try++) {
        error = identify(sd, why);
        if (*why == late) {
            break;
        }
    }
    if (error == ERR_OK) {
        sd->port.set_fast(sd->port.context, true);
        *why = "the card does not let its size be known";
        error = read_size(sd) ? ERR_OK : ERR_IO;
        if (error == ERR_OK && sd->sectors == 0) {
            sd->was_measured = true;
            error = measure(sd) ? ERR_OK : ERR_IO;
        }
    }
    sd_wire_release(&sd->port);
    set_state(sd, error == ERR_OK ? SD_READY : SD_OFF);
    return error;
}
