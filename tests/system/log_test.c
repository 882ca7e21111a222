/* SPDX-License-Identifier: MIT */
/*
 * The log with its records, and lists of handles.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <tap.h>

#define EMPTY_SLOT 40

static char text[MESSAGE_DATA_BYTES];
static struct log_record found;

/* Write `line` to the log; its newline keeps the results of the tests on lines of their own. */
static enum err log_line(uint64_t handle, const char *line, uint64_t level)
{
    uint64_t written = 0;
    memcpy(hf_message_page(), line, strlen(line));
    enum err error = hf_log_write_level(handle, strlen(line), level, &written);
    if (error == ERR_OK) {
        EXPECT_U64(written, strlen(line));
    }
    return error;
}

/* Find the youngest record with exactly this text, from the oldest on. Returns: whether there is
 * one. */
static bool log_find(const char *line)
{
    static char held[2 * MESSAGE_DATA_BYTES];
    uint64_t position = 0;
    uint64_t count = 0;
    uint64_t bytes = 0;
    bool is_found = false;
    EXPECT_ERR(hf_info(INFO_LOG_FIRST, &position), ERR_OK);
    while (hf_log_copy(HANDLE_LOG, position, &bytes) == ERR_OK && bytes != 0) {
        struct log_record record;
        uint64_t at = 0;
        memcpy(held + count, hf_message_page(), bytes);
        position += bytes;
        count += bytes;
        while (count - at >= sizeof(record)) {
            memcpy(&record, held + at, sizeof(record));
            if (count - at - sizeof(record) < record.length) {
                break;
            }
            if (record.length == strlen(line) &&
                memcmp(held + at + sizeof(record), line, record.length) == 0) {
                found = record;
                is_found = true;
            }
            at += sizeof(record) + record.length;
        }
        memmove(held, held + at, count - at);
        count -= at;
    }
    return is_found;
}

TAP_TEST(what_is_written_can_be_read_with_level_time_and_source)
{
    static const char line[] = "# a line of the log\n";
    REQUIRE(EXPECT_ERR(log_line(HANDLE_LOG, line, LOG_ERROR), ERR_OK));
    REQUIRE(EXPECT(log_find(line)));
    EXPECT_U64(found.level, LOG_ERROR);
    EXPECT_U64(found.source, hf_env()->space_id);
    const uint64_t first = found.time;
    REQUIRE(EXPECT_ERR(log_line(HANDLE_LOG, line, LOG_DEBUG), ERR_OK));
    REQUIRE(EXPECT(log_find(line)));
    EXPECT_U64(found.level, LOG_DEBUG);
    EXPECT(found.time > first);
}

/* If it were shown, it would be a result of this test. */
TAP_TEST(what_is_only_kept_is_not_shown)
{
    static const char line[] = "not ok 1 - a line that is kept is shown\n";
    REQUIRE(EXPECT_ERR(log_line(HANDLE_LOG, line, LOG_WARNING | LOG_KEPT), ERR_OK));
    REQUIRE(EXPECT(log_find(line)));
    EXPECT_U64(found.level, LOG_WARNING);
}

TAP_TEST(a_source_cannot_be_changed)
{
    uint64_t handle = 0;
    EXPECT_ERR(hf_handle_derive(HANDLE_LOG, RIGHT_CONTROL, 4711, 0, &handle), ERR_RIGHTS);
    REQUIRE(EXPECT_ERR(hf_handle_derive(HANDLE_LOG, RIGHT_CONTROL, 0, 0, &handle), ERR_OK));
    REQUIRE(EXPECT_ERR(log_line(handle, "# by another handle\n", LOG_INFO), ERR_OK));
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    REQUIRE(EXPECT(log_find("# by another handle\n")));
    EXPECT_U64(found.source, hf_env()->space_id);
}

TAP_TEST(an_unknown_level_is_refused)
{
    uint64_t written = 0;
    EXPECT_ERR(hf_log_write_level(HANDLE_LOG, 0, LOG_LEVELS, &written), ERR_RANGE);
    EXPECT_ERR(hf_log_write_level(HANDLE_LOG, 0, LOG_LEVELS | LOG_KEPT, &written), ERR_RANGE);
    EXPECT_ERR(hf_log_write_level(HANDLE_LOG, 0, UINT32_MAX, &written), ERR_RANGE);
}

TAP_TEST(the_log_loses_its_oldest_records_whole)
{
    uint64_t before = 0;
    uint64_t after = 0;
    uint64_t bytes = 0;
    memset(text, '-', 1000);
    memcpy(text, "# ", 2);
    text[998] = '\n';
    text[999] = '\0';
    REQUIRE(EXPECT_ERR(hf_info(INFO_LOG_FIRST, &before), ERR_OK));
    for (int i = 0; i < 20; i++) {
        REQUIRE(EXPECT_ERR(log_line(HANDLE_LOG, text, LOG_INFO), ERR_OK));
    }
    REQUIRE(EXPECT_ERR(hf_info(INFO_LOG_FIRST, &after), ERR_OK));
    EXPECT(after > before);
    EXPECT_ERR(hf_log_copy(HANDLE_LOG, before, &bytes), ERR_RANGE);
    EXPECT(log_find(text));
    EXPECT(!log_find("# a line of the log\n"));
}

TAP_TEST(positions_outside_of_the_log_are_refused)
{
    uint64_t position = 0;
    uint64_t bytes = 1;
    REQUIRE(EXPECT_ERR(hf_info(INFO_LOG_FIRST, &position), ERR_OK));
    while (bytes != 0) {
        REQUIRE(EXPECT_ERR(hf_log_copy(HANDLE_LOG, position, &bytes), ERR_OK));
        position += bytes;
    }
    EXPECT_ERR(hf_log_copy(HANDLE_LOG, position + 1, &bytes), ERR_RANGE);
    EXPECT_ERR(hf_log_copy(HANDLE_LOG, UINT64_MAX, &bytes), ERR_RANGE);
    EXPECT_ERR(hf_log_copy(EMPTY_SLOT, position, &bytes), ERR_BADF);
    EXPECT_ERR(hf_log_copy(HANDLE_MEM, position, &bytes), ERR_TYPE);
}

/* The list's entry for a slot; NULL: it is not in the list. */
static const struct handle_info *list_find(const struct handle_info *infos, uint64_t count,
                                           uint32_t slot)
{
    for (uint64_t i = 0; i < count; i++) {
        if (infos[i].slot == slot) {
            return &infos[i];
        }
    }
    return NULL;
}

TAP_TEST(handles_are_listed_with_kind_rights_and_badge)
{
    static struct handle_info infos[HANDLE_INFOS_MAX];
    uint64_t count = 0;
    REQUIRE(EXPECT_ERR(hf_handles_read(HANDLE_NONE, 0, &count), ERR_OK));
    memcpy(infos, hf_message_page(), count * sizeof(infos[0]));
    const struct handle_info *log = list_find(infos, count, HANDLE_LOG);
    const struct handle_info *mem = list_find(infos, count, HANDLE_MEM);
    REQUIRE(EXPECT(log != NULL && mem != NULL));
    EXPECT_U64(log->kind, OBJECT_LOG);
    EXPECT_U64(log->badge, hf_env()->space_id);
    EXPECT_U64(mem->kind, OBJECT_ENDPOINT);
    EXPECT_U64(mem->rights & RIGHT_RECEIVE, 0);
    EXPECT(list_find(infos, count, EMPTY_SLOT) == NULL);
    REQUIRE(EXPECT_ERR(hf_handles_read(HANDLE_NONE, HANDLE_LOG + 1, &count), ERR_OK));
    memcpy(infos, hf_message_page(), count * sizeof(infos[0]));
    EXPECT(list_find(infos, count, HANDLE_LOG) == NULL);
    EXPECT_ERR(hf_handles_read(HANDLE_NONE, UINT64_MAX, &count), ERR_OK);
    EXPECT_U64(count, 0);
    EXPECT_ERR(hf_handles_read(HANDLE_LOG, 0, &count), ERR_TYPE);
}

TAP_TEST(a_handle_to_what_has_ended_is_listed_as_such)
{
    uint64_t handle = 0;
    uint64_t count = 0;
    struct handle_info info;
    REQUIRE(EXPECT_ERR(hf_donate(HF_OWN_SPACE, OBJECT_NOTIFICATION), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_object_make(OBJECT_NOTIFICATION, EMPTY_SLOT, &handle), ERR_OK));
    EXPECT_ERR(hf_object_destroy(handle), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_handles_read(HANDLE_NONE, EMPTY_SLOT, &count), ERR_OK));
    memcpy(&info, hf_message_page(), sizeof(info));
    EXPECT(count >= 1 && info.slot == EMPTY_SLOT);
    EXPECT_U64(info.kind, OBJECT_NONE);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
}

TAP_TEST(what_one_call_prints_to_stderr_is_one_record)
{
    EXPECT_I64(fprintf(stderr, "# %s %d and %c\n", "text", -77, 'c'), 17);
    EXPECT(log_find("# text -77 and c\n"));
    EXPECT_U64(found.level, LOG_WARNING);
    errno = ENOMEM;
    perror("# perror");
    EXPECT(log_find("# perror: Cannot allocate memory\n"));
    EXPECT(fputs("# fputs", stderr) >= 0);
    EXPECT(log_find("# fputs"));
    EXPECT_I64(fputc('\n', stderr), '\n');
    EXPECT(log_find("\n"));
    EXPECT_U64(fwrite("# ab\n# cd\n", 5, 2, stderr), 2);
    EXPECT(log_find("# ab\n# cd\n"));
}

TAP_TEST(each_line_of_stdout_is_one_record)
{
    EXPECT(printf("# a %s\n# b %d\n", "line", 5) > 0);
    EXPECT(log_find("# a line\n"));
    EXPECT(log_find("# b 5\n"));
    EXPECT_U64(found.level, LOG_INFO);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(what_is_written_can_be_read_with_level_time_and_source),
        TAP(what_is_only_kept_is_not_shown),
        TAP(a_source_cannot_be_changed),
        TAP(an_unknown_level_is_refused),
        TAP(the_log_loses_its_oldest_records_whole),
        TAP(positions_outside_of_the_log_are_refused),
        TAP(handles_are_listed_with_kind_rights_and_badge),
        TAP(a_handle_to_what_has_ended_is_listed_as_such),
        TAP(what_one_call_prints_to_stderr_is_one_record),
        TAP(each_line_of_stdout_is_one_record),
    };
    return TAP_RUN(argc, argv, tests);
}
