/* SPDX-License-Identifier: MIT */
/*
 * Folders, renaming, descriptors, streams and locks.
 */
#include "storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void folders(void)
{
    char path[300];
    char place[300];
    printf("-- folders\n");
    SAY(mkdir("d", 0755));
    SAY(mkdir("d", 0755));
    SAY(mkdir("d/", 0755));
    SAY(mkdir("d/e/", 0755));
    SAY(mkdir("d/f/g", 0755));
    SAY(mkdir("a/g", 0755));
    SAY(mkdir(".", 0755));
    SAY(mkdir("d/..", 0755));
    SAY(mkdir("", 0755));
    SAY(fill("d/x", "x"));
    say_folder("d");
    say_stat("d");
    SAY(rmdir("d"));
    SAY(rmdir("d/e/."));
    SAY(rmdir("d/e/.."));
    SAY(rmdir("d/x"));
    SAY(rmdir("none"));
    SAY(unlink("d"));
    SAY(unlink("d/e/"));
    SAY(chdir("d/x"));
    SAY(chdir("none"));
    SAY(getcwd(place, sizeof(place)) == NULL);
    SAY(chdir("d/e"));
    SAY(getcwd(path, sizeof(path)) == NULL);
    printf("  %s\n", path + strlen(place));
    SAY(getcwd(path, 3) == NULL ? -1 : 0);
    SAY(fill("../y", "y"));
    SAY(access("../x", F_OK));
    SAY(chdir("../.."));
    say_folder("d");
    SAY(remove("d/e"));
    SAY(remove("d/x"));
    SAY(remove("d/y"));
    SAY(rmdir("d/"));
    say_folder("d");
    say_folder("a");
}

static void renaming(void)
{
    int fd;
    printf("-- renaming\n");
    SAY(fill("one", "1"));
    SAY(fill("two", "2"));
    SAY(fd = open("two", O_RDONLY));
    SAY(rename("one", "two"));
    say_file("two");
    char byte = 0;
    SAY(read(fd, &byte, 1));
    SAY(byte);
    SAY(close(fd));
    SAY(rename("one", "three"));
    SAY(rename("two", "two"));
    SAY(rename("two", "none/two"));
    SAY(rename("two/", "three"));
    SAY(rename("two", "three/"));
    SAY(rename("two", "."));
    SAY(rename("..", "three"));
    SAY(mkdir("full", 0755));
    SAY(mkdir("full/in", 0755));
    SAY(mkdir("empty", 0755));
    SAY(rename("two", "empty"));
    SAY(rename("empty", "two"));
    SAY(rename("empty", "full"));
    SAY(rename("full", "full/in/side"));
    SAY(rename("full/in", "full"));
    SAY(rename("full", "empty"));
    say_folder("empty");
    say_stat("empty");
    SAY(rename("empty/in", "out/"));
    SAY(rename("out", "empty/out"));
    say_folder("empty");
    SAY(rmdir("empty/out"));
    SAY(rmdir("empty"));
    SAY(unlink("two"));
}

static void descriptors(void)
{
    char bytes[8];
    int fd;
    int twin;
    printf("-- descriptors\n");
    SAY(fill("f", "abcdefgh"));
    SAY(fd = open("f", O_RDWR));
    SAY(twin = dup(fd));
    SAY(read(fd, bytes, 2));
    SAY(read(twin, bytes, 1));
    SAY(bytes[0]);
    SAY(dup2(fd, fd));
    SAY(dup2(fd, 20));
    SAY(lseek(20, 0, SEEK_CUR));
    SAY(dup2(fd, -1));
    SAY(dup2(19, 18));
    SAY(close(19));
    SAY(fcntl(fd, F_DUPFD, 10));
    SAY(fcntl(fd, F_GETFD));
    SAY(fcntl(fd, F_SETFD, FD_CLOEXEC));
    SAY(fcntl(fd, F_GETFD));
    SAY(fcntl(twin, F_GETFD));
    SAY(close(10));
    SAY(close(20));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        /* The offset is the parent's too. */
        _exit(read(fd, bytes, 2) == 2 && bytes[0] == 'd' && lseek(twin, 1, SEEK_CUR) == 6 ? 7 : 1);
    }
    SAY(status_of(pid));
    SAY(lseek(fd, 0, SEEK_CUR));
    SAY(close(fd));
    SAY(read(twin, bytes, 8));
    pid = fork();
    if (pid == 0) {
        _exit(write(twin, "ij", 2) == 2 && close(twin) == 0 ? 7 : 1);
    }
    SAY(status_of(pid));
    SAY(write(twin, "k", 1));
    SAY(close(twin));
    say_file("f");
}

static void streams(void)
{
    char line[32];
    FILE *stream = fopen("text", "w");
    printf("-- streams\n");
    SAY(stream != NULL);
    SAY(fprintf(stream, "first %d\n", 1));
    SAY(fputs("second\n", stream) >= 0);
    SAY(fclose(stream));
    stream = fopen("text", "a");
    SAY(fprintf(stream, "third\n"));
    SAY(fclose(stream));
    stream = fopen("text", "r+");
    SAY(fgets(line, sizeof(line), stream) != NULL);
    printf("  %s", line);
    SAY(fseek(stream, 0, SEEK_SET));
    SAY(fputs("FIRST", stream) >= 0);
    SAY(fclose(stream));
    say_file("text");
    SAY(fopen("none/x", "w") == NULL ? -1 : 0);
    SAY(fopen("none", "r") == NULL ? -1 : 0);
    SAY(fopen(".", "w") == NULL ? -1 : 0);
    SAY(remove("text"));
}

static void locks(void)
{
    int one;
    int two;
    printf("-- locks\n");
    SAY(one = open("f", O_RDONLY));
    SAY(two = open("f", O_RDWR));
    SAY(flock(one, LOCK_SH));
    SAY(flock(two, LOCK_SH | LOCK_NB));
    SAY(flock(one, LOCK_EX | LOCK_NB));
    SAY(flock(two, LOCK_EX | LOCK_NB));
    SAY(flock(one, LOCK_EX | LOCK_NB));
    SAY(flock(two, LOCK_UN));
    SAY(flock(one, LOCK_EX | LOCK_NB));
    SAY(flock(two, LOCK_SH | LOCK_NB));
    SAY(flock(one, LOCK_EX));
    SAY(flock(one, 0));
    SAY(flock(99, LOCK_SH));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        const int mine = open("f", O_RDONLY);
        /* The inherited one is the parent's lock; one's own is not. */
        _exit(flock(one, LOCK_EX | LOCK_NB) == 0 && flock(mine, LOCK_SH | LOCK_NB) == -1 &&
                      errno == EWOULDBLOCK
                  ? 7
                  : 1);
    }
    SAY(status_of(pid));
    SAY(flock(two, LOCK_SH | LOCK_NB));
    pid = fork();
    if (pid == 0) {
        const int mine = open("f", O_RDONLY);
        _exit(close(one) == 0 && flock(mine, LOCK_EX) == 0 ? 7 : 1); /* waits */
    }
    usleep(100000);
    SAY(close(one));
    SAY(status_of(pid));
    SAY(flock(two, LOCK_EX | LOCK_NB)); /* that one has ended */
    SAY(close(two));
}

void storage_names(void)
{
    folders();
    renaming();
    descriptors();
    streams();
    locks();
    say_folder(".");
}
