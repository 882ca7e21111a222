/* SPDX-License-Identifier: MIT */
/*
 * What servers and drivers do alike: close handles that nobody asked for, and be notified.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <hf/call.h>

/* Close the handles that came in a message as it was received. Badges are none. */
void hf_message_drop(const struct hf_message *message);

/*
 * Make a notification, and the room for it.
 *
 * Returns: ERR_OK; ERR_NOMEM and ERR_NO_SLOT as DONATE and OBJECT_MAKE say them.
 */
MUST_USE enum err hf_notification_make(uint64_t *notification);

/* The same, bound to the calling thread: what it receives from, it is notified at too. */
MUST_USE enum err hf_notification_bind(uint64_t *notification);
