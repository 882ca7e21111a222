/* SPDX-License-Identifier: MIT */
#include <hf/manifest.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tap.h>

static struct manifest manifest;
static struct manifest_error error;

/* What a manifest needs to be accepted at all. */
#define SHELL "process shell\nboot shell\nfinal\n"

/* From memory of exactly this size, so that the sanitizer sees a read beyond it. */
static bool parse_bytes(const char *text, size_t bytes)
{
    char *copy = malloc(bytes + (bytes == 0));
    memcpy(copy, text, bytes);
    const bool is_accepted = manifest_parse(copy, bytes, &manifest, &error);
    free(copy);
    return is_accepted;
}

static bool parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void expect_refusal(const char *text, unsigned line, const char *word, const char *reason)
{
    if (!EXPECT(!parse(text))) {
        tap_note("accepted: %s", text);
        return;
    }
    EXPECT_U64(error.line, line);
    EXPECT_STR(error.word, word);
    EXPECT_STR(error.reason, reason);
}

TAP_TEST(every_statement_is_read)
{
    REQUIRE(EXPECT(parse("process disk # a comment\n"
                         "  boot shell\n"
                         "\tpriority 17\n"
                         "budget 4294967295\n"
                         "device virtio,mmio 70 71\n"
                         "receive disk 72\n"
                         "receive names 127\n"
                         "pager 73\n"
                         "may dma lock\n"
                         "may low look physical kill\n"
                         "find a*\n"
                         "find b\n"
                         "serve c\n"
                         "restarts 100\n"
                         "\n"
                         "process shell\n"
                         "boot shell\n"
                         "call disk 64\n"
                         "call names\n"
                         "log system\n"
                         "machine\n"
                         "final\n"
                         "process *")));
    REQUIRE(EXPECT_U64(manifest.count, 3));
    const struct manifest_process *disk = &manifest.processes[0];
    EXPECT_STR(disk->name, "disk");
    EXPECT(disk->boot == MANIFEST_SHELL && !disk->is_final && !disk->has_machine);
    EXPECT_U64(disk->priority, 17);
    EXPECT_U64(disk->budget, 4294967295);
    EXPECT_U64(disk->devices_count, 1);
    EXPECT_STR(disk->devices[0].name, "virtio,mmio");
    EXPECT_U64(disk->device_registers, 70);
    EXPECT_U64(disk->device_interrupt, 71);
    REQUIRE(EXPECT_U64(disk->receives_count, 2));
    EXPECT_STR(disk->receives[1].name, "names");
    EXPECT_U64(disk->receives[1].slot, 127);
    EXPECT_U64(disk->pager, 73);
    EXPECT_U64(disk->may, MANIFEST_MAY_DMA | MANIFEST_MAY_LOCK | MANIFEST_MAY_LOW |
                              MANIFEST_MAY_LOOK | MANIFEST_MAY_PHYSICAL | MANIFEST_MAY_KILL);
    EXPECT_U64(disk->finds.count, 2);
    EXPECT_U64(disk->serves.count, 1);
    EXPECT_U64(disk->restarts, 100);
    const struct manifest_process *shell = &manifest.processes[1];
    EXPECT_U64(shell->priority, 8);
    EXPECT_U64(shell->budget, 0);
    REQUIRE(EXPECT_U64(shell->calls_count, 2));
    EXPECT_U64(shell->calls[0].slot, 64);
    EXPECT_U64(shell->calls[1].slot, 0);
    EXPECT(shell->has_machine && shell->is_system_log && shell->is_final);
    EXPECT(manifest.processes[2].is_final && manifest.processes[2].boot == MANIFEST_PROGRAM);
}

TAP_TEST(memory_is_promised_as_the_manifest_says)
{
    REQUIRE(EXPECT(parse(SHELL)));
    EXPECT(manifest.overcommit == MANIFEST_NEVER);
    EXPECT_U64(manifest.percent, 100);
    REQUIRE(EXPECT(parse("overcommit heuristic\n" SHELL)));
    EXPECT(manifest.overcommit == MANIFEST_HEURISTIC);
    REQUIRE(EXPECT(parse("overcommit always 7\n" SHELL)));
    EXPECT(manifest.overcommit == MANIFEST_OVERCOMMIT_ALWAYS);
    REQUIRE(EXPECT(parse("overcommit never 1000\n" SHELL)));
    EXPECT_U64(manifest.percent, 1000);
    EXPECT(!parse("overcommit never 0\n" SHELL));
    EXPECT(!parse("overcommit never 1001\n" SHELL));
    EXPECT(!parse("overcommit sometimes\n" SHELL));
    EXPECT(!parse("overcommit\n" SHELL));
    EXPECT(!parse(SHELL "overcommit never\n"));
}

TAP_TEST(huge_pages_are_set_aside_as_the_manifest_says)
{
    REQUIRE(EXPECT(parse(SHELL)));
    EXPECT(manifest.hugepages_2m == 0 && manifest.hugepages_1g == 0);
    REQUIRE(EXPECT(parse("hugepages 1G 2\novercommit never\nhugepages 2M 65536\n" SHELL)));
    EXPECT_U64(manifest.hugepages_2m, 65536);
    EXPECT_U64(manifest.hugepages_1g, 2);
    EXPECT(!parse("hugepages 2M 0\n" SHELL));
    EXPECT(!parse("hugepages 2M 65537\n" SHELL));
    EXPECT(!parse("hugepages 2M\n" SHELL));
    EXPECT(!parse("hugepages 4K 1\n" SHELL));
    EXPECT(!parse("hugepages 2M 1\nhugepages 2M 1\n" SHELL));
    EXPECT(!parse(SHELL "hugepages 2M 1\n"));
}

TAP_TEST(a_process_has_no_more_than_what_stands_there)
{
    REQUIRE(EXPECT(parse(SHELL)));
    const struct manifest_process *shell = &manifest.processes[0];
    EXPECT(!shell->has_machine && !shell->is_system_log && shell->may == 0);
    EXPECT_U64(shell->receives_count + shell->calls_count, 0);
    EXPECT_U64(shell->finds.count + shell->serves.count, 0);
    EXPECT_U64(shell->devices_count, 0);
    EXPECT_U64(shell->pager, 0);
    EXPECT_U64(shell->restarts, 0);
}

TAP_TEST(a_wrong_line_is_named_with_its_word_and_a_reason)
{
    expect_refusal("\n\nprozess x\n", 3, "prozess", "is no statement");
    expect_refusal("priority 3\n", 1, "priority", "stands before the first process");
    expect_refusal("process a b\n", 1, "process", "has too few or too many words behind it");
    expect_refusal("process\n", 1, "process", "has too few or too many words behind it");
    expect_refusal("a b c d e f g h i\n", 1, "", "has too many words");
    expect_refusal("process a\nfinal \r\n", 2, "", "has a character that is no plain text");
    expect_refusal("process a\nfinal \x01\n", 2, "", "has a character that is no plain text");
    expect_refusal("process \xc3\xa4\n", 1, "", "has a character that is no plain text");
    expect_refusal("process 01234567890123456789012345678901\n", 1,
                   "0123456789012345678901234567890", "is longer than 31 characters");
}

TAP_TEST(numbers_out_of_range_are_refused)
{
    static const char *const priorities[] = {
        "0", "24", "x", "-1", "0x8", "1e1", "18446744073709551616", "184467440737095516160"};
    for (size_t i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++) {
        char text[80];
        snprintf(text, sizeof(text), "process a\npriority %s\n", priorities[i]);
        expect_refusal(text, 2, priorities[i], "is no priority from 1 to 23");
    }
    expect_refusal("process a\nbudget 0\n", 2, "0", "is no number of frames from 1 on");
    expect_refusal("process a\nrestarts 101\n", 2, "101", "is no number from 1 to 100");
    expect_refusal("process a\nreceive x 63\n", 2, "63", "is no slot from 64 to 127");
    expect_refusal("process a\nreceive x 128\n", 2, "128", "is no slot from 64 to 127");
}

TAP_TEST(nothing_is_given_twice)
{
    expect_refusal("process a\nprocess a\n", 2, "a", "stands there twice");
    expect_refusal("process a\nreceive x 64\nreceive y 64\n", 3, "64", "is a slot taken twice");
    expect_refusal("process a\ndevice d 64 64\n", 2, "64", "is a slot taken twice");
    expect_refusal("process a\ndevice d 64 65\nreceive x 65\n", 3, "65", "is a slot taken twice");
    expect_refusal("process a\ndevice d 64 65\ndevice e 66 67\n", 3, "e",
                   "is the second device of the process");
    expect_refusal("process a\nreceive x 64\nprocess b\nreceive x 64\n", 4, "x",
                   "has a process that receives there already");
    expect_refusal("process a\nreceive x 64\nprocess b\ncall x 65\ncall x 66\n", 5, "x",
                   "stands there twice");
}

TAP_TEST(frames_of_its_own_are_for_a_pager_that_may_swap)
{
    REQUIRE(EXPECT(parse("process a\npager 64 32\nmay lock swap\n"
                         "process s\nboot shell\nfinal\n")));
    EXPECT_U64(manifest.processes[0].reserve, 32);
    EXPECT_U64(manifest.processes[1].reserve, 0);
    expect_refusal("process a\npager 64 0\nmay swap\n", 2, "0",
                   "is no number of frames from 1 to 4096");
    expect_refusal("process a\npager 64 4097\nmay swap\n", 2, "4097",
                   "is no number of frames from 1 to 4096");
    expect_refusal("process a\npager 64 32\nmay lock\nprocess s\nboot shell\nfinal\n", 6, "",
                   "a process with frames of its own needs 'may swap'");
}

TAP_TEST(a_pager_has_a_slot_of_its_own)
{
    expect_refusal("process a\npager 63\n", 2, "63", "is no slot from 64 to 127");
    expect_refusal("process a\npager 64\nreceive x 64\n", 3, "64", "is a slot taken twice");
    expect_refusal("process a\nreceive x 64\npager 64\n", 3, "64", "is a slot taken twice");
    expect_refusal("process a\npager 64\npager 65\n", 3, "pager", "stands twice at a process");
}

TAP_TEST(an_endpoint_has_a_receiver_before_it_has_callers)
{
    static const char *const nobody = "is an endpoint at which no process before this one receives";
    expect_refusal("process a\ncall x 64\n", 2, "x", nobody);
    expect_refusal("process a\ncall x 64\nprocess b\nreceive x 64\n", 2, "x", nobody);
    expect_refusal("process a\nboot shell\nreceive x 64\nprocess b\ncall x 64\n", 5, "x",
                   "is an endpoint of a process that is not there in every boot");
    expect_refusal("process a\nboot shell\nreceive console 64\nprocess *\ncall console\n", 5,
                   "console", "is an endpoint of a process that is not there in every boot");
    expect_refusal("process a\nreceive names 64\nprocess b\ncall names 64\n", 4, "names",
                   "needs a slot, or has one promised to it");
    expect_refusal("process a\nreceive x 64\nprocess b\ncall x\n", 4, "x",
                   "needs a slot, or has one promised to it");
}

TAP_TEST(a_slot_of_virtio_is_named_by_the_kind_of_its_device)
{
    REQUIRE(EXPECT(parse(SHELL "process d\noptional\ndevice virtio,mmio:2 64 65\n")));
    REQUIRE(EXPECT_U64(manifest.processes[1].devices_count, 1));
    EXPECT_STR(manifest.processes[1].devices[0].name, "virtio,mmio");
    EXPECT_U64(manifest.processes[1].devices[0].virtio, 2);
    EXPECT(manifest.processes[1].is_optional);
    EXPECT(!manifest.processes[0].is_optional);
    EXPECT_U64(manifest.processes[0].devices_count, 0);
    static const char *const wrong[] = {"v:", "v:0", "v:x", "v:-1", "v:4294967296", "v:2:2"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[80];
        snprintf(text, sizeof(text), "process a\ndevice %s 64 65\n", wrong[i]);
        expect_refusal(text, 2, wrong[i], "names no kind of device behind the colon");
    }
    expect_refusal(SHELL "process a\noptional\n", 5, "",
                   "a process that is optional needs a device");
}

TAP_TEST(a_process_takes_the_first_device_that_is_there_of_up_to_four)
{
    REQUIRE(EXPECT(parse(SHELL "process d\ndevice virtio,mmio:2 64 65\nor card\nor v:3\n")));
    const struct manifest_process *process = &manifest.processes[1];
    REQUIRE(EXPECT_U64(process->devices_count, 3));
    EXPECT_STR(process->devices[1].name, "card");
    EXPECT_U64(process->devices[1].virtio, 0);
    EXPECT_STR(process->devices[2].name, "v");
    EXPECT_U64(process->devices[2].virtio, 3);
    EXPECT_U64(process->device_registers, 64);
    EXPECT_U64(process->device_interrupt, 65);
    expect_refusal("process a\nor x\n", 2, "or", "does not stand behind a device");
    expect_refusal("process a\ndevice a 64 65\nor b\nor c\nor d\nor e\n", 6, "or",
                   "stands more than 3 times at a process");
    expect_refusal("process a\ndevice a 64 65\nor b:0\n", 3, "b:0",
                   "names no kind of device behind the colon");
}

TAP_TEST(when_a_process_starts_is_said_first)
{
    static const char *const late = "does not stand directly behind its process";
    expect_refusal("process a\nmachine\nboot shell\n", 3, "boot", late);
    expect_refusal("process a\nboot shell\nboot program\n", 3, "boot", late);
    expect_refusal("process a\nboot always\n", 2, "always", "is no boot: shell or program");
    expect_refusal("process *\nboot shell\n", 2, "boot", "does not go with 'process *'");
    expect_refusal("process *\nprocess a\n", 2, "a",
                   "stands behind 'process *', which is the last");
}

TAP_TEST(the_end_of_one_process_is_that_of_the_machine)
{
    static const char *const one = "one process of 'boot shell' is to be final";
    expect_refusal("", 0, "", one);
    expect_refusal("process *\n", 1, "", one);
    expect_refusal(SHELL "process b\nboot shell\nfinal\n", 6, "", one);
    expect_refusal("process a\nfinal\n", 2, "", "a process that is final needs 'boot shell'");
    expect_refusal("process a\nboot shell\nfinal\nrestarts 1\n", 4, "",
                   "a process that is final has no restarts");
}

TAP_TEST(privileges_and_grants_are_checked)
{
    expect_refusal("process a\nmay lock fly\n", 2, "fly",
                   "is no privilege: lock, low, look, dma, physical, kill, swap or mount");
    expect_refusal("process a\nlog own\n", 2, "own", "is no log: system");
    expect_refusal("process a\nfind *x\n", 2, "*x", "has a star that is not at its end");
    expect_refusal("process a\nserve a**\n", 2, "a**", "has a star that is not at its end");
}

TAP_TEST(too_many_of_anything_are_refused)
{
    char text[4096] = "process a\n";
    for (int i = 0; i < 9; i++) {
        strcat(text, "find x\n");
    }
    expect_refusal(text, 10, "find", "stands more than 8 times at a process");
    text[0] = '\0';
    for (int i = 0; i < 17; i++) {
        sprintf(text + strlen(text), "process p%d\n", i);
    }
    expect_refusal(text, 17, "", "there are more than 16 processes");
    strcpy(text, "process a\n");
    for (int i = 0; i < 9; i++) {
        sprintf(text + strlen(text), "receive r%d %d\n", i, 64 + i);
    }
    expect_refusal(text, 10, "receive", "stands more than 8 times at a process");
}

TAP_TEST(a_star_stands_for_anything_that_follows)
{
    REQUIRE(EXPECT(parse(SHELL "find disk.*\nfind clock\nserve *\n")));
    const struct manifest_process *shell = &manifest.processes[0];
    EXPECT(manifest_grants(&shell->finds, "disk."));
    EXPECT(manifest_grants(&shell->finds, "disk.1"));
    EXPECT(!manifest_grants(&shell->finds, "disk"));
    EXPECT(manifest_grants(&shell->finds, "clock"));
    EXPECT(!manifest_grants(&shell->finds, "clocks"));
    EXPECT(!manifest_grants(&shell->finds, ""));
    EXPECT(manifest_grants(&shell->serves, "anything"));
}

TAP_TEST(the_manifest_of_the_tree_is_accepted)
{
    static char text[65536];
    FILE *file = fopen(MANIFEST_PATH, "rb");
    REQUIRE(EXPECT(file != NULL));
    const size_t bytes = fread(text, 1, sizeof(text), file);
    fclose(file);
    if (!EXPECT(parse_bytes(text, bytes))) {
        tap_note("line %u: %s %s", error.line, error.word, error.reason);
    }
    EXPECT(!manifest_is_for(&manifest.processes[manifest.count - 1], false));
    EXPECT(manifest_is_for(&manifest.processes[manifest.count - 1], true));
}

/* Numbers that are the same in every run. */
static uint32_t draw(uint32_t below)
{
    static uint64_t state = 20261129;
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(state >> 33) % below;
}

/* I1 of the header. */
static void expect_sound(void)
{
    EXPECT(manifest.count <= MANIFEST_PROCESSES_MAX);
    for (uint32_t i = 0; i < manifest.count; i++) {
        const struct manifest_process *process = &manifest.processes[i];
        EXPECT(process->priority >= 1 && process->priority <= 23);
        EXPECT(process->name[MANIFEST_NAME_BYTES - 1] == '\0' && process->name[0] != '\0');
        EXPECT(process->receives_count <= MANIFEST_ENTRIES_MAX);
        EXPECT(process->calls_count <= MANIFEST_ENTRIES_MAX);
        for (uint32_t k = 0; k < process->receives_count; k++) {
            const uint64_t slot = process->receives[k].slot;
            EXPECT(slot >= MANIFEST_SLOT_FIRST && slot < MANIFEST_SLOT_END);
        }
    }
}

/* Put some lines, or some words, behind what stands in `text` already. */
static size_t text_draw(char *text, size_t room, size_t length)
{
    static const char *const words[] = {
        "process", "boot",    "shell\n", "program", "priority", "budget", "device",   "receive",
        "call",    "machine", "log",     "system",  "may",      "lock",   "dma",      "find",
        "serve",   "a",       "final",   "names",   "console",  "b",      "restarts", "*",
        "64",      "65",      "127",     "8",       "#",        "\t",     "\n",       "\n",
    };
    static const char *const lines[] = {
        "process a\n",  "machine\n",   "find *\n",    "receive a 66\n", "may low\n",
        "priority 9\n", "find b\n",    "process *\n", "receive b 66\n", "serve c*\n",
        "budget 77\n",  "process b\n", "call a 67\n", "call b 67\n",    "# nothing\n",
    };
    const bool is_lines = draw(2) == 0;
    for (uint32_t left = draw(10); left > 0; left--) {
        const char *piece = is_lines ? lines[draw(sizeof(lines) / sizeof(lines[0]))]
                                     : words[draw(sizeof(words) / sizeof(words[0]))];
        if (length + strlen(piece) + 2 < room) {
            length += (size_t)sprintf(text + length, "%s%s", piece, is_lines ? "" : " ");
        }
    }
    return length;
}

TAP_TEST(text_made_of_its_own_words_and_any_bytes_is_taken_or_refused_with_a_reason)
{
    unsigned accepted = 0;
    for (int round = 0; round < 40000; round++) {
        char text[512];
        const size_t start = draw(2) == 0 ? (size_t)sprintf(text, "%s", SHELL) : 0;
        const size_t length = text_draw(text, sizeof(text), start);
        if (length > 0 && draw(3) == 0) {
            text[draw((uint32_t)length)] = (char)draw(256);
        }
        if (parse_bytes(text, length)) {
            accepted++;
            expect_sound();
        } else {
            EXPECT(error.reason[0] != '\0');
            EXPECT(error.word[MANIFEST_NAME_BYTES - 1] == '\0');
        }
    }
    tap_note("%u of 40000 accepted", accepted);
    EXPECT(accepted > 100);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(every_statement_is_read),
        TAP(memory_is_promised_as_the_manifest_says),
        TAP(huge_pages_are_set_aside_as_the_manifest_says),
        TAP(a_process_has_no_more_than_what_stands_there),
        TAP(a_wrong_line_is_named_with_its_word_and_a_reason),
        TAP(numbers_out_of_range_are_refused),
        TAP(nothing_is_given_twice),
        TAP(a_pager_has_a_slot_of_its_own),
        TAP(frames_of_its_own_are_for_a_pager_that_may_swap),
        TAP(an_endpoint_has_a_receiver_before_it_has_callers),
        TAP(a_slot_of_virtio_is_named_by_the_kind_of_its_device),
        TAP(a_process_takes_the_first_device_that_is_there_of_up_to_four),
        TAP(when_a_process_starts_is_said_first),
        TAP(the_end_of_one_process_is_that_of_the_machine),
        TAP(privileges_and_grants_are_checked),
        TAP(too_many_of_anything_are_refused),
        TAP(a_star_stands_for_anything_that_follows),
        TAP(the_manifest_of_the_tree_is_accepted),
        TAP(text_made_of_its_own_words_and_any_bytes_is_taken_or_refused_with_a_reason),
    };
    return TAP_RUN(argc, argv, tests);
}
