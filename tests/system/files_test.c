/* SPDX-License-Identifier: MIT */
/*
 * Files of the boot archive, the heap and the clock, under their POSIX names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include <tap.h>

/* A file that is there whenever this program is: the program. */
#define SELF "bin/files_test"

TAP_TEST(a_file_is_opened_read_and_sought)
{
    char magic[4];
    char again[4];
    int fd = open(SELF, O_RDONLY);
    REQUIRE(EXPECT(fd > 2));
    EXPECT_I64(read(fd, magic, 4), 4);
    EXPECT_BYTES(magic, "\177ELF", 4);
    EXPECT_I64(lseek(fd, 1, SEEK_SET), 1);
    EXPECT_I64(read(fd, again, 3), 3);
    EXPECT_BYTES(again, "ELF", 3);
    EXPECT_I64(lseek(fd, -2, SEEK_CUR), 2);
    off_t end = lseek(fd, 0, SEEK_END);
    EXPECT(end > 1000);
    EXPECT_I64(read(fd, again, 4), 0);
    EXPECT_I64(lseek(fd, 10, SEEK_END), end + 10);
    EXPECT_I64(read(fd, again, 4), 0);
    EXPECT_I64(lseek(fd, -1, SEEK_SET), -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT_I64(close(fd), 0);
    EXPECT_I64(close(fd), -1);
    EXPECT_I64(errno, EBADF);
}

TAP_TEST(names_start_at_the_root)
{
    static const char *const names[] = {"/" SELF, "./" SELF, "//" SELF};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int fd = open(names[i], O_RDONLY);
        EXPECT(fd > 2);
        EXPECT_I64(close(fd), 0);
    }
}

TAP_TEST(stat_tells_size_and_kind)
{
    struct stat status;
    REQUIRE(EXPECT_I64(stat(SELF, &status), 0));
    EXPECT(S_ISREG(status.st_mode));
    EXPECT((status.st_mode & 0100) != 0);
    int fd = open(SELF, O_RDONLY);
    EXPECT_I64(status.st_size, lseek(fd, 0, SEEK_END));
    EXPECT_I64(close(fd), 0);
    REQUIRE(EXPECT_I64(stat("bin", &status), 0));
    EXPECT(S_ISDIR(status.st_mode));
    REQUIRE(EXPECT_I64(fstat(STDOUT_FILENO, &status), 0));
    EXPECT(S_ISCHR(status.st_mode));
    EXPECT_I64(isatty(STDOUT_FILENO), 1);
    EXPECT_I64(stat("no/such", &status), -1);
    EXPECT_I64(errno, ENOENT);
}

TAP_TEST(nothing_can_be_written_or_made_in_the_archive)
{
    EXPECT_I64(open(SELF, O_RDWR), -1);
    EXPECT_I64(errno, EROFS);
    EXPECT_I64(open(SELF, O_RDONLY | O_TRUNC), -1);
    EXPECT_I64(errno, EROFS);
    EXPECT_I64(open("bin/new", O_WRONLY | O_CREAT, 0644), -1);
    EXPECT_I64(errno, EROFS);
    EXPECT_I64(open("new", O_RDONLY), -1);
    EXPECT_I64(errno, ENOENT);
    EXPECT_I64(open("bin", O_WRONLY), -1);
    EXPECT_I64(errno, EISDIR);
    EXPECT_I64(unlink(SELF), -1);
    EXPECT_I64(errno, EROFS);
    EXPECT_I64(access(SELF, R_OK | X_OK), 0);
    EXPECT_I64(access(SELF, W_OK), -1);
    EXPECT_I64(errno, EROFS);
}

TAP_TEST(reading_the_output_and_writing_the_input_are_errors)
{
    char byte = 0;
    EXPECT_I64(read(STDOUT_FILENO, &byte, 1), -1);
    EXPECT_I64(errno, EBADF);
    EXPECT_I64(write(STDIN_FILENO, &byte, 1), -1);
    EXPECT_I64(errno, EBADF);
    EXPECT_I64(write(99, &byte, 1), -1);
    EXPECT_I64(errno, EBADF);
    EXPECT_I64(read(-1, &byte, 1), -1);
    EXPECT_I64(errno, EBADF);
}

TAP_TEST(streams_read_whole_files)
{
    FILE *stream = fopen(SELF, "r");
    REQUIRE(EXPECT(stream != NULL));
    struct stat status;
    REQUIRE(EXPECT_I64(stat(SELF, &status), 0));
    static char buffer[5000];
    size_t total = 0;
    size_t got;
    while ((got = fread(buffer, 1, sizeof(buffer), stream)) > 0) {
        total += got;
    }
    EXPECT_U64(total, status.st_size);
    EXPECT(feof(stream) != 0);
    EXPECT(ferror(stream) == 0);
    EXPECT_I64(fseek(stream, 1, SEEK_SET), 0);
    EXPECT_I64(fgetc(stream), 'E');
    EXPECT_I64(fclose(stream), 0);
    EXPECT(fopen("no/such", "r") == NULL);
    EXPECT_I64(errno, ENOENT);
}

TAP_TEST(a_last_line_without_a_newline_is_read)
{
    FILE *stream = fopen("boot/args", "r");
    char line[2000];
    struct stat status;
    REQUIRE(EXPECT(stream != NULL));
    REQUIRE(EXPECT_I64(stat("boot/args", &status), 0));
    REQUIRE(EXPECT(status.st_size < (off_t)sizeof(line)));
    memset(line, 'x', sizeof(line));
    EXPECT(fgets(line, sizeof(line), stream) == line);
    /* Strings, each with a NUL, then the one that fgets() adds. */
    EXPECT_I64(line[status.st_size], '\0');
    EXPECT(feof(stream) != 0);
    EXPECT(fgets(line, sizeof(line), stream) == NULL);
    EXPECT_I64(fseek(stream, 0, SEEK_SET), 0);
    EXPECT(fgets(line, 3, stream) == line);
    EXPECT_U64(strlen(line), 2);
    EXPECT_I64(fclose(stream), 0);
}

TAP_TEST(descriptors_run_out_and_come_back)
{
    int first = open(SELF, O_RDONLY);
    REQUIRE(EXPECT(first > 2));
    int last = first;
    int fd;
    while ((fd = open(SELF, O_RDONLY)) >= 0) {
        last = fd;
    }
    EXPECT_I64(errno, EMFILE);
    for (fd = first; fd <= last; fd++) {
        EXPECT_I64(close(fd), 0);
    }
    fd = open(SELF, O_RDONLY);
    EXPECT_I64(fd, first);
    EXPECT_I64(close(fd), 0);
}

TAP_TEST(the_break_moves_up_and_down_by_bytes)
{
    char *start = sbrk(0);
    EXPECT(sbrk(10000) == start);
    memset(start, 0x55, 10000);
    EXPECT(sbrk(-5000) == start + 10000);
    EXPECT(sbrk(0) == start + 5000);
    EXPECT_I64(start[4999], 0x55);
    EXPECT(sbrk(20000) == start + 5000);
    /* The page that was given back whole is empty again. */
    EXPECT_I64(start[9999], 0);
    EXPECT_I64(brk(start), 0);
    EXPECT(sbrk(0) == start);
    EXPECT(sbrk((ptrdiff_t)1 << 45) == (void *)-1);
    EXPECT_I64(errno, ENOMEM);
    EXPECT_I64(brk((void *)16), -1);
    EXPECT(sbrk(0) == start);
}

TAP_TEST(system_configuration_is_told)
{
    EXPECT_I64(sysconf(_SC_PAGESIZE), 4096);
    EXPECT_I64(getpagesize(), 4096);
    EXPECT(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    EXPECT(sysconf(_SC_PHYS_PAGES) > sysconf(_SC_AVPHYS_PAGES));
    EXPECT_I64(sysconf(-1), -1);
    EXPECT_I64(errno, EINVAL);
}

TAP_TEST(clocks_go_forward_together)
{
    struct timespec before;
    struct timespec after;
    struct tms spent;
    clock_t ticks = times(&spent);
    REQUIRE(EXPECT_I64(clock_gettime(CLOCK_MONOTONIC, &before), 0));
    do {
        REQUIRE(EXPECT_I64(clock_gettime(CLOCK_MONOTONIC, &after), 0));
    } while ((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec <
             1000000);
    EXPECT(times(&spent) >= ticks + CLOCKS_PER_SEC / 1000 - 1);
    EXPECT(clock() >= ticks);
    EXPECT_I64(clock_gettime((clockid_t)77, &after), -1);
    EXPECT_I64(errno, EINVAL);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_file_is_opened_read_and_sought),
        TAP(names_start_at_the_root),
        TAP(stat_tells_size_and_kind),
        TAP(nothing_can_be_written_or_made_in_the_archive),
        TAP(reading_the_output_and_writing_the_input_are_errors),
        TAP(streams_read_whole_files),
        TAP(a_last_line_without_a_newline_is_read),
        TAP(descriptors_run_out_and_come_back),
        TAP(the_break_moves_up_and_down_by_bytes),
        TAP(system_configuration_is_told),
        TAP(clocks_go_forward_together),
    };
    return TAP_RUN(argc, argv, tests);
}
