/* SPDX-License-Identifier: MIT */
/*
 * A program for the shell's test to start: shell_guest WHAT.
 *
 *   spin     runs until it is ended          front    the same, but says "in front" first
 *   lines    says how long each line typed is, and when the input ends
 *   greedy   reads, waits for ^C and changes the mode for ever, in many threads
 *   break    waits for ^C, and says why it no longer does
 *   wait     waits for a server that never comes, and says why it no longer does
 *   serve    serves two names, and uses the slots anew of the handles by which it registered them
 *   ask      says what the servers of these names answer
 *   status   ends with status 7              fault    writes where nothing is mapped
 *   lease    keeps two pins longer than it said, one of which it was asked to give up
 *   flood    writes 100 long lines at once
 *   mixC     writes 100 lines of the letter C, to stdout and stderr in turns
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <hf/console.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/name.h>
#include <hf/pin.h>
#include <hf/thread.h>
#include <hf/wait.h>

#define STATUS      7
#define FLOOD_LINES 100
#define FLOOD_BYTES 200
#define GREEDY      48

static int say_lines(void)
{
    char line[256];
    printf("reading\n");
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        printf("line of %zu: %s\n", strlen(line), line);
    }
    printf("end of input\n");
    return 0;
}

static void greedy_read(void *unused)
{
    const uint64_t console = hf_env()->console;
    char bytes[CONSOLE_BYTES_MAX];
    size_t count = 0;
    (void)unused;
    for (;;) {
        (void)!hf_console_read(console, bytes, sizeof(bytes), &count);
        (void)!hf_console_mode(console, CONSOLE_KEYS);
        (void)!hf_sleep_until(hf_time_now() + hf_env()->timebase_hz / 100);
    }
}

static void greedy_wait(void *unused)
{
    (void)unused;
    for (;;) {
        (void)!hf_console_interrupt(hf_env()->console);
    }
}

/* What would take everything that is typed, and keep the shell from hearing of ^C. */
static int take_all(void)
{
    static struct hf_thread threads[GREEDY];
    for (int i = 0; i < GREEDY; i++) {
        if (hf_thread_run(&threads[i], PRIORITY_DEFAULT, i % 8 == 0 ? greedy_read : greedy_wait,
                          NULL) != ERR_OK) {
            return 1;
        }
    }
    printf("greedy\n");
    fflush(stdout);
    greedy_read(NULL);
    return 1;
}

static int wait_for_break(void)
{
    printf("waiting\n");
    fflush(stdout);
    printf("^C: %s\n", hf_strerror(hf_console_interrupt(hf_env()->console)));
    return 1;
}

static int wait_for_server(void)
{
    uint64_t endpoint = 0;
    printf("waiting\n");
    fflush(stdout);
    printf("found: %s\n", hf_strerror(hf_name_find("nobody", 0, &endpoint)));
    return 1;
}

/* Register a name, and use the slot of the handle anew: for another endpoint, where nobody is. */
static enum err serve_name(const char *name, uint64_t endpoint)
{
    const uint64_t rights = RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE;
    uint64_t handle = 0;
    uint64_t reused = 0;
    enum err error = hf_handle_derive(endpoint, rights, 0, 0, &handle);
    if (error == ERR_OK) {
        error = hf_name_register(name, handle);
    }
    if (error == ERR_OK) {
        error = hf_handle_close(handle);
    }
    return error == ERR_OK ? hf_object_make(OBJECT_ENDPOINT, handle, &reused) : error;
}

/* Two names that have been given one after the other; the one in between is taken back. */
static int serve(void)
{
    uint64_t endpoint = 0;
    struct hf_request request = {.badge = 0};
    if (hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT) != ERR_OK ||
        hf_object_make(OBJECT_ENDPOINT, 0, &endpoint) != ERR_OK ||
        serve_name("first", endpoint) != ERR_OK || serve_name("between", endpoint) != ERR_OK ||
        hf_name_remove("between") != ERR_OK || serve_name("second", endpoint) != ERR_OK) {
        return 1;
    }
    for (;;) {
        const enum err error = hf_reply_wait(endpoint, &request);
        request.message.tag = 0;
        if (error != ERR_OK) {
            request.token.serial = 0;
        }
    }
}

/* Who is asked answers with the word that he got. */
static void ask_one(const char *name, uint64_t word)
{
    uint64_t endpoint = 0;
    struct hf_message message = {.words = {word}};
    const uint64_t latest = hf_time_now() + 5 * hf_env()->timebase_hz;
    enum err error = hf_name_find(name, latest, &endpoint);
    if (error == ERR_OK) {
        error = hf_call_timed(endpoint, latest, &message);
    }
    if (error == ERR_OK) {
        printf("%s: %d\n", name, (int)message.words[0]);
    } else {
        printf("%s: %s\n", name, hf_strerror(error));
    }
}

static int ask(void)
{
    uint64_t endpoint = 0;
    ask_one("first", 1);
    ask_one("second", 2);
    if (hf_name_find("between", 1, &endpoint) == ERR_OK) {
        printf("what was taken back is there again\n");
    }
    return 0;
}

/* Pin a page for as long as is said, and for longer. Returns: whether that was done. */
static bool pin_for(uint32_t ms)
{
    static char page;
    const struct hf_pin pin = {.addr = &page,
                               .pages = 1,
                               .flags = MEM_PIN_GET | MEM_PIN_WRITE,
                               .lease_ms = ms,
                               .purpose = "guest"};
    struct mem_pin_rep rep;
    return hf_pin(&pin, &rep, NULL) == ERR_OK && rep.pages == 1;
}

static int keep_pins(void)
{
    struct mem_pin_next_rep next;
    if (!pin_for(100) || hf_pin_next(&next) != ERR_OK || !pin_for(1)) {
        return 1;
    }
    (void)!hf_sleep_until(hf_time_now() + hf_env()->timebase_hz / 10);
    printf("asked after %s\n", next.age_ms >= next.lease_ms ? "its time" : "too little");
    fflush(stdout);
    for (;;) {
        (void)!hf_sleep_until(hf_time_now() + hf_env()->timebase_hz);
    }
}

static int flood(void)
{
    for (int i = 0; i < FLOOD_LINES; i++) {
        char line[FLOOD_BYTES + 1];
        memset(line, 'a' + i % 26, FLOOD_BYTES);
        line[FLOOD_BYTES] = '\0';
        printf("%s %d\n", line, i);
    }
    return 0;
}

/* In pieces of all sizes: lines of several such programs must not come between them. */
static int mix(char letter)
{
    char line[FLOOD_BYTES + 1];
    memset(line, letter, FLOOD_BYTES);
    line[FLOOD_BYTES] = '\0';
    for (int i = 0; i < FLOOD_LINES; i++) {
        const int length = 1 + i * 37 % FLOOD_BYTES;
        fprintf(i % 2 == 0 ? stdout : stderr, "%.*s%c%.*s\n", length, line, letter, length, line);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "front") == 0) {
        printf("in front\n");
    }
    if (strcmp(what, "spin") == 0 || strcmp(what, "front") == 0) {
        for (volatile int i = 0;; i++) {
        }
    }
    if (strcmp(what, "fault") == 0) {
        *(volatile int *)0x5000 = 1;
    }
    if (strcmp(what, "lines") == 0) {
        return say_lines();
    }
    if (strcmp(what, "greedy") == 0) {
        return take_all();
    }
    if (strcmp(what, "status") == 0) {
        return STATUS;
    }
    if (strcmp(what, "break") == 0) {
        return wait_for_break();
    }
    if (strcmp(what, "wait") == 0) {
        return wait_for_server();
    }
    if (strcmp(what, "serve") == 0) {
        return serve();
    }
    if (strcmp(what, "ask") == 0) {
        return ask();
    }
    if (strcmp(what, "lease") == 0) {
        return keep_pins();
    }
    if (strcmp(what, "flood") == 0) {
        return flood();
    }
    if (strncmp(what, "mix", 3) == 0) {
        return mix(what[3]);
    }
    printf("shell_guest: what?\n");
    return 2;
}
