/* SPDX-License-Identifier: MIT */
#include "server/shell/device.h"

#include <stddef.h>

#include <base/assert.h>
#include <base/types.h>
#include <mem/proto.h>

#include "server/shell/badge.h"
#include "server/shell/memory.h"
#include "server/shell/wire.h"

STATIC_ASSERT(sizeof(struct shell_head) <= PAGE_SIZE, "fits its arena page");
STATIC_ASSERT(MEM_DEVICE_CONSOLE == BOOT_DEVICE_CONSOLE && MEM_DEVICE_CARD == BOOT_DEVICE_CARD,
              "flags pass as they are");
STATIC_ASSERT(MEM_COMPATIBLE_BYTES == BOOT_COMPATIBLE_BYTES, "and names");

enum err device_take(struct shell *shell, const struct boot_info *info)
{
    struct shell_head *head = shell->head;

    for (uint64_t i = 0; i < info->device_count && i < BOOT_DEVICES_MAX; i++) {
        const struct boot_device *device = &info->devices[i];
        const uint64_t first = device->start >> PAGE_SHIFT;
        const uint64_t end = (device->start + device->bytes + PAGE_MASK) >> PAGE_SHIFT;
        struct object *object;

        enum err error = object_make_device(&shell->core, pfn_from_number(first),
                                            (npages_t){end - first}, &object);
        if (error != ERR_OK) {
            return error;
        }
        head->devices[i] = (struct shell_device){.object = object->number, .boot = *device};
        head->device_count++;
    }
    return ERR_OK;
}

enum err device_serve(struct call *call)
{
    const struct shell_head *head = call->shell->head;
    uint64_t index;

    enum err error = wire_index(call->message, &index);
    if (error != ERR_OK) {
        return error;
    }
    if (call->own->number != head->init) {
        return ERR_PERM;
    }
    if (index >= head->device_count) {
        return ERR_NOENT;
    }
    const struct shell_device *device = &head->devices[index];
    call->words[1] = call_derive(badge_of_object(
        MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE | MEM_OBJECT_RESET, device->object));
    call->words[2] = device->boot.start;
    call->words[3] = device->boot.bytes;
    call->words[4] = device->boot.interrupt | (uint64_t)device->boot.flags << 32;
    memcpy(&call->words[5], device->boot.compatible, BOOT_COMPATIBLE_BYTES);
    return call_answer_handles(call, 0x2);
}
