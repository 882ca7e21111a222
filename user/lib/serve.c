/* SPDX-License-Identifier: MIT */
#include <hf/serve.h>

#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>

void hf_message_drop(const struct hf_message *message)
{
    const uint64_t handles = message->tag >> IPC_TAG_HANDLES_SHIFT & 0xff;
    const uint64_t badges = message->tag >> IPC_TAG_BADGES_SHIFT & 0xff;
    for (unsigned i = 0; i < IPC_WORDS; i++) {
        if (((handles & ~badges) >> i & 1) != 0) {
            (void)hf_handle_close(message->words[i]);
        }
    }
}

enum err hf_notification_make(uint64_t *notification)
{
    const enum err error = hf_donate(HF_OWN_SPACE, OBJECT_NOTIFICATION);
    return error == ERR_OK ? hf_object_make(OBJECT_NOTIFICATION, 0, notification) : error;
}

enum err hf_notification_bind(uint64_t *notification)
{
    const enum err error = hf_notification_make(notification);
    return error == ERR_OK ? hf_bind(*notification) : error;
}
