/* SPDX-License-Identifier: MIT */
#include "card_model.h"

#include <stddef.h>
#include <string.h>

#define FAST_TICKS 40u /* a byte: it is a slow wire, so that time passes in few bytes */
#define SLOW_TICKS 400u
#define MS_TICKS   2500u
#define ANSWER_GAP 2u
#define DATA_BYTES (SD_BLOCK_BYTES + 2)

void card_init(struct card *card)
{
    const bool is_filled = card->is_filled;
    memset(card, 0, offsetof(struct card, disk));
    card->is_filled = true;
    card->is_large = true;
    card->has_csd = true;
    card->start_turns = 3;
    card->delay = 5;
    card->sectors = 2048;
    card->silent_from = UINT64_MAX;
    card->left_at = UINT64_MAX;
    card->flip_at = UINT64_MAX;
    for (uint32_t i = 0; !is_filled && i < sizeof(card->disk); i++) {
        card->disk[i] = (uint8_t)(i * 7 + i / SD_BLOCK_BYTES * 13);
    }
}

static bool strikes(struct card *card, enum card_fault fault)
{
    return card->fault == fault && (card->fault_at == 0 || card->fault_at == card->events);
}

static void say(struct card *card, const uint8_t *bytes, uint32_t count)
{
    card->out_at = 0;
    card->out_end = ANSWER_GAP + count;
    memset(card->out, 0xff, ANSWER_GAP);
    memcpy(card->out + ANSWER_GAP, bytes, count);
}

static void say_one(struct card *card, uint8_t byte)
{
    say(card, &byte, 1);
}

static void set_bits(uint8_t csd[16], uint32_t low, uint32_t count, uint64_t value)
{
    for (uint32_t i = 0; i < count; i++) {
        csd[15 - (low + i) / 8] |= (uint8_t)((value >> i & 1) << (low + i) % 8);
    }
}

static void load(struct card *card, const uint8_t *bytes, uint32_t count)
{
    const uint16_t sum = sd_wire_sum_block(bytes, count);
    memcpy(card->block, bytes, count);
    card->block[count] = (uint8_t)(sum >> 8);
    card->block[count + 1] = (uint8_t)sum;
    card->block_at = 0;
    card->block_bytes = count + 2;
    card->is_reading = true;
}

static void load_csd(struct card *card)
{
    uint8_t csd[16] = {0};
    if (card->is_large) {
        set_bits(csd, 126, 2, 1);
        set_bits(csd, 48, 22, card->sectors / 1024 - 1);
    } else {
        set_bits(csd, 80, 4, 10); /* blocks of 1024 bytes, counted by 4 */
        set_bits(csd, 62, 12, card->sectors / 8 - 1);
    }
    set_bits(csd, 12, 1, card->is_protected);
    csd[15] = sd_wire_sum_command(csd, 15) ^ (card->is_csd_bad ? 0x10 : 0);
    load(card, csd, sizeof(csd));
    card->is_many = false;
    card->sector = 0;
}

static void load_sector(struct card *card)
{
    card->events++;
    load(card, card->disk + card->sector % CARD_SECTORS_MAX * SD_BLOCK_BYTES, SD_BLOCK_BYTES);
    if (strikes(card, CARD_FLIP)) {
        card->block[card->sector % DATA_BYTES] ^= 0x20;
    }
}

/* READ and WRITE of one block or many. */
static void begin_transfer(struct card *card, uint32_t number, uint32_t argument)
{
    const uint64_t sector = card->is_large ? argument : argument / SD_BLOCK_BYTES;
    if (card->is_idle || (!card->is_large && argument % SD_BLOCK_BYTES != 0)) {
        say_one(card, 0x04 | card->is_idle);
        return;
    }
    if (sector >= card->sectors) {
        say_one(card, 0x40);
        return;
    }
    say_one(card, 0);
    card->sector = sector;
    card->is_many = number == 18 || number == 25;
    if (number < 24) {
        load_sector(card);
    } else {
        card->is_writing = true;
        card->block_at = 0;
    }
}

static void start_turn(struct card *card, uint32_t argument)
{
    if (card->is_large && (argument & 0x40000000) == 0) {
        say_one(card, 0x01); /* never */
        return;
    }
    if (card->turns < card->start_turns) {
        card->turns++;
        say_one(card, 0x01);
        return;
    }
    card->is_idle = false;
    say_one(card, 0);
}

/* Commands about what it is. */
static void describe(struct card *card, uint32_t number, uint32_t argument)
{
    const uint8_t idle = card->is_idle;
    const uint8_t condition[5] = {idle, 0, 0, card->is_low ? 0 : 1, (uint8_t)argument};
    const uint8_t ocr[5] = {idle, (uint8_t)(0x80 | card->is_large << 6), 0xff, 0x80, 0};
    const uint8_t status[2] = {0, card->status};
    switch (number) {
    case 8:
        if (card->is_old) {
            say_one(card, 0x04 | idle);
        } else {
            say(card, condition, sizeof(condition));
        }
        return;
    case 9:
        say_one(card, card->has_csd ? 0 : 0x04);
        if (card->has_csd) {
            load_csd(card);
        }
        return;
    case 13:
        say(card, status, sizeof(status));
        card->status = 0;
        return;
    default: /* 58 */
        say(card, ocr, sizeof(ocr));
        return;
    }
}

static void obey(struct card *card, uint32_t number, uint32_t argument)
{
    const bool is_app = card->is_app;
    card->is_app = false;
    switch (number) {
    case 0:
        card->is_idle = true;
        card->has_sums = false;
        card->turns = 0;
        say_one(card, 0x01);
        break;
    case 8:
    case 9:
    case 13:
    case 58:
        describe(card, number, argument);
        break;
    case 12:
        say_one(card, 0);
        card->busy = card->delay;
        break;
    case 16:
        card->strays += argument != SD_BLOCK_BYTES;
        say_one(card, card->is_idle);
        break;
    case 17:
    case 18:
    case 24:
    case 25:
        begin_transfer(card, number, argument);
        break;
    case 55:
        card->is_app = !card->is_mmc;
        say_one(card, card->is_mmc ? 0x05 : card->is_idle);
        break;
    case 59:
        card->has_sums = (argument & 1) != 0;
        say_one(card, card->is_idle);
        break;
    default:
        if (number == 41 && is_app) {
            start_turn(card, argument);
        } else {
            card->strays++;
            say_one(card, 0x04 | card->is_idle);
        }
        break;
    }
}

static void take_command(struct card *card)
{
    const uint8_t *bytes = card->command;
    const uint32_t number = bytes[0] & 0x3f;
    const uint32_t argument =
        (uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 8 | bytes[4];
    card->command_bytes = 0;
    card->is_reading = false;
    card->out_end = 0;
    card->events++;
    if ((card->has_sums || number == 0 || number == 8) &&
        sd_wire_sum_command(bytes, 5) != bytes[5]) {
        card->strays++;
        say_one(card, 0x08 | card->is_idle);
    } else if (strikes(card, CARD_NO_ANSWER)) {
        return;
    } else if (card->fault == CARD_ILLEGAL && card->events >= card->fault_at) {
        say_one(card, 0x04);
    } else if (strikes(card, CARD_IDLE)) {
        card->is_idle = true;
        say_one(card, 0x01);
    } else {
        obey(card, number, argument);
    }
}

/* A block has come. */
static void take_block(struct card *card)
{
    const uint16_t sum = (uint16_t)(card->block[SD_BLOCK_BYTES] << 8 | card->block[513]);
    const bool is_sound = sd_wire_sum_block(card->block, SD_BLOCK_BYTES) == sum;
    card->block_at = 0;
    card->events++;
    card->busy = strikes(card, CARD_STUCK) ? UINT32_MAX : card->delay;
    if (!is_sound || strikes(card, CARD_REJECT)) {
        card->strays += is_sound ? 0 : 1;
        card->out[0] = 0xeb;
    } else if (strikes(card, CARD_WRITE_ERROR) || card->sector >= card->sectors) {
        card->out[0] = 0xed;
    } else {
        card->out[0] = 0xe5;
        card->status |= strikes(card, CARD_STATUS_ERROR) ? 0x04 : 0;
        card->is_filled = false;
        memcpy(card->disk + card->sector * SD_BLOCK_BYTES, card->block, SD_BLOCK_BYTES);
        card->sector++;
    }
    card->out_at = 0;
    card->out_end = 1;
    card->is_writing = card->is_many;
}

/* What comes while it is to be written to. */
static void take_data(struct card *card, uint8_t in)
{
    if (card->block_at > 0) {
        card->block[card->block_at - 1] = in;
        card->block_at++;
        if (card->block_at == DATA_BYTES + 1) {
            take_block(card);
        }
    } else if (in == (card->is_many ? 0xfc : 0xfe)) {
        card->block_at = 1;
    } else if (in == 0xfd && card->is_many) {
        card->is_writing = false;
        card->out[0] = 0xff;
        card->out_at = 0;
        card->out_end = 1;
        card->busy = card->delay;
    } else if (in != 0xff) {
        card->strays++;
    }
}

/* The next byte of what is read. */
static uint8_t give_data(struct card *card)
{
    if (strikes(card, CARD_NO_TOKEN)) {
        return 0xff;
    }
    const uint32_t at = card->block_at++;
    if (at < card->delay) {
        return 0xff;
    }
    if (at == card->delay && (strikes(card, CARD_ERROR_TOKEN) || card->sector >= card->sectors)) {
        card->is_reading = false;
        return card->sector >= card->sectors ? 0x08 : 0x02;
    }
    if (at == card->delay) {
        return 0xfe;
    }
    const uint8_t byte = card->block[at - card->delay - 1];
    if (at - card->delay == card->block_bytes) {
        card->is_reading = card->is_many;
        card->block_at = 0;
        if (card->is_many) {
            card->sector++;
            load_sector(card);
        }
    }
    return byte;
}

/* A byte each way. */
static uint8_t turn(struct card *card, uint8_t in)
{
    if (card->out_at < card->out_end) {
        return card->out[card->out_at++];
    }
    if (card->busy > 0) {
        card->busy -= card->busy == UINT32_MAX ? 0 : 1;
        return 0x00;
    }
    if (card->is_writing) {
        take_data(card, in);
        return 0xff;
    }
    const uint8_t out = card->is_reading && card->command_bytes == 0 ? give_data(card) : 0xff;
    if (card->command_bytes > 0 || (in & 0xc0) == 0x40) {
        card->command[card->command_bytes++] = in;
        if (card->command_bytes == sizeof(card->command)) {
            take_command(card);
        }
    }
    return out;
}

static void exchange(void *context, const uint8_t *out_opt, uint8_t *in_opt, uint32_t bytes)
{
    struct card *card = context;
    for (uint32_t i = 0; i < bytes; i++) {
        uint8_t said = 0xff;
        card->time += card->is_fast ? FAST_TICKS : SLOW_TICKS;
        if (!card->is_absent && card->is_selected && card->bytes < card->left_at) {
            said = turn(card, out_opt != NULL ? out_opt[i] : 0xff);
        }
        if (card->is_liar) {
            card->lies = card->lies * UINT64_C(6364136223846793005) + 1442695040888963407;
            said = card->lies >> 60 < 12 ? said : (uint8_t)(card->lies >> 40);
        }
        said = card->bytes >= card->silent_from ? 0xff : said;
        said ^= card->bytes == card->flip_at ? card->flip : 0;
        card->bytes++;
        if (in_opt != NULL) {
            in_opt[i] = said;
        }
    }
}

static void select_card(void *context, bool is_selected)
{
    ((struct card *)context)->is_selected = is_selected;
}

static void set_fast(void *context, bool is_fast)
{
    ((struct card *)context)->is_fast = is_fast;
}

static uint64_t now(void *context)
{
    return ((struct card *)context)->time;
}

struct sd_port card_port(struct card *card)
{
    return (struct sd_port){card, MS_TICKS, exchange, select_card, set_fast, now};
}
