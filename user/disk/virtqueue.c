/* SPDX-License-Identifier: MIT */
#include "virtqueue.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <base/assert.h>

/* Flags of a descriptor, 2.7.5. */
#define DESCRIPTOR_NEXT  0x1u
#define DESCRIPTOR_WRITE 0x2u /* by the device */
#define DESCRIPTOR_TABLE 0x4u

#define USED_NO_NOTIFY 0x1u /* flags of the used ring, 2.7.8 */

/* Offsets in both rings, 2.7.6 and 2.7.8. */
#define RING_INDEX 2u
#define RING_ITEMS 4u
#define USED_ITEM  8u
#define USED_BYTES 4u

STATIC_ASSERT(sizeof(struct virtqueue_descriptor) == 16, "as the device sees it");

uint32_t virtqueue_available_offset(uint16_t size)
{
    return (uint32_t)sizeof(struct virtqueue_descriptor) * size;
}

uint32_t virtqueue_used_offset(uint16_t size)
{
    /* Behind the ring stands one more word, used_event. */
    const uint32_t end = virtqueue_available_offset(size) + RING_ITEMS + 2u * size + 2;
    return (end + VIRTQUEUE_ALIGNMENT - 1) & ~(VIRTQUEUE_ALIGNMENT - 1);
}

static volatile uint16_t *word_16(const struct virtqueue *queue, uint32_t offset)
{
    return (volatile uint16_t *)(volatile void *)(queue->page + offset);
}

static volatile uint32_t *word_32(const struct virtqueue *queue, uint32_t offset)
{
    return (volatile uint32_t *)(volatile void *)(queue->page + offset);
}

static struct virtqueue_descriptor *descriptors(const struct virtqueue *queue)
{
    return (struct virtqueue_descriptor *)(void *)queue->page;
}

void virtqueue_init(struct virtqueue *queue, void *page, uint16_t size)
{
    ASSERT(size > 0 && size <= VIRTQUEUE_SIZE_MAX && (size & (size - 1)) == 0);
    ASSERT(virtqueue_used_offset(size) + RING_ITEMS + USED_ITEM * size + 2 <= VIRTQUEUE_BYTES_MAX);
    memset(queue, 0, sizeof(*queue));
    memset(page, 0, VIRTQUEUE_BYTES_MAX);
    queue->page = page;
    queue->size = size;
    queue->free_count = size;
    for (uint16_t i = 0; i < size; i++) {
        queue->next[i] = (uint16_t)(i + 1);
    }
}

void virtqueue_describe(struct virtqueue_descriptor *table, const struct virtqueue_piece *pieces,
                        uint32_t count, uint32_t readable)
{
    for (uint32_t i = 0; i < count; i++) {
        table[i] = (struct virtqueue_descriptor){
            .address = pieces[i].address,
            .bytes = pieces[i].bytes,
            .flags = (uint16_t)((i + 1 < count ? DESCRIPTOR_NEXT : 0) |
                                (i < readable ? 0 : DESCRIPTOR_WRITE)),
            .next = (uint16_t)(i + 1 < count ? i + 1 : 0),
        };
    }
}

/* Take a descriptor from the free list. */
static uint16_t take_free(struct virtqueue *queue)
{
    const uint16_t taken = queue->free_first;
    ASSERT(queue->free_count > 0 && taken < queue->size);
    queue->free_first = queue->next[taken];
    queue->free_count--;
    return taken;
}

/* Put a chain whose descriptors are written into the ring. */
static void add_head(struct virtqueue *queue, uint16_t head, uint16_t last, uint32_t count,
                     uint32_t cookie)
{
    const uint32_t ring = virtqueue_available_offset(queue->size) + RING_ITEMS;
    queue->heads[head] =
        (struct virtqueue_head){.count = (uint16_t)count, .last = last, .cookie = cookie};
    *word_16(queue, ring + 2u * (queue->available % queue->size)) = head;
    queue->available++;
    queue->in_flight++;
    AUDIT(virtqueue_audit(queue));
}

bool virtqueue_add(struct virtqueue *queue, const struct virtqueue_piece *pieces, uint32_t count,
                   uint32_t readable, uint32_t cookie)
{
    ASSERT(count > 0 && readable <= count);
    if (count > queue->free_count) {
        return false;
    }
    const uint16_t head = queue->free_first;
    uint16_t last = head;
    for (uint32_t i = 0; i < count; i++) {
        last = take_free(queue);
        descriptors(queue)[last] = (struct virtqueue_descriptor){
            .address = pieces[i].address,
            .bytes = pieces[i].bytes,
            .flags = (uint16_t)((i + 1 < count ? DESCRIPTOR_NEXT : 0) |
                                (i < readable ? 0 : DESCRIPTOR_WRITE)),
            .next = (uint16_t)(i + 1 < count ? queue->next[last] : 0),
        };
    }
    add_head(queue, head, last, count, cookie);
    return true;
}

bool virtqueue_add_table(struct virtqueue *queue, uint64_t table, uint32_t count, uint32_t cookie)
{
    ASSERT(count > 0);
    if (queue->free_count == 0) {
        return false;
    }
    const uint16_t head = take_free(queue);
    descriptors(queue)[head] = (struct virtqueue_descriptor){
        .address = table,
        .bytes = count * (uint32_t)sizeof(struct virtqueue_descriptor),
        .flags = DESCRIPTOR_TABLE,
    };
    add_head(queue, head, head, 1, cookie);
    return true;
}

bool virtqueue_publish(struct virtqueue *queue)
{
    const uint32_t ring = virtqueue_available_offset(queue->size);
    /* The chains before the index (2.7.13.3), the index before the flags are looked at. */
    atomic_thread_fence(memory_order_release);
    *word_16(queue, ring + RING_INDEX) = queue->available;
    atomic_thread_fence(memory_order_seq_cst);
    return (*word_16(queue, virtqueue_used_offset(queue->size)) & USED_NO_NOTIFY) == 0;
}

/* Give the descriptors of a chain back. Returns: its cookie. */
static uint32_t release(struct virtqueue *queue, uint16_t head)
{
    const struct virtqueue_head chain = queue->heads[head];
    queue->next[chain.last] = queue->free_first;
    queue->free_first = head;
    queue->free_count = (uint16_t)(queue->free_count + chain.count);
    queue->heads[head].count = 0;
    queue->in_flight--;
    AUDIT(virtqueue_audit(queue));
    return chain.cookie;
}

enum virtqueue_result virtqueue_take(struct virtqueue *queue, uint32_t *cookie, uint32_t *bytes)
{
    const uint32_t ring = virtqueue_used_offset(queue->size);
    const uint16_t done = (uint16_t)(*word_16(queue, ring + RING_INDEX) - queue->used);
    if (done == 0) {
        return VIRTQUEUE_EMPTY;
    }
    if (done > queue->in_flight) {
        return VIRTQUEUE_BROKEN;
    }
    /* The index before the items, and before the memory that the device has written. */
    atomic_thread_fence(memory_order_acquire);
    const uint32_t item = ring + RING_ITEMS + USED_ITEM * (queue->used % queue->size);
    const uint32_t head = *word_32(queue, item);
    const uint32_t written = *word_32(queue, item + USED_BYTES);
    if (head >= queue->size || queue->heads[head].count == 0) {
        return VIRTQUEUE_BROKEN;
    }
    queue->used++;
    *bytes = written;
    *cookie = release(queue, (uint16_t)head);
    return VIRTQUEUE_TAKEN;
}

bool virtqueue_drop(struct virtqueue *queue, uint32_t *cookie)
{
    for (uint16_t i = 0; queue->in_flight > 0 && i < queue->size; i++) {
        if (queue->heads[i].count > 0) {
            *cookie = release(queue, i);
            return true;
        }
    }
    return false;
}

void virtqueue_audit(const struct virtqueue *queue)
{
    bool is_seen[VIRTQUEUE_SIZE_MAX] = {false};
    uint32_t in_flight = 0;
    uint32_t seen = 0;
    uint16_t at = queue->free_first;
    for (uint32_t i = 0; i < queue->free_count; i++) {
        ASSERT(at < queue->size && !is_seen[at]);
        is_seen[at] = true;
        seen++;
        at = queue->next[at];
    }
    for (uint16_t head = 0; head < queue->size; head++) {
        at = head;
        for (uint16_t i = 0; i < queue->heads[head].count; i++) {
            ASSERT(at < queue->size && !is_seen[at]);
            is_seen[at] = true;
            seen++;
            ASSERT(i + 1 < queue->heads[head].count || at == queue->heads[head].last);
            at = queue->next[at];
        }
        in_flight += queue->heads[head].count > 0 ? 1 : 0;
    }
    ASSERT(seen == queue->size);
    ASSERT(in_flight == queue->in_flight);
}
