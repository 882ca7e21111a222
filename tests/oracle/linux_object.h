/* SPDX-License-Identifier: MIT */
/*
 * Objects of a process of Linux: memfds, which can be sealed, and files of a tmpfs, which can have
 * names. Each slot has a descriptor for each kind of access.
 */
#pragma once

#include "look.h"
#include "slot.h"

/*
 * Before privileges are dropped: have a tmpfs of our own, whose mount forbids execution, where
 * names are.
 */
void object_prepare(void);

/* What of STAGE_... this process may do with objects, once privileges are dropped. */
uint32_t object_rights(void);

/* Before a sequence: no objects, no names. */
void object_forget(void);

/* The descriptor of a step that maps; -1 if there is none. */
int object_descriptor(const struct step *step);

/* The steps. */
void linux_object(const struct slot *slot, const struct step *step, struct look_head *head);
void linux_close(const struct slot *slot, const struct step *step, struct look_head *head);
void linux_resize(const struct slot *slot, const struct step *step, struct look_head *head);
void linux_seal(const struct slot *slot, const struct step *step, struct look_head *head);
void linux_get(const struct slot *slot, const struct step *step, struct look_head *head);
void linux_put(const struct slot *slot, const struct step *step, struct look_head *head);
void linux_name(const struct slot *slot, const struct step *step, struct look_head *head);
void linux_open(const struct slot *slot, const struct step *step, struct look_head *head);
void linux_unname(const struct slot *slot, const struct step *step, struct look_head *head);
