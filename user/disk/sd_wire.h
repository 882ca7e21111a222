/* SPDX-License-Identifier: MIT */
/*
 * The wire to an SD card in SPI mode: bytes, commands and their first answers, sums (SD Physical
 * Layer Simplified Specification 8.00, chapter 7; "SD" here and in sd.h).
 *
 * The wire and the clock are functions, so that a model can stand in for the card. Nothing here
 * waits for longer than some bytes take.
 *
 * Owner: the driver's only thread. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define SD_WIRE_IDLE      0xffu /* the level of the wire while nobody says anything */
#define SD_WIRE_NO_ANSWER 0xffu /* instead of an answer's first byte */
#define SD_WIRE_STOP      12u   /* the command that ends a transfer (SD 7.3.1.3) */
#define SD_WIRE_LOOK      64u   /* bytes that are looked at before it is later */

struct sd_port {
    void *context;
    uint64_t ms; /* ticks of now() in a millisecond */
    /* Send bytes (NULL: all ones) while as many come in (NULL: of no interest). */
    void (*exchange)(void *context, const uint8_t *out_opt, uint8_t *in_opt, uint32_t bytes);
    void (*select)(void *context, bool is_selected);
    void (*set_fast)(void *context, bool is_fast); /* 400 kHz at most; else 25 MHz */
    uint64_t (*now)(void *context);
};

/* Bytes to the card, and from it (NULL: of no interest). */
void sd_wire_send(const struct sd_port *port, const uint8_t *bytes, uint32_t count);
void sd_wire_receive(const struct sd_port *port, uint8_t *bytes_opt, uint32_t count);
uint8_t sd_wire_receive_one(const struct sd_port *port);

/* The four bytes behind an answer. */
uint32_t sd_wire_receive_word(const struct sd_port *port);

/* Let the card go. */
void sd_wire_release(const struct sd_port *port);

/* Whether the card is not busy, or no longer: SD_WIRE_LOOK bytes are looked at. */
MUST_USE bool sd_wire_look_ready(const struct sd_port *port);

/* Send a command. Returns: the first byte of the answer, or SD_WIRE_NO_ANSWER. */
uint8_t sd_wire_command(const struct sd_port *port, uint32_t number, uint32_t argument);

/* The same, at a card that is not busy and may have to be asked again. */
MUST_USE uint8_t sd_wire_ask(const struct sd_port *port, uint32_t number, uint32_t argument);

/* The sums: of a command (SD 4.5), already in its place with the end bit; of a block. */
uint8_t sd_wire_sum_command(const uint8_t *bytes, uint32_t length);
uint16_t sd_wire_sum_block(const uint8_t *bytes, uint32_t length);
