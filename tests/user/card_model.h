/* SPDX-License-Identifier: MIT */
/*
 * An SD card in SPI mode behind the port of user/disk/sd.h, byte by byte. It checks what it is
 * sent, and can be told to be of an old kind, to break, to be silent and to lie.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sd.h"

#define CARD_SECTORS_MAX 4096u

/* What goes wrong, at the event (command or block, counted from 1) that `fault_at` names. */
enum card_fault {
    CARD_SOUND,
    CARD_NO_ANSWER,    /* to a command */
    CARD_ILLEGAL,      /* every command from there on */
    CARD_IDLE,         /* it has begun anew */
    CARD_FLIP,         /* a bit of a block is turned on the wire */
    CARD_NO_TOKEN,     /* the block never comes */
    CARD_ERROR_TOKEN,  /* instead of it */
    CARD_REJECT,       /* what is written has a wrong sum, it says */
    CARD_WRITE_ERROR,  /* or cannot be written */
    CARD_STATUS_ERROR, /* is not well, it says afterwards */
    CARD_STUCK,        /* busy for ever after a block */
};

struct card {
    /* What it is; set before sd_start(). */
    bool is_absent;
    bool is_mmc;
    bool is_old;   /* knows no CMD8 */
    bool is_large; /* SDHC */
    bool has_csd;
    bool is_csd_bad;   /* its sum is wrong */
    bool is_protected; /* against writing */
    bool is_low;       /* not for this voltage */
    uint32_t start_turns;
    uint32_t delay; /* bytes before a block, and of being busy */
    uint64_t sectors;

    enum card_fault fault;
    uint32_t fault_at;    /* 0: at every event */
    uint64_t silent_from; /* byte of the wire from which on it says nothing */
    uint64_t left_at;     /* and from which on nothing reaches it: its driver has died */
    uint64_t flip_at;     /* byte of the wire in which `flip` is turned */
    uint8_t flip;
    bool is_liar; /* says anything; `lies` is its seed */
    uint64_t lies;

    /* What it does. */
    uint64_t time;
    uint64_t bytes; /* of the wire */
    bool is_selected;
    bool is_fast;
    bool has_sums;
    bool is_idle;
    bool is_app;
    uint32_t turns;
    uint8_t command[6];
    uint32_t command_bytes;
    uint8_t out[32]; /* what it says next */
    uint32_t out_at;
    uint32_t out_end;
    bool is_reading;
    bool is_writing;
    bool is_many;
    uint64_t sector;
    uint32_t block_at;
    uint32_t block_bytes; /* of what is read, with its sum */
    uint8_t block[520];
    uint32_t busy;
    uint8_t status;

    /* What happened. */
    uint32_t events;
    uint32_t strays; /* that no driver should have sent */
    bool is_filled;  /* with the pattern, and not written to since */
    uint8_t disk[CARD_SECTORS_MAX * SD_BLOCK_BYTES];
};

/* A sound SDHC card with a pattern on it. */
void card_init(struct card *card);

/* The wire to it. */
struct sd_port card_port(struct card *card);
