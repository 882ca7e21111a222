/* SPDX-License-Identifier: MIT */
/*
 * Starting, telling and ending the process of Linux.
 */
#include "peer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: become the program. */
static _Noreturn void become(const char *program, int slot, int commands, int done)
{
    char words[3][16];
    char zero[] = "0";
    char *argv[] = {(char *)program, words[0], words[1], words[2], zero, NULL};
    /* No environment: it would only lie about. */
    char *envp[] = {NULL};

    snprintf(words[0], sizeof(words[0]), "%d", slot);
    snprintf(words[1], sizeof(words[1]), "%d", commands);
    snprintf(words[2], sizeof(words[2]), "%d", done);
    execve(program, argv, envp);
    fprintf(stderr, "oracle: cannot start %s: %s\n", program, strerror(errno));
    _exit(127);
}

/* Wait for `expected`. Returns: whether it came. */
static bool hear(struct peer *peer, char expected)
{
    char byte = 0;
    int status;

    for (;;) {
        ssize_t bytes = read(peer->done, &byte, 1);
        if (bytes == 1) {
            return byte == expected;
        }
        if (bytes == 0 || errno != EINTR) {
            break;
        }
    }
    if (waitpid(peer->process, &status, 0) == peer->process) {
        peer->process = 0;
        snprintf(peer->slot->failure, sizeof(peer->slot->failure), "the process ended with %s %d",
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    return false;
}

bool peer_start(struct peer *peer, const char *program, bool is_privileged, bool is_crowded)
{
    int commands[2];
    int done[2];

    int file = memfd_create("slot", 0);
    if (file < 0 || ftruncate(file, sizeof(struct slot)) != 0 || pipe(commands) != 0 ||
        pipe(done) != 0) {
        perror("oracle");
        exit(2);
    }
    peer->slot = mmap(NULL, sizeof(struct slot), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (peer->slot == MAP_FAILED) {
        perror("oracle");
        exit(2);
    }
    peer->slot->sequence.is_privileged = is_privileged;
    peer->slot->sequence.spare = is_crowded ? 0 : SLOT_NOT_CROWDED;
    peer->process = fork();
    if (peer->process < 0) {
        perror("oracle: fork");
        exit(2);
    }
    if (peer->process == 0) {
        close(commands[1]);
        close(done[0]);
        become(program, file, commands[0], done[1]);
    }
    close(file);
    close(commands[0]);
    close(done[1]);
    peer->commands = commands[1];
    peer->done = done[0];
    return hear(peer, SLOT_READY);
}

void peer_post(struct peer *peer)
{
    char byte = 'g';

    if (write(peer->commands, &byte, 1) != 1 && errno != EPIPE) {
        perror("oracle: pipe");
        exit(2);
    }
}

bool peer_wait(struct peer *peer)
{
    return hear(peer, SLOT_DONE);
}

void peer_stop(struct peer *peer)
{
    close(peer->commands);
    close(peer->done);
    if (peer->process > 0) {
        kill(peer->process, SIGKILL);
        waitpid(peer->process, NULL, 0);
    }
    munmap(peer->slot, sizeof(struct slot));
    *peer = (struct peer){0};
}
