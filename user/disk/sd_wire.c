/* SPDX-License-Identifier: MIT */
#include "sd_wire.h"

#include <stddef.h>

#define COMMAND_BYTES 6u
#define ANSWER_BYTES  10u /* within which an answer begins: 8 (SD 7.5.1.1), and some */
#define COMMAND_TRIES 3u

uint8_t sd_wire_sum_command(const uint8_t *bytes, uint32_t length)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < length; i++) {
        sum ^= bytes[i];
        for (uint32_t bit = 0; bit < 8; bit++) {
            sum = (uint8_t)((sum & 0x80) != 0 ? (sum << 1) ^ (0x09 << 1) : sum << 1);
        }
    }
    return sum | 1;
}

uint16_t sd_wire_sum_block(const uint8_t *bytes, uint32_t length)
{
    /* x^16 + x^12 + x^5 + 1, a nibble at a time. */
    static const uint16_t table[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                       0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                       0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    uint16_t sum = 0;
    for (uint32_t i = 0; i < length; i++) {
        sum = (uint16_t)(sum << 4) ^ table[(sum >> 12) ^ (bytes[i] >> 4)];
        sum = (uint16_t)(sum << 4) ^ table[(sum >> 12) ^ (bytes[i] & 15)];
    }
    return sum;
}

void sd_wire_send(const struct sd_port *port, const uint8_t *bytes, uint32_t count)
{
    port->exchange(port->context, bytes, NULL, count);
}

void sd_wire_receive(const struct sd_port *port, uint8_t *bytes_opt, uint32_t count)
{
    port->exchange(port->context, NULL, bytes_opt, count);
}

uint8_t sd_wire_receive_one(const struct sd_port *port)
{
    uint8_t byte;
    sd_wire_receive(port, &byte, 1);
    return byte;
}

void sd_wire_release(const struct sd_port *port)
{
    port->select(port->context, false);
    sd_wire_receive(port, NULL, 1); /* which makes it let go of the wire */
}

bool sd_wire_look_ready(const struct sd_port *port)
{
    for (uint32_t i = 0; i < SD_WIRE_LOOK; i++) {
        if (sd_wire_receive_one(port) == SD_WIRE_IDLE) {
            return true;
        }
    }
    return false;
}

uint8_t sd_wire_command(const struct sd_port *port, uint32_t number, uint32_t argument)
{
    uint8_t bytes[COMMAND_BYTES] = {(uint8_t)(0x40 | number), (uint8_t)(argument >> 24),
                                    (uint8_t)(argument >> 16), (uint8_t)(argument >> 8),
                                    (uint8_t)argument};
    bytes[COMMAND_BYTES - 1] = sd_wire_sum_command(bytes, COMMAND_BYTES - 1);
    sd_wire_send(port, bytes, COMMAND_BYTES);
    if (number == SD_WIRE_STOP) {
        sd_wire_receive(port, NULL, 1); /* of the block that was on its way */
    }
    for (uint32_t i = 0; i < ANSWER_BYTES; i++) {
        const uint8_t answer = sd_wire_receive_one(port);
        if ((answer & 0x80) == 0) {
            return answer;
        }
    }
    return SD_WIRE_NO_ANSWER;
}

uint8_t sd_wire_ask(const struct sd_port *port, uint32_t number, uint32_t argument)
{
    uint8_t answer = SD_WIRE_NO_ANSWER;
    for (uint32_t try = 0; try < COMMAND_TRIES && answer == SD_WIRE_NO_ANSWER; try++) {
        answer =
            sd_wire_look_ready(port) ? sd_wire_command(port, number, argument) : SD_WIRE_NO_ANSWER;
    }
    return answer;
}

uint32_t sd_wire_receive_word(const struct sd_port *port)
{
    uint8_t bytes[4];
    sd_wire_receive(port, bytes, sizeof(bytes));
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}
