/* SPDX-License-Identifier: MIT */
#include "syscall/syscall.h"

#include <abi/log.h>

#include "debug/console.h"
#include "debug/power.h"
#include "debug/trace.h"
#include "task/harts.h"
#include "task/sched.h"

struct misc_machine misc_machine;

struct sys_result sys_yield(void)
{
    sched_yield();
    return sys_make_error(ERR_OK);
}

struct sys_result sys_log_write(uint64_t bytes, uint64_t level)
{
    struct handle_slot *slot;
    const enum err error = sys_find(OBJECT_LOG, RIGHT_CONTROL, &slot);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (bytes > MESSAGE_LOG_BYTES_MAX || (level & ~LOG_KEPT) >= LOG_LEVELS) {
        return sys_make_error(ERR_RANGE);
    }
    return sys_make_result(
        ERR_OK, console_write(thread_current()->message, bytes, slot->badge, (uint32_t)level));
}

struct sys_result sys_log_copy(uint64_t position)
{
    struct handle_slot *slot;
    const enum err error = sys_find(OBJECT_LOG, RIGHT_CONTROL, &slot);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    const uint64_t length =
        console_copy_log(position, thread_current()->message, MESSAGE_DATA_BYTES);
    return length == UINT64_MAX ? sys_make_error(ERR_RANGE) : sys_make_result(ERR_OK, length);
}

struct sys_result sys_log_read(void)
{
    struct handle_slot *slot;
    const enum err error = sys_find(OBJECT_LOG, RIGHT_CONTROL, &slot);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    const int byte = console_read();
    if (byte < 0) {
        return sys_make_error(ERR_WOULD_BLOCK);
    }
    return sys_make_result(ERR_OK, (uint64_t)byte);
}

struct sys_result sys_power(uint64_t what, uint64_t status)
{
    struct handle_slot *slot;
    const enum err error = sys_find(OBJECT_MACHINE, RIGHT_CONTROL, &slot);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (what == POWER_OFF) {
        power_off(status);
    }
    if (what == POWER_RESTART) {
        power_restart();
    }
    return sys_make_error(ERR_INVAL);
}

/* One number of one hart; 0: it is none of a hart's. */
static uint64_t misc_of_hart(enum info which, struct hart *hart)
{
    const uint64_t numbers[INFO_HART_INSTRUCTIONS + 1] = {
        [INFO_HART_FAULTS] = hart->fault_count,
        [INFO_HART_SWITCHES] = hart->switch_count,
        [INFO_HART_WAITS] = hart->wait_count,
        [INFO_HART_IPC] = hart->token / HARTS_MAX, /* every message received takes one serial */
    };
    return which == INFO_HART_INSTRUCTIONS ? harts_instructions(hart) : numbers[which];
}

/* The same of all harts together. */
static uint64_t misc_of_all(enum info which)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < harts_count; i++) {
        sum += misc_of_hart(which, &harts[i]);
    }
    return sum;
}

/* A number of the machine, or of `hart`. */
static uint64_t misc_number(enum info which, struct hart *hart)
{
    switch (which) {
    case INFO_TIMEBASE_HZ:
        return misc_machine.timebase_hz;
    case INFO_HARTS:
        return harts_count;
    case INFO_FRAMES:
        return misc_machine.frames;
    case INFO_FRAMES_KERNEL:
        return misc_machine.frames_kernel;
    case INFO_IPC_COUNT:
        return misc_of_all(INFO_HART_IPC);
    case INFO_FAULT_COUNT:
        return misc_of_all(INFO_HART_FAULTS);
    case INFO_SWITCH_COUNT:
        return misc_of_all(INFO_HART_SWITCHES);
    case INFO_HART:
        return hart_self()->id;
    case INFO_LOG_FIRST:
        return console_log_first();
    case INFO_HART_FAULTS:
    case INFO_HART_SWITCHES:
    case INFO_HART_WAITS:
    case INFO_HART_IPC:
    case INFO_HART_INSTRUCTIONS:
        return misc_of_hart(which, hart);
    }
    UNREACHABLE();
}

struct sys_result sys_info(uint64_t which, uint64_t index)
{
    const bool is_of_hart = (which >= INFO_HART_FAULTS && which <= INFO_HART_WAITS) ||
                            which == INFO_HART_IPC || which == INFO_HART_INSTRUCTIONS;

    if (which > INFO_HART_INSTRUCTIONS || (is_of_hart && index >= harts_count)) {
        return sys_make_error(ERR_INVAL);
    }
    return sys_make_result(ERR_OK, misc_number((enum info)which, &harts[is_of_hart ? index : 0]));
}

struct sys_result sys_trace_read(uint64_t count)
{
    struct handle_slot *slot;
    const enum err error = sys_find(OBJECT_MACHINE, RIGHT_CONTROL, &slot);
    const uint64_t count_max = MESSAGE_DATA_BYTES / sizeof(struct trace_event);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    return sys_make_result(
        ERR_OK, trace_copy(thread_current()->message, count < count_max ? count : count_max));
}
