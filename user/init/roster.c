/* SPDX-License-Identifier: MIT */
#include "roster.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <abi/fault.h>
#include <files/proto.h>
#include <hf/end.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/pager.h>
#include <hf/shared.h>

#include "probe.h"
#include "say.h"

/* The endpoint at which the console is served, the process that does, and its device. */
#define CONSOLE "console"
#define FILES   "files"

#define SETTLE_TURNS_A_SECOND 20u
#define SETTLE_TURNS          100u

/* Devices that master no memory; any other needs the manifest's word for it. */
static const char *const harmless_devices[] = {
    "ns16550a", "sifive,uart0", "sifive,fu540-c000-uart", "sifive,fu740-c000-uart", "card",
};

static bool complain(const struct roster_member *member, const char *step, enum err error)
{
    printf("init: %s: cannot be started: %s (%s)\n", member->name, step, hf_strerror(error));
    return false;
}

uint64_t roster_endpoint(const struct roster *roster, const char *name)
{
    for (uint32_t i = 0; i < roster->manifest->count; i++) {
        const struct manifest_process *says = &roster->manifest->processes[i];
        for (uint32_t k = 0; k < says->receives_count; k++) {
            if (strcmp(says->receives[k].name, name) == 0) {
                return roster->members[i].receives[k];
            }
        }
    }
    return HANDLE_NONE;
}

static bool device_is(const struct mem_boot_device_rep *device, const char *name)
{
    if (strcmp(name, CONSOLE) == 0) {
        return (device->flags & MEM_DEVICE_CONSOLE) != 0;
    }
    if (strcmp(name, "card") == 0) {
        return (device->flags & MEM_DEVICE_CARD) != 0;
    }
    return strncmp(device->compatible, name, sizeof(device->compatible)) == 0;
}

/* Whether it is what the manifest means. */
static bool device_is_meant(const struct mem_boot_device_rep *device,
                            const struct manifest_device *means)
{
    uint32_t kind = 0;
    if (!device_is(device, means->name) || device->interrupt == 0) {
        return false;
    }
    return means->virtio == 0 ||
           (probe_virtio(device->object, device->start % HF_PAGE_BYTES, &kind) == ERR_OK &&
            kind == means->virtio);
}

static bool device_is_harmless(const struct mem_boot_device_rep *device)
{
    bool is_harmless = false;
    for (size_t i = 0; i < sizeof(harmless_devices) / sizeof(harmless_devices[0]); i++) {
        is_harmless = is_harmless || device_is(device, harmless_devices[i]);
    }
    return is_harmless;
}

/* The device's handles become the process's. */
static bool take_device(const struct manifest_process *says,
                        const struct mem_boot_device_rep *device, struct roster_member *member)
{
    if (!device_is_harmless(device) && (says->may & MANIFEST_MAY_DMA) == 0) {
        (void)hf_handle_close(device->object);
        return complain(member, "the manifest does not let its device master memory", ERR_PERM);
    }
    const enum err error =
        hf_interrupt_handle(HANDLE_MACHINE, device->interrupt, &member->interrupt);
    if (error != ERR_OK) {
        (void)hf_handle_close(device->object);
        return complain(member, "its interrupt", error);
    }
    member->registers = device->object;
    memcpy(member->compatible, device->compatible, MEM_COMPATIBLE_BYTES);
    snprintf(member->offset, sizeof(member->offset), "%" PRIu64, device->start % HF_PAGE_BYTES);
    return true;
}

/* Find a device that the manifest names and keep handles to it; close those to others. */
static bool find_device(const struct manifest_process *says, struct roster_member *member)
{
    struct mem_boot_device_rep device;
    enum err error = ERR_NOENT;
    for (uint32_t choice = 0; choice < says->devices_count && error == ERR_NOENT; choice++) {
        for (uint64_t i = 0; (error = hf_boot_device(i, &device)) == ERR_OK; i++) {
            if (device_is_meant(&device, &says->devices[choice])) {
                return take_device(says, &device, member);
            }
            (void)hf_handle_close(device.object);
        }
    }
    return says->is_optional && error == ERR_NOENT ? false : complain(member, "its device", error);
}

static enum err make_endpoint(uint64_t *endpoint)
{
    enum err error = hf_object_make(OBJECT_ENDPOINT, 0, endpoint);
    if (error == ERR_NO_OBJECT) {
        error = hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT);
        if (error == ERR_OK) {
            error = hf_object_make(OBJECT_ENDPOINT, 0, endpoint);
        }
    }
    return error;
}

/* Have what outlives the process: its device, its endpoints and its pager. */
static bool equip(const struct manifest_process *says, struct roster_member *member)
{
    if (says->devices_count > 0 && member->registers == HANDLE_NONE && !find_device(says, member)) {
        return false;
    }
    for (uint32_t i = 0; i < says->receives_count; i++) {
        if (member->receives[i] == HANDLE_NONE) {
            enum err error = make_endpoint(&member->receives[i]);
            if (error != ERR_OK) {
                return complain(member, "its endpoint", error);
            }
        }
    }
    if (says->pager != 0 && member->pager == HANDLE_NONE) {
        const enum err error =
            hf_pager_make_maker(MEM_PAGER_UNSERVED, says->reserve, &member->pager);
        if (error != ERR_OK) {
            return complain(member, "its pager", error);
        }
    }
    return true;
}

/* Give a new process a handle of init's in a slot that both know. */
static enum err give(const struct roster_member *member, uint64_t handle, uint64_t rights,
                     uint64_t slot)
{
    return hf_handle_give(member->process.kernel_space, handle, rights, slot, &slot);
}

/* A handle to call the endpoint as this process; 0 in `*handle` if the endpoint is not there. */
static enum err derive_call(const struct roster *roster, uint32_t index, const char *name,
                            uint64_t *handle)
{
    const uint64_t endpoint = roster_endpoint(roster, name);
    *handle = HANDLE_NONE;
    if (endpoint == HANDLE_NONE) {
        return ERR_OK;
    }
    const bool is_mounter = strcmp(name, FILES) == 0 &&
                            (roster->manifest->processes[index].may & MANIFEST_MAY_MOUNT) != 0;
    return hf_handle_derive(endpoint, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE,
                            ((uint64_t)index + 1) | (is_mounter ? FILES_BADGE_MOUNTS : 0), 0,
                            handle);
}

/* Give what stands in slots: the machine, the device, the endpoints. */
static enum err give_all(const struct roster *roster, uint32_t index)
{
    const struct manifest_process *says = &roster->manifest->processes[index];
    const struct roster_member *member = &roster->members[index];
    enum err error = ERR_OK;
    if (says->has_machine) {
        error = give(member, HANDLE_MACHINE, RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DERIVE,
                     HANDLE_MACHINE);
    }
    if (error == ERR_OK && says->devices_count > 0) {
        error =
            give(member, member->registers, RIGHT_CALL | RIGHT_TRANSFER, says->device_registers);
        if (error == ERR_OK) {
            error = give(member, member->interrupt, RIGHT_CONTROL, says->device_interrupt);
        }
    }
    if (error == ERR_OK && says->pager != 0) {
        error = give(member, member->pager, RIGHT_CALL | RIGHT_TRANSFER, says->pager);
    }
    for (uint32_t i = 0; i < says->receives_count && error == ERR_OK; i++) {
        /* With what it takes to give others handles to call by, with badges of its own. */
        error = give(member, member->receives[i],
                     RIGHT_RECEIVE | RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE,
                     says->receives[i].slot);
    }
    for (uint32_t i = 0; i < says->calls_count && error == ERR_OK; i++) {
        uint64_t handle = HANDLE_NONE;
        if (says->calls[i].slot == 0) {
            continue; /* promised: given with the program */
        }
        error = derive_call(roster, index, says->calls[i].name, &handle);
        if (error == ERR_OK && handle != HANDLE_NONE) {
            error = give(member, handle, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE,
                         says->calls[i].slot);
            (void)hf_handle_close(handle);
        }
    }
    return error;
}

/* Handles for the slots that are promised, of the endpoints that this process may call. */
static enum err derive_promised(const struct roster *roster, uint32_t index,
                                struct hf_program *program)
{
    const struct manifest_process *says = &roster->manifest->processes[index];
    enum err error = ERR_OK;
    for (uint32_t i = 0; i < says->calls_count && error == ERR_OK; i++) {
        const char *name = says->calls[i].name;
        if (says->calls[i].slot == 0) {
            error = derive_call(roster, index, name,
                                strcmp(name, CONSOLE) == 0 ? &program->console
                                : strcmp(name, FILES) == 0 ? &program->files
                                                           : &program->names);
        }
    }
    return error;
}

/* Returns: STALE: somebody has ended the process before it ran. */
static enum err launch(struct roster *roster, uint32_t index, struct hf_program *program)
{
    struct roster_member *member = &roster->members[index];
    struct hf_start start;
    const char *why = "its endpoints";
    enum err error = derive_promised(roster, index, program);
    if (error == ERR_OK) {
        error = hf_process_prepare(program, &member->process, &start, &why);
    }
    if (error == ERR_OK) {
        why = "its handles could not be given";
        error = give_all(roster, index);
        if (error == ERR_OK) {
            why = "its thread could not be started";
            error = hf_process_go(&member->process, &start);
        }
        if (error != ERR_OK) {
            hf_process_forget(&member->process);
        }
    }
    if (program->console != HANDLE_NONE) {
        (void)hf_handle_close(program->console);
    }
    if (program->names != HANDLE_NONE) {
        (void)hf_handle_close(program->names);
    }
    if (program->files != HANDLE_NONE) {
        (void)hf_handle_close(program->files);
    }
    if (error != ERR_OK && error != ERR_STALE) {
        (void)complain(member, why, error);
    }
    return error;
}

/*
 * End the endpoints at which nobody will receive, and let go of the pager, so that those who wait
 * there, or for a page, are told.
 */
static void retire(const struct manifest_process *says, struct roster_member *member,
                   bool is_silent)
{
    for (uint32_t i = 0; i < says->receives_count; i++) {
        if (member->receives[i] != HANDLE_NONE) {
            if (!is_silent) {
                printf("init: there is no %s\n", says->receives[i].name);
            }
            (void)hf_object_destroy(member->receives[i]);
            (void)hf_handle_close(member->receives[i]);
            member->receives[i] = HANDLE_NONE;
        }
    }
    if (member->pager != HANDLE_NONE) {
        (void)hf_shared_close(member->pager);
        member->pager = HANDLE_NONE;
    }
}

/* MEM_PRIVILEGE_... of what the manifest says that the process may. */
static uint64_t privileges_of(const struct manifest_process *says)
{
    static const struct {
        uint32_t may;
        uint32_t privilege;
    } all[] = {
        {MANIFEST_MAY_LOCK, MEM_PRIVILEGE_LOCK},         {MANIFEST_MAY_LOW, MEM_PRIVILEGE_LOW},
        {MANIFEST_MAY_LOOK, MEM_PRIVILEGE_LOOK},         {MANIFEST_MAY_DMA, MEM_PRIVILEGE_DMA},
        {MANIFEST_MAY_PHYSICAL, MEM_PRIVILEGE_PHYSICAL}, {MANIFEST_MAY_KILL, MEM_PRIVILEGE_KILL},
        {MANIFEST_MAY_SWAP, MEM_PRIVILEGE_SWAP},
    };
    uint64_t privileges = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        privileges |= (says->may & all[i].may) != 0 ? all[i].privilege : 0;
    }
    return privileges;
}

/* Start it once, or say why not, unless it is STALE as in launch(). */
static enum err start_once(struct roster *roster, uint32_t index, const char *const *argv_opt)
{
    static const char *const envp[] = {NULL};
    const struct manifest_process *says = &roster->manifest->processes[index];
    struct roster_member *member = &roster->members[index];
    const char *const argv[] = {says->name, says->devices_count > 0 ? member->compatible : NULL,
                                member->offset, NULL};
    struct hf_program program;
    const enum err error = hf_program_find(member->name, &program);
    if (error != ERR_OK) {
        (void)complain(member, "the boot archive has no such program", error);
        return error;
    }
    program.argv = argv_opt != NULL ? argv_opt : argv;
    program.envp = envp;
    program.priority = says->priority;
    program.frames_max = says->budget;
    program.privileges = privileges_of(says);
    program.is_launcher = says->is_system_log;
    return equip(says, member) ? launch(roster, index, &program) : ERR_NODEV;
}

bool roster_start(struct roster *roster, uint32_t index, const char *const *argv_opt)
{
    const struct manifest_process *says = &roster->manifest->processes[index];
    struct roster_member *member = &roster->members[index];
    enum err error;
    member->name = argv_opt != NULL ? argv_opt[0] : says->name;
    /* One that is ended before it runs is as one that has ended. */
    do {
        member->starts++;
        error = start_once(roster, index, argv_opt);
        if (error == ERR_STALE) {
            printf("init: %s: ended by another process before it ran\n", member->name);
        }
    } while (error == ERR_STALE && member->starts <= says->restarts);
    member->is_running = error == ERR_OK;
    if (member->is_running) {
        roster->changes++;
    } else {
        retire(says, member, false);
    }
    return member->is_running;
}

bool roster_start_all(struct roster *roster, bool has_program)
{
    bool has_final = true;
    for (uint32_t i = 0; i < roster->manifest->count; i++) {
        const struct manifest_process *says = &roster->manifest->processes[i];
        if (manifest_is_for(says, has_program) && strcmp(says->name, MANIFEST_ANY) != 0 &&
            !roster_start(roster, i, NULL)) {
            has_final = has_final && !says->is_final;
        }
    }
    return has_final;
}

const char *roster_take_end(struct roster *roster, const struct mem_next_rep *end)
{
    for (uint32_t i = 0; i < roster->manifest->count; i++) {
        const struct manifest_process *says = &roster->manifest->processes[i];
        struct roster_member *member = &roster->members[i];
        char text[HF_END_BYTES];
        if (!member->is_running || member->process.space_id != end->space_id) {
            continue;
        }
        hf_process_forget(&member->process);
        member->is_running = false;
        roster->changes++;
        if (says->is_final) {
            return member->name;
        }
        if (says->is_optional && end->cause == CAUSE_EXIT && end->detail == 0) {
            retire(says, member, true); /* it has found nothing to do */
            return NULL;
        }
        /* The driver of the console cannot say that it has ended. */
        const bool is_console = strcmp(says->name, CONSOLE) == 0;
        say(is_console ? HANDLE_NONE : roster_endpoint(roster, CONSOLE), "init: %s: %s\n",
            member->name, hf_end_text(end, text));
        if (member->starts > says->restarts) {
            retire(says, member, false);
        } else {
            (void)!roster_start(roster, i, NULL);
        }
        return NULL;
    }
    return NULL;
}

void roster_take_ends(struct roster *roster)
{
    struct mem_next_rep end;
    while (hf_next(1, &end) == ERR_OK) {
        (void)!roster_take_end(roster, &end);
    }
}

/* Whether somebody has answered at the endpoint, or nobody will any longer. */
static bool has_settled(struct roster *roster, const uint64_t *endpoint, uint64_t latest)
{
    struct hf_message message = {.tag = 0};
    if (*endpoint == HANDLE_NONE || hf_call_timed(*endpoint, latest, &message) != ERR_TIMEDOUT) {
        return true;
    }
    roster_take_ends(roster);
    return false;
}

bool roster_settle(struct roster *roster)
{
    bool is_settled = true;
    for (uint32_t i = 0; i < roster->manifest->count; i++) {
        for (uint32_t k = 0; k < roster->manifest->processes[i].receives_count; k++) {
            for (uint32_t turn = 0; turn < SETTLE_TURNS; turn++) {
                if (has_settled(roster, &roster->members[i].receives[k],
                                hf_time_now() + hf_env()->timebase_hz / SETTLE_TURNS_A_SECOND)) {
                    break;
                }
            }
        }
    }
    for (uint32_t i = 0; i < roster->manifest->count; i++) {
        is_settled = is_settled && (!roster->members[i].is_running ||
                                    roster->manifest->processes[i].receives_count > 0);
    }
    return is_settled;
}
