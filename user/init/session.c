/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <abi/fault.h>
#include <console/proto.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/process.h>

#include "ending.h"

#define STATUS_NOT_STARTED  126
#define STATUS_CAUSE_FACTOR 256
/* Drivers run before programs. */
#define PRIORITY_DRIVER 16u
/* A driver that ends more often than that is no good. */
#define DRIVER_STARTS_MAX 5u
#define DRAIN_SECONDS     1u

static const char *const no_environment[] = {NULL};

/* The serial port, and who drives it. */
struct console {
    uint64_t endpoint; /* 0: there is no console */
    uint64_t registers;
    uint64_t interrupt;
    char compatible[MEM_COMPATIBLE_BYTES + 1];
    char offset[24];
    unsigned starts;
    struct hf_process driver;
};

/* Keep handles to the device that the machine calls its console; close those to others. */
static enum err find_device(struct console *console)
{
    struct mem_boot_device_rep device;
    enum err error = ERR_OK;
    for (uint64_t i = 0; (error = hf_boot_device(i, &device)) == ERR_OK; i++) {
        if ((device.flags & MEM_DEVICE_CONSOLE) == 0 || device.interrupt == 0) {
            (void)hf_handle_close(device.object);
            continue;
        }
        console->registers = device.object;
        memcpy(console->compatible, device.compatible, MEM_COMPATIBLE_BYTES);
        snprintf(console->offset, sizeof(console->offset), "%" PRIu64,
                 device.start % HF_PAGE_BYTES);
        return hf_interrupt_handle(HANDLE_MACHINE, device.interrupt, &console->interrupt);
    }
    return error;
}

/* Give a new process a handle of init's in a slot that both know. */
static enum err give(const struct hf_process *process, uint64_t handle, uint64_t rights,
                     uint64_t slot)
{
    return hf_handle_give(process->kernel_space, handle, rights, slot, &slot);
}

static enum err start_driver(struct console *console)
{
    const char *const argv[] = {"console", console->compatible, console->offset, NULL};
    struct hf_program program;
    struct hf_start start;
    const char *why = "";
    enum err error = hf_program_find("console", &program);
    if (error != ERR_OK) {
        return error;
    }
    program.argv = argv;
    program.envp = no_environment;
    program.priority = PRIORITY_DRIVER;
    error = hf_process_prepare(&program, &console->driver, &start, &why);
    if (error != ERR_OK) {
        return error;
    }
    error = give(&console->driver, console->endpoint, RIGHT_RECEIVE, CONSOLE_SLOT_ENDPOINT);
    if (error == ERR_OK) {
        error = give(&console->driver, console->registers, RIGHT_CALL | RIGHT_TRANSFER,
                     CONSOLE_SLOT_REGISTERS);
    }
    if (error == ERR_OK) {
        error = give(&console->driver, console->interrupt, RIGHT_CONTROL, CONSOLE_SLOT_INTERRUPT);
    }
    if (error == ERR_OK) {
        error = hf_process_go(&console->driver, &start);
    }
    if (error != ERR_OK) {
        hf_process_forget(&console->driver);
    }
    console->starts++;
    return error;
}

/* Without a console the shell has the log only; a line says why. */
static void start_console(struct console *console)
{
    enum err error = find_device(console);
    if (error == ERR_OK) {
        error = hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT);
    }
    if (error == ERR_OK) {
        error = hf_object_make(OBJECT_ENDPOINT, 0, &console->endpoint);
    }
    if (error == ERR_OK) {
        error = start_driver(console);
    }
    if (error != ERR_OK) {
        printf("init: no console: %s\n", hf_strerror(error));
        if (console->endpoint != HANDLE_NONE) {
            (void)hf_object_destroy(console->endpoint);
        }
        console->endpoint = HANDLE_NONE;
    }
}

/* The driver has ended: have another one, or none any longer. */
static void restart_driver(struct console *console)
{
    hf_process_forget(&console->driver);
    if (console->starts < DRIVER_STARTS_MAX && start_driver(console) == ERR_OK) {
        return;
    }
    printf("init: there is no console any longer\n");
    (void)hf_object_destroy(console->endpoint);
    console->endpoint = HANDLE_NONE;
}

static enum err start_shell(const struct console *console, struct hf_process *shell)
{
    static const char *const argv[] = {"shell", NULL};
    struct hf_program program;
    struct hf_start start;
    const char *why = "";
    enum err error = hf_program_find(argv[0], &program);
    if (error != ERR_OK) {
        return error;
    }
    program.argv = argv;
    program.envp = no_environment;
    program.console = console->endpoint;
    program.is_launcher = true;
    error = hf_process_prepare(&program, shell, &start, &why);
    if (error != ERR_OK) {
        printf("init: shell: %s\n", why);
        return error;
    }
    error =
        give(shell, HANDLE_MACHINE, RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DERIVE, HANDLE_MACHINE);
    if (error == ERR_OK) {
        error = hf_process_go(shell, &start);
    }
    if (error != ERR_OK) {
        hf_process_forget(shell);
    }
    return error;
}

/* Let what was written reach the device, but do not wait for ever. */
static void drain(const struct console *console)
{
    struct hf_message message = {.words = {CONSOLE_DRAIN}};
    struct timespec now;
    if (console->endpoint != HANDLE_NONE && clock_gettime(CLOCK_MONOTONIC, &now) == 0) {
        const uint64_t latest = ((uint64_t)now.tv_sec + 1 + DRAIN_SECONDS) * hf_env()->timebase_hz;
        (void)hf_call_timed(console->endpoint, latest, &message);
    }
}

uint64_t session_run(void)
{
    static struct console console;
    struct hf_process shell;
    struct mem_next_rep end;

    start_console(&console);
    enum err error = start_shell(&console, &shell);
    if (error != ERR_OK) {
        printf("init: the shell cannot be started: %s\n", hf_strerror(error));
        return STATUS_NOT_STARTED;
    }
    while ((error = hf_next(0, &end)) == ERR_OK) {
        if (end.space_id == shell.space_id) {
            drain(&console);
            if (end.cause == CAUSE_EXIT) {
                return end.detail;
            }
            ending_print("shell", &end);
            return end.cause * STATUS_CAUSE_FACTOR;
        }
        if (console.endpoint != HANDLE_NONE && end.space_id == console.driver.space_id) {
            ending_print("console", &end);
            restart_driver(&console);
        }
    }
    printf("init: how its children end cannot be learnt: %s\n", hf_strerror(error));
    return STATUS_NOT_STARTED;
}
