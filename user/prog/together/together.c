/* SPDX-License-Identifier: MIT */
/*
 * Run programs side by side: together PROGRAM [ARG]... [+ PROGRAM [ARG]...]...
 *
 * All are made before the first one starts. Says how each ended, in the order of the ends. Status:
 * 0 if all ended with 0; 1 if not; 2: used wrongly; 126: one could not be started, and none was.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/end.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/process.h>

#define PROGRAMS_MAX 16u
#define SEPARATOR    "+"
#define LINE_BYTES   256 /* of a program and its arguments */

#define STATUS_FAILED      1
#define STATUS_MISUSE      2
#define STATUS_NOT_STARTED 126

struct member {
    char **argv; /* ends with NULL, where the separator stood */
    struct hf_process process;
    struct hf_start start;
    bool has_ended;
};

static struct member members[PROGRAMS_MAX];
static size_t member_count;

/* Take the words apart. Returns: what is wrong with them, as the end of a sentence, or NULL. */
static const char *members_parse(char **words)
{
    for (;;) {
        if (*words == NULL || strcmp(*words, SEPARATOR) == 0) {
            return "a program is missing";
        }
        if (member_count == PROGRAMS_MAX) {
            return "more than 16 programs";
        }
        members[member_count++].argv = words;
        while (*words != NULL && strcmp(*words, SEPARATOR) != 0) {
            words++;
        }
        if (*words == NULL) {
            return NULL;
        }
        *words++ = NULL;
    }
}

/* Make the process of one program. Says itself what goes wrong. */
static bool member_prepare(struct member *member)
{
    static const char *const envp[] = {NULL};
    struct hf_program program;
    const char *why = "";
    enum err error = hf_program_find(member->argv[0], &program);
    if (error != ERR_OK) {
        printf("together: %s: not in the boot archive\n", member->argv[0]);
        return false;
    }
    program.argv = (const char *const *)member->argv;
    program.envp = envp;
    error = hf_process_prepare(&program, &member->process, &member->start, &why);
    if (error != ERR_OK) {
        printf("together: %s: cannot be started: %s (%s)\n", member->argv[0], why,
               hf_strerror(error));
    }
    return error == ERR_OK;
}

/* Make all processes, then start them. Returns: whether all run; if not, none is left. */
static bool members_start(void)
{
    size_t made = 0;
    while (made < member_count && member_prepare(&members[made])) {
        made++;
    }
    bool is_running = made == member_count;
    for (size_t i = 0; i < made && is_running; i++) {
        const enum err error = hf_process_go(&members[i].process, &members[i].start);
        if (error != ERR_OK) {
            printf("together: %s: cannot be started: %s\n", members[i].argv[0], hf_strerror(error));
            is_running = false;
        }
    }
    for (size_t i = 0; i < made && !is_running; i++) {
        hf_process_forget(&members[i].process);
    }
    return is_running;
}

static struct member *member_find(uint64_t space_id)
{
    for (size_t i = 0; i < member_count; i++) {
        if (members[i].process.space_id == space_id && !members[i].has_ended) {
            return &members[i];
        }
    }
    return NULL;
}

/* How a program ended, with its words as they were given. */
static void end_print(const struct member *member, const struct mem_next_rep *end)
{
    char how[HF_END_BYTES];
    char line[LINE_BYTES] = "";
    size_t length = 0;
    for (char **word = member->argv; *word != NULL && length < sizeof(line); word++) {
        const char *gap = word == member->argv ? "" : " ";
        length += (size_t)snprintf(line + length, sizeof(line) - length, "%s%s", gap, *word);
    }
    if (length >= sizeof(line)) {
        memcpy(line + sizeof(line) - sizeof("..."), "...", sizeof("..."));
    }
    if (end->cause == CAUSE_EXIT) {
        printf("together: %s: status %" PRIu64 "\n", line, end->detail);
    } else {
        printf("together: %s: %s\n", line, hf_end_text(end, how));
    }
}

/* Wait for all ends. Returns: whether all ended with status 0. */
static bool members_wait(void)
{
    bool is_good = true;
    size_t left = member_count;
    while (left > 0) {
        struct mem_next_rep end;
        const enum err error = hf_next(0, &end);
        if (error != ERR_OK) {
            printf("together: the ends cannot be learnt: %s\n", hf_strerror(error));
            return false;
        }
        struct member *member = member_find(end.space_id);
        if (member == NULL) {
            continue;
        }
        end_print(member, &end);
        is_good = is_good && end.cause == CAUSE_EXIT && end.detail == 0;
        member->has_ended = true;
        hf_process_forget(&member->process);
        left--;
    }
    return is_good;
}

int main(int argc, char **argv)
{
    const char *wrong = members_parse(argv + (argc > 0));
    if (wrong != NULL) {
        printf("together: %s (usage: together PROGRAM [ARG]... [+ PROGRAM [ARG]...]...)\n", wrong);
        return STATUS_MISUSE;
    }
    if (!members_start()) {
        return STATUS_NOT_STARTED;
    }
    return members_wait() ? 0 : STATUS_FAILED;
}
