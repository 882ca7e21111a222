/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <stdio.h>
#include <string.h>

#include <disk/proto.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/pin.h>
#include <hf/serve.h>

#define WORD_SPACE 7u

static void answer_error(struct hf_message *message, enum err error)
{
    *message = (struct hf_message){.words = {error}};
}

static void answer(struct hf_message *message, const void *rep)
{
    message->tag = 0;
    memcpy(message->words, rep, sizeof(message->words));
}

static bool is_zero(const struct hf_message *message, unsigned first, unsigned end)
{
    uint64_t all = 0;
    for (unsigned i = first; i < end; i++) {
        all |= message->words[i];
    }
    return all == 0;
}

static const struct gpt_partition *partition_at(const struct serve *serve, uint64_t index)
{
    return serve->gpt.state == GPT_FOUND && index < serve->gpt.count ? &serve->gpt.partitions[index]
                                                                     : NULL;
}

/* A partition by its number, or the whole disk. */
static enum err find_partition(const struct serve *serve, uint64_t number, uint64_t *first,
                               uint64_t *sectors)
{
    const struct gpt_partition *partition = NULL;
    if (number == DISK_WHOLE) {
        *first = 0;
        *sectors = serve->jobs.blk->sectors;
        return ERR_OK;
    }
    for (uint32_t i = 0; partition_at(serve, i) != NULL; i++) {
        if (serve->gpt.partitions[i].number == number) {
            partition = &serve->gpt.partitions[i];
        }
    }
    if (partition == NULL) {
        return ERR_NOENT;
    }
    *first = partition->first;
    *sectors = partition->sectors;
    return ERR_OK;
}

bool serve_has_place(const struct serve *serve, const struct paging_place *place)
{
    uint64_t first = 0;
    uint64_t sectors = 0;
    if (find_partition(serve, place->partition, &first, &sectors) != ERR_OK) {
        return false;
    }
    if (place->is_file) {
        const uint64_t behind = place->first - first; /* wraps if it lies before */
        return place->first >= first && behind < sectors &&
               place->bytes <= (sectors - behind) * BLK_SECTOR_BYTES;
    }
    if (first != place->first || sectors * BLK_SECTOR_BYTES < place->skip) {
        return false;
    }
    const uint64_t bytes = sectors * BLK_SECTOR_BYTES - place->skip;
    return place->bytes == (place->skip == 0 ? bytes : bytes / HF_PAGE_BYTES * HF_PAGE_BYTES);
}

static void serve_info(const struct serve *serve, struct hf_message *message)
{
    const struct blk *blk = serve->jobs.blk;
    const bool is_found = serve->gpt.state == GPT_FOUND;
    const struct disk_info_rep rep = {
        .sectors = blk->sectors,
        .block_bytes = blk->block_sectors * BLK_SECTOR_BYTES,
        .flags = (blk->is_read_only ? DISK_READ_ONLY : 0) | (blk->has_flush ? DISK_FLUSHES : 0) |
                 (blk->has_tables ? DISK_TABLES : 0) | (blk->is_legacy ? DISK_LEGACY : 0) |
                 (serve->jobs.is_dead ? DISK_GONE : 0) | (blk->has_reach ? 0 : DISK_CARD) |
                 (is_found && serve->gpt.primary != GPT_SOUND ? DISK_BACKUP : 0),
        .partitions = is_found ? serve->gpt.count : 0,
        .left_out = is_found ? serve->gpt.refused : 0,
        .slots = blk->slots_max,
        .flying = blk->flying,
        .objects = paging_count(),
    };
    answer(message, &rep);
}

static void serve_counts(const struct serve *serve, struct hf_message *message)
{
    const struct blk_counts *counts = &serve->jobs.blk->counts;
    const struct disk_counts_rep rep = {
        .reads = counts->reads,
        .writes = counts->writes,
        .flushes = counts->flushes,
        .errors = counts->errors,
        .lies = counts->lies,
        .resets = counts->resets,
        .depth_max = counts->depth_max,
    };
    answer(message, &rep);
}

static void serve_partition(const struct serve *serve, struct hf_message *message)
{
    const struct gpt_partition *partition = partition_at(serve, message->words[0] >> 32);
    if (partition == NULL) {
        answer_error(message, ERR_NOENT);
        return;
    }
    struct disk_partition_rep rep = {
        .partition = partition->number,
        .kind = gpt_is_swap(partition)      ? DISK_KIND_SWAP
                : gpt_is_archive(partition) ? DISK_KIND_ARCHIVE
                                            : DISK_KIND_OTHER,
        .first = partition->first,
        .sectors = partition->sectors,
        .attributes = partition->attributes,
    };
    memcpy(rep.type, partition->type, sizeof(rep.type));
    answer(message, &rep);
}

static void serve_name(const struct serve *serve, struct hf_message *message)
{
    const struct gpt_partition *partition = partition_at(serve, message->words[0] >> 32);
    struct disk_name_rep rep = {.error = ERR_OK};
    if (partition == NULL) {
        answer_error(message, ERR_NOENT);
        return;
    }
    size_t length = strlen(partition->name);
    if (length >= sizeof(rep.name)) {
        length = sizeof(rep.name) - 1;
        while (length > 0 && ((unsigned char)partition->name[length] & 0xc0) == 0x80) {
            length--; /* not in the middle of a character */
        }
    }
    memcpy(rep.name, partition->name, length);
    answer(message, &rep);
}

/* Where a transfer begins on the disk. */
static enum err find_place(const struct serve *serve, const struct disk_read_req *req,
                           uint64_t *sector)
{
    uint64_t first = 0;
    uint64_t sectors = 0;
    const enum err error = find_partition(serve, req->partition, &first, &sectors);
    if (error != ERR_OK) {
        return error;
    }
    if (req->bytes == 0 || req->bytes > DISK_TRANSFER_BYTES || req->bytes % BLK_SECTOR_BYTES != 0 ||
        req->offset % BLK_SECTOR_BYTES != 0 || req->offset / BLK_SECTOR_BYTES >= sectors ||
        req->bytes / BLK_SECTOR_BYTES > sectors - req->offset / BLK_SECTOR_BYTES) {
        return ERR_INVAL;
    }
    *sector = first + req->offset / BLK_SECTOR_BYTES;
    return ERR_OK;
}

/*
 * Pin the caller's pages. For a device that reaches them `frames` gets where they are; else they
 * are only to be there when their bytes are moved.
 */
static enum err pin_pages(const struct disk_read_req *req, bool has_reach, uint64_t *frames,
                          uint64_t *number)
{
    const bool is_read = req->number == DISK_READ;
    const uint64_t in_page = req->address % HF_PAGE_BYTES;
    const struct hf_pin pin = {
        .space = req->space,
        .addr = (const void *)(req->address - in_page),
        .pages = (in_page + req->bytes + HF_PAGE_BYTES - 1) / HF_PAGE_BYTES,
        .flags = (is_read ? MEM_PIN_WRITE : 0) | MEM_PIN_GET | MEM_PIN_NOWAIT |
                 (has_reach ? MEM_PIN_FRAMES : 0),
        .purpose = is_read ? "disk read" : "disk write",
        .device = has_reach ? DISK_SLOT_REGISTERS : HANDLE_NONE,
    };
    struct mem_pin_rep rep;
    enum err error = hf_pin(&pin, &rep, frames);
    if (error == ERR_OK && rep.pages != pin.pages) {
        error = hf_unpin(rep.pin, 0);
        /* What the next page's error is, the one request does not say. */
        return error == ERR_OK ? ERR_FAULT : error;
    }
    if (error == ERR_OK) {
        *number = rep.pin;
    }
    return error;
}

static struct serve_owner *owner_of(struct serve *serve, const struct job *job)
{
    return &serve->owners[job - serve->jobs.items];
}

static enum err start_transfer(struct serve *serve, const struct disk_read_req *req,
                               struct hf_token token)
{
    struct job_request asked = {
        .kind = req->number == DISK_READ ? BLK_READ : BLK_WRITE,
        .offset = (uint32_t)(req->address % HF_PAGE_BYTES),
        .bytes = (uint32_t)req->bytes,
    };
    const bool has_reach = serve->jobs.blk->has_reach;
    uint64_t pin = 0;
    enum err error = find_place(serve, req, &asked.sector);
    if (error == ERR_OK) {
        error = jobs_check(&serve->jobs, &asked);
    }
    struct job *job = jobs_find(&serve->jobs);
    if (error == ERR_OK && job == NULL) {
        error = ERR_BUSY;
    }
    if (error == ERR_OK) {
        error = pin_pages(req, has_reach, job->frames, &pin);
    }
    if (error == ERR_OK) {
        job->space = req->space;
        job->address = req->address;
        *owner_of(serve, job) = (struct serve_owner){
            .token = token, .pin = pin, .space = has_reach ? HANDLE_NONE : req->space};
        error = jobs_add(&serve->jobs, job, &asked);
    }
    if (error == ERR_OK) {
        jobs_pump(&serve->jobs, hf_time_now());
    }
    return error;
}

/* READ, WRITE. Returns: whether there is an answer already. */
static bool serve_transfer(struct serve *serve, struct hf_request *request, bool has_space)
{
    struct disk_read_req req;
    memcpy(&req, request->message.words, sizeof(req));
    if (!has_space || !is_zero(&request->message, 4, WORD_SPACE)) {
        answer_error(&request->message, ERR_INVAL);
        return true;
    }
    const enum err error = start_transfer(serve, &req, request->token);
    answer_error(&request->message, error);
    return error != ERR_OK;
}

static bool serve_flush(struct serve *serve, struct hf_request *request)
{
    const struct job_request asked = {.kind = BLK_FLUSH};
    struct job *job = jobs_find(&serve->jobs);
    enum err error = job == NULL ? ERR_BUSY : ERR_OK;
    if (error == ERR_OK) {
        *owner_of(serve, job) = (struct serve_owner){.token = request->token};
        error = jobs_add(&serve->jobs, job, &asked);
    }
    if (error == ERR_OK) {
        jobs_pump(&serve->jobs, hf_time_now());
    }
    answer_error(&request->message, error);
    return error != ERR_OK;
}

/* OBJECT. The answer has a handle. Returns: whether there is an answer still to be given. */
static bool serve_object(const struct serve *serve, struct hf_request *request)
{
    struct paging_place place = {.partition = (uint32_t)(request->message.words[0] >> 32),
                                 .is_read_only = serve->jobs.blk->is_read_only};
    struct disk_object_rep rep = {.error = ERR_OK};
    uint64_t first = 0;
    uint64_t sectors = 0;
    enum err error = find_partition(serve, place.partition, &first, &sectors);
    place.first = first;
    place.bytes = sectors * BLK_SECTOR_BYTES;
    if (error == ERR_OK) {
        error = paging_object(&place, &rep.object);
    }
    if (error == ERR_OK) {
        struct hf_request with_handle = {.token = request->token};
        rep.bytes = place.bytes;
        memcpy(with_handle.message.words, &rep, sizeof(rep));
        with_handle.message.tag = HF_HANDLE_AT(HF_WORD(disk_object_rep, object));
        error = hf_reply(with_handle);
        (void)hf_handle_close(rep.object);
    }
    answer_error(&request->message, error);
    return error != ERR_OK && error != ERR_STALE;
}

/* Requests without a handle. Returns: whether there is an answer already. */
static bool serve_plain(struct serve *serve, struct hf_request *request)
{
    struct hf_message *message = &request->message;
    const uint32_t number = (uint32_t)message->words[0];
    const bool has_index = number == DISK_PARTITION || number == DISK_NAME || number == DISK_OBJECT;
    if ((!has_index && message->words[0] >> 32 != 0) ||
        !is_zero(message, number == DISK_DELAY ? 3 : 1, IPC_WORDS)) {
        answer_error(message, ERR_INVAL);
        return true;
    }
    switch (number) {
    case DISK_INFO:
        serve_info(serve, message);
        return true;
    case DISK_COUNTS:
        serve_counts(serve, message);
        return true;
    case DISK_PARTITION:
        serve_partition(serve, message);
        return true;
    case DISK_NAME:
        serve_name(serve, message);
        return true;
    case DISK_FLUSH:
        return serve_flush(serve, request);
    case DISK_OBJECT:
        return serve_object(serve, request);
    default: /* DISK_DELAY */
        serve->delay_state = message->words[1] | 1;
        serve->delay_ticks = message->words[2];
        answer_error(message, ERR_OK);
        return true;
    }
}

bool serve_request(struct serve *serve, struct hf_request *request)
{
    struct hf_message *message = &request->message;
    const struct hf_message asked = *message;
    const uint64_t handles = asked.tag & ~(uint64_t)IPC_TAG_KIND;
    const uint32_t number = (uint32_t)asked.words[0];
    bool is_answered = true;
    bool is_kept = false; /* the handle, for the job */
    message->tag = 0;
    if (number < DISK_INFO || number > DISK_OBJECT) {
        answer_error(message, ERR_NOSYS);
    } else if (number == DISK_READ || number == DISK_WRITE) {
        is_answered = serve_transfer(serve, request, handles == HF_HANDLE_AT(WORD_SPACE));
        is_kept = !is_answered && !serve->jobs.blk->has_reach;
    } else if (handles != 0) {
        answer_error(message, ERR_INVAL);
    } else {
        is_answered = serve_plain(serve, request);
    }
    if (!is_kept) {
        hf_message_drop(&asked);
    }
    return is_answered;
}

/* How long to hold an answer, if it is to be held. */
static uint64_t draw_delay(struct serve *serve)
{
    serve->delay_state = serve->delay_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (serve->delay_state >> 33) % (serve->delay_ticks + 1);
}

/* Let the pages of a job go and tell its owner, who may have gone. */
static void finish(struct serve *serve, struct job *job)
{
    const struct serve_owner *owner = owner_of(serve, job);
    struct hf_request request = {.token = owner->token};
    answer_error(&request.message, job->error);
    if (owner->pin != 0 && job->is_exposed) {
        fprintf(stderr, "disk: the device may still write to %u bytes: they stay pinned\n",
                (unsigned)job->request.bytes);
    } else if (owner->pin != 0) {
        const bool is_read = job->request.kind == BLK_READ;
        const enum err error = hf_unpin(owner->pin, is_read ? MEM_UNPIN_DIRTY : 0);
        if (error != ERR_OK) {
            fprintf(stderr, "disk: pages cannot be let go: error %d\n", (int)error);
        }
    }
    if (owner->space != HANDLE_NONE) {
        (void)hf_handle_close(owner->space);
    }
    jobs_free(&serve->jobs, job);
    (void)hf_reply(request);
}

uint64_t serve_answers(struct serve *serve)
{
    uint64_t next = UINT64_MAX;
    const uint64_t now = hf_time_now();
    for (uint32_t i = 0; i < JOBS_MAX && serve->jobs.used > 0; i++) {
        struct job *job = &serve->jobs.items[i];
        struct serve_owner *owner = &serve->owners[i];
        if (job->state != JOB_DONE) {
            continue;
        }
        if (serve->delay_ticks > 0 && owner->until == 0) {
            owner->until = now + draw_delay(serve);
        }
        if (owner->until > now) {
            next = owner->until < next ? owner->until : next;
        } else {
            finish(serve, job);
        }
    }
    const uint64_t deadline = jobs_deadline(&serve->jobs);
    return deadline < next ? deadline : next;
}
