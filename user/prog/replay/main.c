/* SPDX-License-Identifier: MIT */
/*
 * replay [--files DIR] FILE: live the recorded life of a program's address space as a client of
 * this system, with files of the folder DIR behind what is one's in the recording.
 * replay --make DIR FILE: make those files, and nothing else.
 *
 * The format of FILE is described in user/traces/README.md, the exit statuses in complain.h.
 */
#include <stdio.h>
#include <string.h>

#include "replay.h"
#include "report.h"
#include "touch.h"
#include "trace.h"

static enum outcome main_replay(const struct trace *trace, const char *folder_opt)
{
    struct replay replay;
    enum outcome outcome = replay_init(&replay, trace, folder_opt);

    if (outcome == OUTCOME_OK) {
        outcome = replay_run(&replay);
    }
    if (outcome == OUTCOME_OK) {
        report_print(&replay);
        report_print_system(&replay);
        outcome = report_check_regions(&replay);
    }
    if (outcome == OUTCOME_OK) {
        outcome = touch_check_all(&replay);
    }
    if (outcome == OUTCOME_OK) {
        (void)printf("written pages verified: %lu\n", (unsigned long)replay.patterns.verified);
    }
    if (outcome == OUTCOME_OK) {
        report_print_reclaimed();
    }
    if (outcome == OUTCOME_OK && folder_opt != NULL) {
        (void)printf("pages of files verified: %lu\n",
                     (unsigned long)replay.patterns.verified_ground);
    }
    replay_fini(&replay);
    return outcome;
}

static enum outcome main_make(const struct trace *trace, const char *folder)
{
    struct file_table files;
    enum outcome outcome = file_table_init(&files, trace, folder);

    if (outcome == OUTCOME_OK) {
        outcome = file_table_keep(&files);
    }
    file_table_fini(&files);
    return outcome;
}

int main(int argc, char **argv)
{
    bool has_option = argc == 4;
    bool is_make = has_option && strcmp(argv[1], "--make") == 0;
    const char *folder_opt = has_option ? argv[2] : NULL;
    struct trace trace;

    if ((argc != 2 && !has_option) || (has_option && !is_make && strcmp(argv[1], "--files") != 0)) {
        (void)fprintf(stderr, "usage: replay [--files DIR | --make DIR] FILE\n");
        return OUTCOME_USAGE;
    }
    enum outcome outcome = trace_load(argv[argc - 1], &trace);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    outcome = is_make ? main_make(&trace, folder_opt) : main_replay(&trace, folder_opt);
    trace_fini(&trace);
    return outcome;
}
