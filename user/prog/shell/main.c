/* SPDX-License-Identifier: MIT */
/*
 * The shell: reads a line, does it, and so on until the input ends.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hf/console.h>
#include <hf/env.h>
#include <hf/error.h>

#include "command.h"
#include "edit.h"
#include "jobs.h"

#define PROMPT "holdfast> "

static struct edit edit;

static void show(void *context, const char *bytes, size_t length)
{
    (void)context;
    fwrite(bytes, 1, length, stdout);
}

/* Have one key after the other edited until the line is complete. */
static enum edit_event read_keys(uint64_t console)
{
    static char keys[CONSOLE_BYTES_MAX]; /* typed ahead: kept for the next line */
    static size_t count;
    static size_t at;
    enum edit_event event = EDIT_GOES_ON;
    edit_begin(&edit);
    while (event == EDIT_GOES_ON) {
        if (at == count) {
            fflush(stdout);
            at = 0;
            enum err error = hf_console_read(console, keys, sizeof(keys), &count);
            if (error == ERR_PEER_GONE) {
                count = 0;
                return EDIT_CANCEL; /* the driver has ended: begin anew with the next */
            }
            if (error != ERR_OK || count == 0) {
                count = 0;
                return EDIT_END;
            }
        }
        event = edit_key(&edit, keys[at++]);
    }
    fflush(stdout);
    return event;
}

/* Without a console: a line of the log, unedited. */
static enum edit_event read_plain(void)
{
    printf("%s", PROMPT);
    fflush(stdout);
    if (fgets(edit.line, sizeof(edit.line), stdin) == NULL) {
        return EDIT_END;
    }
    edit.length = strcspn(edit.line, "\n");
    printf("\n");
    return EDIT_LINE;
}

/* Returns: whether there is a console that has the mode now. */
static bool set_mode(uint64_t console, enum console_mode mode)
{
    enum err error;
    do {
        error = hf_console_mode(console, mode);
    } while (error == ERR_PEER_GONE);
    return error == ERR_OK;
}

static enum edit_event read_line(uint64_t console)
{
    if (console == HANDLE_NONE) {
        return read_plain();
    }
    if (!set_mode(console, CONSOLE_KEYS)) {
        return EDIT_END;
    }
    const enum edit_event event = read_keys(console);
    return set_mode(console, CONSOLE_LINES) ? event : EDIT_END;
}

/* Do what the line says. */
static void obey(void)
{
    static struct words words;
    const char *wrong = words_split(edit.line, edit.length, &words);
    if (wrong != NULL) {
        printf("shell: the line cannot be understood: %s\n", wrong);
    } else if (words.count > 0) {
        (void)command_run(&words);
    }
    fflush(stdout);
}

int main(void)
{
    const uint64_t console = hf_env()->console;
    edit.prompt = PROMPT;
    edit.show = show;
    command_set_editor(&edit);
    enum err error = jobs_init(console);
    if (error != ERR_OK) {
        printf("shell: ^C will not be noticed: %s\n", hf_strerror(error));
    }
    printf("\nHoldfast. Type help for a list of commands.\n");
    for (;;) {
        jobs_report();
        const enum edit_event event = read_line(console);
        if (event == EDIT_END) {
            return 0;
        }
        if (event == EDIT_LINE) {
            edit_remember(&edit);
            obey();
        }
    }
}
