/* SPDX-License-Identifier: MIT */
/*
 * What the calls of POSIX do with files, said line by line: run on Linux and on Holdfast, the lines
 * are to be the same. Nothing here knows where it runs.
 *
 * Usage: storage_guest FOLDER, which is empty and can be written, or is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage.h"

#define PAGE 4096

/* Signals have other numbers elsewhere. */
#define BUS_ERROR    1001
#define ACCESS_ERROR 1002

static void flags_of_open(void)
{
    int fd;
    printf("-- flags of open\n");
    SAY(open("none", O_RDONLY));
    SAY(fd = open("a", O_RDONLY | O_CREAT, 0644));
    SAY(write(fd, "x", 1));
    SAY(close(fd));
    SAY(open("a", O_WRONLY | O_CREAT | O_EXCL, 0644));
    SAY(fd = open("a", O_WRONLY));
    SAY(read(fd, &fd, 1));
    SAY(write(fd, "hello", 5));
    SAY(close(fd));
    say_file("a");
    SAY(fd = open("a", O_WRONLY));
    SAY(write(fd, "J", 1));
    SAY(close(fd));
    say_file("a");
    SAY(fd = open("a", O_RDWR | O_TRUNC));
    SAY(lseek(fd, 0, SEEK_END));
    SAY(close(fd));
    SAY(fd = creat("a", 0600));
    SAY(write(fd, "new", 3));
    SAY(close(fd));
    say_stat("a");
    SAY(open("a/", O_RDONLY));
    SAY(open("a/b", O_RDONLY));
    SAY(open("b/", O_WRONLY | O_CREAT, 0644));
    SAY(open(".", O_WRONLY));
    SAY(open(".", O_RDONLY | O_CREAT, 0644));
    SAY(open("", O_RDONLY));
    SAY(open("a", O_RDONLY | O_DIRECTORY));
    SAY(fd = open(".", O_RDONLY | O_DIRECTORY));
    SAY(read(fd, &fd, 1));
    SAY(close(fd));
    SAY(umask(077));
    SAY(fd = open("masked", O_WRONLY | O_CREAT, 0666));
    SAY(close(fd));
    SAY(umask(022));
    say_stat("masked");
}

static void names_that_are_long(void)
{
    char path[5000];
    printf("-- long names\n");
    memset(path, 'n', sizeof(path));
    path[255] = '\0';
    SAY(creat(path, 0644) >= 0 ? 0 : -1);
    SAY(unlink(path));
    path[255] = 'n';
    path[256] = '\0';
    SAY(creat(path, 0644));
    SAY(stat(path, &(struct stat){0}));
    for (size_t i = 0; i + 2 < sizeof(path); i += 2) {
        memcpy(path + i, "./", 2);
    }
    path[4094] = 'a';
    path[4095] = '\0';
    SAY(access(path, F_OK));
    memcpy(path + 4094, "./a", 4);
    SAY(access(path, F_OK));
}

static void rights(void)
{
    int fd;
    printf("-- rights\n");
    SAY(fd = open("locked", O_RDWR | O_CREAT, 0));
    SAY(write(fd, "12345", 5));
    SAY(close(fd));
    SAY(open("locked", O_RDONLY));
    SAY(chmod("locked", 0400));
    SAY(open("locked", O_WRONLY));
    SAY(open("locked", O_RDONLY | O_TRUNC));
    SAY(truncate("locked", 0));
    SAY(access("locked", R_OK));
    SAY(access("locked", W_OK));
    SAY(access("locked", X_OK));
    say_file("locked");
    SAY(fd = open("locked", O_RDONLY));
    SAY(ftruncate(fd, 0));
    SAY(fchmod(fd, 0700));
    SAY(close(fd));
    SAY(access("locked", R_OK | W_OK | X_OK));
    SAY(mkdir("shut", 0700));
    SAY(creat("shut/in", 0600) >= 0 ? 0 : -1);
    SAY(chmod("shut", 0500));
    SAY(creat("shut/new", 0600));
    SAY(unlink("shut/in"));
    SAY(rename("shut/in", "out"));
    SAY(mkdir("shut/new", 0700));
    SAY(chmod("shut", 0600));
    SAY(open("shut/in", O_RDONLY));
    SAY(chdir("shut"));
    SAY(chmod("shut", 0700));
    SAY(unlink("shut/in"));
    SAY(rmdir("shut"));
    SAY(chmod("none", 0700));
}

static void sizes(void)
{
    char bytes[8];
    struct stat status;
    int fd;
    printf("-- sizes\n");
    SAY(fill("s", "0123456789"));
    SAY(truncate("s", 4));
    say_file("s");
    SAY(truncate("s", 8));
    say_file("s");
    SAY(truncate("none", 8));
    SAY(truncate("s", -1));
    SAY(truncate(".", 0));
    SAY(fd = open("s", O_RDWR));
    SAY(lseek(fd, 10000, SEEK_SET));
    SAY(read(fd, bytes, 1));
    SAY(write(fd, "end", 3));
    SAY(lseek(fd, 0, SEEK_CUR));
    SAY(fstat(fd, &status));
    SAY(status.st_size);
    SAY(pread(fd, bytes, 8, 9998));
    SAY(bytes[0] == 0 && bytes[1] == 0 && memcmp(bytes + 2, "end", 3) == 0);
    SAY(pread(fd, bytes, 1, -1));
    SAY(pwrite(fd, "X", 1, 2));
    SAY(pread(fd, bytes, 4, 0));
    SAY(memcmp(bytes, "01X3", 4));
    SAY(lseek(fd, -1, SEEK_SET));
    SAY(lseek(fd, 0, 99));
    SAY(ftruncate(fd, -1));
    SAY(ftruncate(fd, 3));
    SAY(lseek(fd, 0, SEEK_CUR));
    SAY(write(fd, "", 0));
    SAY(fsync(fd));
    SAY(close(fd));
    say_stat("s");
    SAY(fsync(fd));
    SAY(ftruncate(0, 0) == -1 && (errno == EINVAL || errno == EBADF));
}

static void appending(void)
{
    char byte;
    int one;
    int two;
    printf("-- appending\n");
    SAY(fill("log", "one\n"));
    SAY(one = open("log", O_RDWR | O_APPEND));
    SAY(two = open("log", O_WRONLY | O_APPEND));
    SAY(write(one, "two\n", 4));
    SAY(write(two, "three\n", 6));
    SAY(lseek(one, 0, SEEK_SET));
    SAY(read(one, &byte, 1));
    SAY(byte);
    SAY(write(one, "four\n", 5));
    SAY(lseek(one, 0, SEEK_CUR));
    SAY(pwrite(one, "five\n", 5, 0));
    SAY(fcntl(two, F_GETFL) & (O_ACCMODE | O_APPEND) & ~O_APPEND);
    SAY((fcntl(two, F_GETFL) & O_APPEND) != 0);
    SAY(fcntl(two, F_SETFL, 0));
    SAY(write(two, "ZERO", 4));
    SAY(lseek(two, 0, SEEK_CUR));
    SAY(lseek(two, 0, SEEK_SET));
    SAY(write(two, "ONE", 3));
    SAY(close(one));
    SAY(close(two));
    say_file("log");
}

static void unlinking(void)
{
    struct stat status;
    char bytes[16];
    int fd;
    printf("-- unlinking what is open\n");
    SAY(fill("gone", "still here"));
    SAY(fd = open("gone", O_RDWR));
    SAY(unlink("gone"));
    SAY(open("gone", O_RDONLY));
    SAY(fstat(fd, &status));
    SAY(status.st_nlink);
    SAY(read(fd, bytes, 16));
    SAY(memcmp(bytes, "still here", 10));
    SAY(lseek(fd, 9000, SEEK_SET));
    SAY(write(fd, "more", 4));
    SAY(ftruncate(fd, 9002));
    SAY(fstat(fd, &status));
    SAY(status.st_size);
    char *memory = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    SAY(memory == MAP_FAILED);
    SAY(fill("gone", "another"));
    SAY(close(fd));
    SAY(memory[9000]);
    SAY(memcmp(memory, "still here", 10));
    SAY(munmap(memory, 3 * PAGE));
    say_file("gone");
    SAY(unlink("none"));
    SAY(unlink("gone/"));
    SAY(unlink("."));
    SAY(unlink("gone"));
    SAY(unlink("gone"));
}

static void mappings(void)
{
    char bytes[16];
    int fd;
    printf("-- mappings\n");
    SAY(fill("map", "0123456789"));
    SAY(fd = open("map", O_RDWR));
    char *shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SAY(shared == MAP_FAILED || private == MAP_FAILED);
    SAY(memcmp(shared, "0123456789\0", 12));
    SAY(pwrite(fd, "A", 1, 0));
    SAY(shared[0]);
    SAY(private[0]);
    shared[1] = 'B';
    SAY(pread(fd, bytes, 4, 0));
    SAY(memcmp(bytes, "AB23", 4));
    private[2] = 'C';
    shared[3] = 'D';
    SAY(pread(fd, bytes, 4, 0));
    SAY(memcmp(bytes, "AB2D", 4));
    SAY(private[2]);
    shared[20] = 'Z'; /* past the end, in the last page */
    SAY(pread(fd, bytes, 16, 8));
    SAY(ftruncate(fd, 30));
    SAY(pread(fd, bytes, 1, 9));
    SAY(ftruncate(fd, PAGE + 1));
    shared[PAGE] = 'E';
    SAY(pread(fd, bytes, 2, PAGE));
    SAY(bytes[0]);
    SAY(close(fd));
    shared[4] = 'F';
    say_stat("map");
    SAY(fd = open("map", O_RDONLY));
    SAY(pread(fd, bytes, 1, 4));
    SAY(bytes[0]);
    SAY(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    char *read_only = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SAY(read_only == MAP_FAILED);
    SAY(mprotect(read_only, PAGE, PROT_READ | PROT_WRITE));
    SAY(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    SAY(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    SAY(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    SAY(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1) == MAP_FAILED ? -1 : 0);
    SAY(close(fd));
    SAY(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    SAY(fd = open("map", O_WRONLY));
    SAY(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    SAY(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    SAY(close(fd));
    SAY(fd = open(".", O_RDONLY));
    SAY(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    SAY(close(fd));
    SAY(truncate("map", 0));
    SAY(truncate("map", 10));
    SAY(shared[1]);
}

/* How a process ends that reads or writes there: 0, or what its signal is here. */
static int end_of(volatile char *at, bool writes)
{
    int status = 0;
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        if (writes) {
            *at = 'w';
        } else {
            (void)*at;
        }
        _exit(0);
    }
    (void)waitpid(pid, &status, 0);
    if (!WIFSIGNALED(status)) {
        return WEXITSTATUS(status);
    }
    return WTERMSIG(status) == SIGBUS ? BUS_ERROR : WTERMSIG(status) == SIGSEGV ? ACCESS_ERROR : 1;
}

static void faults(void)
{
    int fd;
    printf("-- faults in mappings\n");
    SAY(fill("fault", "0123456789"));
    SAY(fd = open("fault", O_RDWR));
    char *map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SAY(map == MAP_FAILED || own == MAP_FAILED);
    SAY(end_of(map + PAGE - 1, false));
    SAY(end_of(map + PAGE, false));
    SAY(end_of(map + PAGE, true));
    SAY(ftruncate(fd, 2 * PAGE));
    SAY(end_of(map + PAGE, true));
    SAY(map[PAGE]);
    own[1] = 'x';
    own[PAGE] = 'y';
    SAY(ftruncate(fd, PAGE));
    SAY(end_of(own + PAGE, false));
    SAY(end_of(own + PAGE, true));
    SAY(ftruncate(fd, 2 * PAGE));
    SAY(own[PAGE]);
    SAY(own[1]);
    SAY(own[2]);
    char *longer = mremap(map, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
    SAY(longer == MAP_FAILED);
    SAY(memcmp(longer, "0123456789", 10));
    SAY(end_of(longer + 4 * PAGE, false));
    SAY(pread(fd, longer + 100, 10, 0)); /* from the page that it goes to */
    SAY(memcmp(longer + 100, "0123456789", 10));
    SAY(pwrite(fd, longer, 10, PAGE));
    SAY(memcmp(longer + PAGE, longer, 10));
    SAY(pread(fd, longer + 4 * PAGE, 10, 0));
    SAY(pwrite(fd, longer + 4 * PAGE, 10, 0));
    SAY(pread(fd, longer + 2 * PAGE - 4, 10, 0));
    SAY(msync(longer, 2 * PAGE, MS_SYNC));
    SAY(munmap(longer, 5 * PAGE));
    SAY(munmap(own, 2 * PAGE));
    SAY(close(fd));
    SAY(chmod("fault", 0444));
    SAY(fd = open("fault", O_RDONLY));
    map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SAY(map == MAP_FAILED);
    SAY(end_of(map, true));
    SAY(mprotect(map, PAGE, PROT_READ | PROT_WRITE));
    SAY(mprotect(map, PAGE, PROT_NONE));
    SAY(end_of(map, false));
    SAY(pread(fd, map, 1, 0));
    SAY(mprotect(map, PAGE, PROT_READ));
    SAY(map[5]);
    SAY(munmap(map, PAGE));
    SAY(close(fd));
    SAY(unlink("fault"));
}

int main(int argc, char **argv)
{
    if (argc != 2 || (mkdir(argv[1], 0755) != 0 && errno != EEXIST) || chdir(argv[1]) != 0) {
        printf("usage: storage_guest FOLDER\n");
        return 2;
    }
    umask(022);
    flags_of_open();
    names_that_are_long();
    rights();
    sizes();
    appending();
    unlinking();
    mappings();
    faults();
    storage_names();
    return 0;
}
