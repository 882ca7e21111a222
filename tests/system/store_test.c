/* SPDX-License-Identifier: MIT */
/*
 * The file system beyond POSIX: what may not be executed or only grows, files of the archive in
 * memory, ten thousand files, locks of those who end, and garbage.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/env.h>
#include <hf/files.h>
#include <hf/shared.h>
#include <tap.h>

#include "balance.h"
#include "child.h"

#define SELF     "/bin/store_test"
#define PART     "/tmp" /* of the tree, without execution */
#define PAGE     4096u
#define MANY     10000
#define GARBAGE  3000
#define CHILD_OK 42

static uint64_t files(void)
{
    return hf_env()->files;
}

/* The status with which a child ended; minus the signal that ended it. */
static int status_of(pid_t pid)
{
    int status = 0;
    if (pid <= 0 || waitpid(pid, &status, 0) != pid) {
        return -1000;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool fill(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const bool is_ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    return close(fd) == 0 && is_ok;
}

TAP_TEST(r18_files_of_a_part_without_execution_are_not_executed)
{
    const int exec = PROT_READ | PROT_EXEC;
    REQUIRE(EXPECT(fill(PART "/code", "code") && fill("/code", "code")));
    int fd = open(PART "/code", O_RDONLY);
    EXPECT(mmap(NULL, PAGE, exec, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    EXPECT_I64(errno, EPERM);
    EXPECT(mmap(NULL, PAGE, exec, MAP_SHARED, fd, 0) == MAP_FAILED);
    EXPECT_I64(errno, EPERM);
    void *memory = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    REQUIRE(EXPECT(memory != MAP_FAILED));
    EXPECT_I64(mprotect(memory, PAGE, exec), -1);
    EXPECT_I64(errno, EACCES);
    EXPECT_I64(munmap(memory, PAGE), 0);
    EXPECT_I64(close(fd), 0);
    fd = open("/code", O_RDONLY);
    memory = mmap(NULL, PAGE, exec, MAP_PRIVATE, fd, 0);
    REQUIRE(EXPECT(memory != MAP_FAILED));
    EXPECT_I64(munmap(memory, PAGE), 0);
    EXPECT_I64(close(fd), 0);
    EXPECT_I64(rename(PART "/code", "/code"), -1);
    EXPECT_I64(errno, EXDEV);
    EXPECT_I64(rmdir(PART), -1);
    EXPECT_I64(errno, EBUSY);
    EXPECT_I64(unlink("/code"), 0);
    EXPECT_I64(unlink(PART "/code"), 0);
}

TAP_TEST(r14_append_only_files_grow_at_their_end_alone)
{
    static char bytes[20000];
    char read_back[8];
    struct stat status;
    memset(bytes, 'a', sizeof(bytes));
    bytes[sizeof(bytes) - 1] = 'z';
    REQUIRE(EXPECT(fill("/log", "start")));
    EXPECT_ERR(hf_files_change(files(), 0, "/log", FILES_CHANGE_APPEND_ONLY, 0), ERR_OK);
    EXPECT_I64(open("/log", O_WRONLY), -1);
    EXPECT_I64(errno, EPERM);
    EXPECT_I64(open("/log", O_WRONLY | O_APPEND | O_TRUNC), -1);
    EXPECT_I64(errno, EPERM);
    EXPECT_I64(truncate("/log", 0), -1);
    EXPECT_I64(errno, EPERM);
    int fd = open("/log", O_RDWR | O_APPEND);
    REQUIRE(EXPECT(fd > 2));
    EXPECT(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    EXPECT_I64(errno, EACCES);
    EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
    EXPECT_I64(errno, EACCES);
    void *memory = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    EXPECT(memory != MAP_FAILED);
    EXPECT_I64(munmap(memory, PAGE), 0);
    EXPECT_I64(ftruncate(fd, 0), -1);
    EXPECT_I64(errno, EPERM);
    EXPECT_I64(fcntl(fd, F_SETFL, 0), -1);
    EXPECT_I64(errno, EPERM);
    size_t done = 0;
    while (done < sizeof(bytes)) {
        const ssize_t part = write(fd, bytes + done, sizeof(bytes) - done);
        REQUIRE(EXPECT(part > 0));
        done += (size_t)part;
    }
    EXPECT_I64(write(fd, "end", 3), 3);
    EXPECT_I64(lseek(fd, 0, SEEK_CUR), 5 + sizeof(bytes) + 3);
    EXPECT_I64(pread(fd, read_back, 8, (off_t)(5 + sizeof(bytes) - 4)), 7);
    EXPECT_BYTES(read_back, "aaazend", 7);
    EXPECT_I64(pread(fd, read_back, 6, 0), 6);
    EXPECT_BYTES(read_back, "starta", 6);
    EXPECT_I64(fstat(fd, &status), 0);
    EXPECT_I64(status.st_size, 5 + sizeof(bytes) + 3);
    EXPECT_I64(close(fd), 0);
    EXPECT_I64(unlink("/log"), -1);
    EXPECT_I64(errno, EPERM);
}

/* How a process ends that reads there: 0, or minus a signal. */
static int end_of_read(const volatile unsigned char *at)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)*at;
        _exit(0);
    }
    return status_of(pid);
}

TAP_TEST(files_of_the_archive_are_mapped_where_they_lie)
{
    static unsigned char page[PAGE];
    struct stat status;
    const int fd = open(SELF, O_RDONLY);
    REQUIRE(EXPECT_I64(fstat(fd, &status), 0));
    const size_t bytes = (size_t)status.st_size;
    const size_t pages = (bytes + PAGE - 1) / PAGE;
    memset(page, 1, sizeof(page)); /* it is there before the first look */
    const uint64_t before = balance_free();
    unsigned char *memory =
        mmap(NULL, (pages + 2) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    REQUIRE(EXPECT(memory != MAP_FAILED));
    for (size_t i = 0; i < pages; i++) {
        const ssize_t count = pread(fd, page, PAGE, (off_t)(i * PAGE));
        EXPECT(count > 0 && memcmp(memory + i * PAGE, page, (size_t)count) == 0);
        for (size_t k = (size_t)count; k < PAGE; k++) {
            EXPECT(memory[i * PAGE + k] == 0 || !"the rest of the last page is zeros");
        }
    }
    /* The last page, and tables wherever that lies: were each page one of its own, more. */
    const uint64_t taken = before - balance_free();
    tap_note("%llu frames for %zu pages", (unsigned long long)taken, pages);
    EXPECT(taken < pages);
    EXPECT_I64(end_of_read(memory + pages * PAGE), -SIGBUS);
    memory[1] = 'x';
    EXPECT_I64(pread(fd, page, 2, 0), 2);
    EXPECT_I64(page[1], 'E');
    memory = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, PAGE);
    EXPECT(memory != MAP_FAILED);
    EXPECT_I64(pread(fd, page, PAGE, PAGE), PAGE);
    EXPECT_BYTES(memory, page, PAGE);
    EXPECT_I64(munmap(memory, PAGE), 0);
    EXPECT(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    EXPECT_I64(errno, EACCES);
    EXPECT_I64(close(fd), 0);
}

/* The region that holds an address; one of no bytes if there is none. */
static struct mem_region region_at(const void *at)
{
    struct mem_region region = {.start = 0};
    struct mem_query_rep rep;
    EXPECT_ERR(hf_query(HF_OWN_SPACE, (uint64_t)at, 1, &region, &rep), ERR_OK);
    return region;
}

TAP_TEST(a_mapping_of_the_archive_is_one_region_and_grows_into_a_bus_error)
{
    struct stat status;
    const int fd = open(SELF, O_RDONLY);
    REQUIRE(EXPECT_I64(fstat(fd, &status), 0));
    const size_t bytes = ((size_t)status.st_size + PAGE - 1) / PAGE * PAGE;
    const uint64_t before = balance_free();
    unsigned char *memory = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    REQUIRE(EXPECT(memory != MAP_FAILED));
    struct mem_region region = region_at(memory);
    EXPECT_U64(region.start, (uint64_t)memory);
    EXPECT_U64(region.end, (uint64_t)memory + bytes);
    EXPECT_I64(memory[bytes - 1], 0);
    EXPECT(before - balance_free() <= 4); /* two tables and what stands for them, but no page */
    EXPECT_I64(mprotect(memory, bytes, PROT_READ | PROT_WRITE), -1);
    EXPECT_I64(errno, EACCES);
    memory = mremap(memory, bytes, bytes + PAGE, MREMAP_MAYMOVE);
    REQUIRE(EXPECT(memory != MAP_FAILED));
    EXPECT_BYTES(memory, "\177ELF", 4);
    EXPECT_I64(end_of_read(memory + bytes), -SIGBUS);
    /* Two mappings that go on where the other ends become one. */
    EXPECT(mmap(memory, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == memory);
    EXPECT(mmap(memory + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, PAGE) ==
           memory + PAGE);
    region = region_at(memory);
    EXPECT_U64(region.end - region.start, (uint64_t)2 * PAGE);
    EXPECT_I64(munmap(memory, bytes + PAGE), 0);
    EXPECT_I64(close(fd), 0);
}

TAP_TEST(a_file_of_the_archive_is_lent_without_the_others)
{
    char bytes[8];
    uint64_t slice = 0;
    uint64_t copied = 0;
    struct hf_file file;
    struct mem_object_info_rep info;
    REQUIRE(EXPECT_ERR(hf_files_open(files(), 0, SELF, FILES_READ, 0, &file), ERR_OK));
    EXPECT_ERR(hf_shared_info(file.object, &info), ERR_OK);
    EXPECT_U64(info.bytes, file.bytes);
    EXPECT_U64(info.rights, MEM_OBJECT_READ | MEM_OBJECT_EXEC | MEM_OBJECT_MAPPABLE);
    EXPECT_ERR(
        hf_shared_copy(file.object, (uint64_t)bytes, file.bytes - 4, 8, MEM_COPY_FROM, &copied),
        ERR_OK);
    EXPECT_U64(copied, 4);
    EXPECT_ERR(hf_shared_copy(file.object, (uint64_t)bytes, 0, 1, MEM_COPY_TO, &copied), ERR_ACCES);
    EXPECT_ERR(hf_shared_slice(file.object, 0, info.bytes + 1, &slice), ERR_RANGE);
    EXPECT_ERR(hf_shared_slice(file.object, 1, 1, &slice), ERR_INVAL);
    EXPECT_ERR(hf_shared_resize(file.object, 0), ERR_INVAL);
    REQUIRE(EXPECT_ERR(hf_shared_slice(file.object, PAGE, PAGE, &slice), ERR_OK));
    EXPECT_ERR(hf_shared_info(slice, &info), ERR_OK);
    uint64_t writable;
    EXPECT_ERR(hf_shared_again(info.number, MEM_OBJECT_READ | MEM_OBJECT_WRITE, &writable),
               ERR_ACCES);
    EXPECT_ERR(hf_shared_derive(slice, MEM_OBJECT_WRITE, &writable), ERR_ACCES);
    EXPECT_ERR(hf_shared_close(slice), ERR_OK);
    hf_files_close(&file);
}

TAP_TEST(ten_thousand_files_are_made_told_and_removed)
{
    char name[32];
    unsigned told = 0;
    const struct dirent *entry;
    REQUIRE(EXPECT_I64(mkdir("/many", 0755), 0));
    const uint64_t before = balance_free();
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "/many/%d", i);
        REQUIRE(EXPECT(fill(name, "x")));
    }
    DIR *stream = opendir("/many");
    REQUIRE(EXPECT(stream != NULL));
    while ((entry = readdir(stream)) != NULL) {
        told++;
    }
    EXPECT_I64(closedir(stream), 0);
    EXPECT_U64(told, MANY + 2);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "/many/%d", i);
        REQUIRE(EXPECT_I64(unlink(name), 0));
    }
    EXPECT_I64(rmdir("/many"), 0);
    /* What the file system keeps is for records and tables; no file's page is lost. */
    EXPECT(balance_free() + MANY / 8 > before);
    tap_note("frames kept after ten thousand files: %ld", (long)(before - balance_free()));
}

TAP_TEST(what_was_removed_goes_with_the_last_who_has_it)
{
    struct files_space_rep space;
    REQUIRE(EXPECT_I64(mkdir("/kept", 0755), 0));
    REQUIRE(EXPECT_ERR(hf_files_space(files(), 0, &space), ERR_OK));
    const uint64_t pages = space.pages;
    pid_t pid = fork();
    if (pid == 0) {
        const int fd = open("/kept/x", O_RDWR | O_CREAT, 0644);
        bool is_ok = ftruncate(fd, 50 * PAGE) == 0 && unlink("/kept/x") == 0;
        is_ok = is_ok && pwrite(fd, "y", 1, 49 * PAGE) == 1;
        is_ok = is_ok && hf_files_space(files(), 0, &space) == ERR_OK;
        /* Longer than it was, though it has no name. */
        is_ok = is_ok && space.pages == pages + 50 && pwrite(fd, "z", 1, 59 * PAGE) == 1;
        _exit(is_ok ? CHILD_OK : 1);
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    for (int i = 0; i < 100; i++) {
        REQUIRE(EXPECT_ERR(hf_files_space(files(), 0, &space), ERR_OK));
        if (space.pages == pages) {
            break;
        }
        usleep(20000);
    }
    EXPECT_U64(space.pages, pages);
    EXPECT_I64(rmdir("/kept"), 0);
}

TAP_TEST(a_lock_goes_with_the_last_who_has_the_file_open)
{
    REQUIRE(EXPECT(fill("/locked", "")));
    const int fd = open("/locked", O_RDONLY);
    REQUIRE(EXPECT(fd > 2));
    pid_t pid = fork();
    if (pid == 0) {
        const int mine = open("/locked", O_RDONLY);
        _exit(flock(mine, LOCK_EX) == 0 ? CHILD_OK : 1); /* and ends with it */
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    EXPECT_I64(flock(fd, LOCK_SH), 0); /* waits until that is noticed */
    EXPECT_I64(flock(fd, LOCK_UN), 0);
    EXPECT_I64(close(fd), 0);
    EXPECT_I64(unlink("/locked"), 0);
}

TAP_TEST(garbage_is_refused_and_harms_nobody)
{
    struct files_stat_rep rep;
    uint64_t endpoint = 0;
    uint64_t state = 4711;
    REQUIRE(EXPECT(object_make(OBJECT_ENDPOINT, &endpoint)));
    for (int i = 0; i < GARBAGE; i++) {
        struct hf_message message = {.tag = 0};
        for (unsigned k = 0; k < IPC_WORDS; k++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            message.words[k] = state >> (state >> 59);
        }
        message.words[0] = (state >> 33) % 20 | (i % 3 == 0 ? message.words[0] << 32 : 0);
        if ((message.words[0] & UINT32_MAX) == FILES_LOCK) {
            message.words[2] |= FILES_LOCK_NOWAIT;
        }
        if (i % 7 == 0) {
            message.tag = HF_HANDLE_AT(i % IPC_WORDS);
            message.words[i % IPC_WORDS] = endpoint;
        }
        EXPECT_ERR(hf_call(files(), &message), ERR_OK); /* whatever it is, it is answered */
        for (unsigned k = 0; k < IPC_WORDS; k++) {
            if ((message.tag >> (IPC_TAG_HANDLES_SHIFT + k) & 1) != 0) {
                (void)hf_handle_close(message.words[k]);
            }
        }
    }
    EXPECT_ERR(hf_files_stat(files(), 0, "/bin", &rep), ERR_OK);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
}

TAP_TEST(handles_do_what_they_are_for_and_nothing_else)
{
    struct hf_file file;
    struct files_resize_rep size;
    struct files_stat_rep rep;
    struct mem_object_info_rep info;
    REQUIRE(EXPECT(fill("/plain", "12345")));
    EXPECT_ERR(hf_files_resize(files(), 0, 0, 0, &size), ERR_TYPE);
    REQUIRE(EXPECT_ERR(hf_files_open(files(), 0, "/plain", FILES_READ, 0, &file), ERR_OK));
    EXPECT_U64(file.control, 0);
    EXPECT_ERR(hf_shared_resize(file.object, 0), ERR_ACCES);
    EXPECT_ERR(hf_shared_info(file.object, &info), ERR_OK);
    EXPECT_U64(info.rights, MEM_OBJECT_READ | MEM_OBJECT_EXEC | MEM_OBJECT_MAPPABLE);
    hf_files_close(&file);
    REQUIRE(EXPECT_ERR(hf_files_open(files(), 0, "plain", FILES_WRITE, 0, &file), ERR_OK));
    EXPECT_ERR(hf_files_stat(file.control, 0, "/plain", &rep), ERR_TYPE);
    /* Who may write may not resize or seal: that would be without paying, or for all others. */
    EXPECT_ERR(hf_shared_resize(file.object, 100 * PAGE), ERR_ACCES);
    EXPECT_ERR(hf_shared_seal(file.object, MEM_SEAL_WRITE), ERR_PERM);
    EXPECT_ERR(hf_files_resize(file.control, 7, FILES_RESIZE_IF, 4, &size), ERR_OK);
    EXPECT_U64(size.bytes, 5);
    EXPECT_ERR(hf_files_resize(file.control, 7, FILES_RESIZE_ADD, 0, &size), ERR_OK);
    EXPECT_U64(size.before, 5);
    EXPECT_U64(size.bytes, 12);
    EXPECT_ERR(hf_files_resize(file.control, 8, FILES_RESIZE_EXTEND, 0, &size), ERR_OK);
    EXPECT_U64(size.bytes, 12);
    EXPECT_ERR(hf_files_resize(file.control, UINT64_MAX, 0, 0, &size), ERR_FBIG);
    EXPECT_ERR(hf_files_resize(file.control, UINT64_MAX >> 2, 0, 0, &size), ERR_NOSPC);
    EXPECT_ERR(hf_files_resize(file.control, 0, FILES_RESIZE_ALL + 1, 0, &size), ERR_INVAL);
    EXPECT_I64(unlink("/plain"), 0);
    EXPECT_ERR(hf_files_resize(file.control, 3, 0, 0, &size), ERR_OK);
    hf_files_close(&file);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r18_files_of_a_part_without_execution_are_not_executed),
        TAP(r14_append_only_files_grow_at_their_end_alone),
        TAP(files_of_the_archive_are_mapped_where_they_lie),
        TAP(a_mapping_of_the_archive_is_one_region_and_grows_into_a_bus_error),
        TAP(a_file_of_the_archive_is_lent_without_the_others),
        TAP(ten_thousand_files_are_made_told_and_removed),
        TAP(what_was_removed_goes_with_the_last_who_has_it),
        TAP(a_lock_goes_with_the_last_who_has_the_file_open),
        TAP(garbage_is_refused_and_harms_nobody),
        TAP(handles_do_what_they_are_for_and_nothing_else),
    };
    return TAP_RUN(argc, argv, tests);
}
