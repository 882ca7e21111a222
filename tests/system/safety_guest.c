/* SPDX-License-Identifier: MIT */
/*
 * A program for safety_test.py, compiled by cross/cc: does what its argument says.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/kernel.h>
#include <hf/thread.h>

#define NOINLINE __attribute__((noinline))

static const char constant[] = "constant";
extern uint64_t __stack_chk_guard;

NOINLINE static void write_to(volatile char *where)
{
    *where = 1;
}

NOINLINE static void jump_to(uint64_t where)
{
    ((void (*)(void))where)();
    printf("back\n");
}

/* Writes over its return address, and would return to where the text says. */
NOINLINE static void smash(const char *text, size_t length)
{
    char room[16];
    memcpy(room, text, length);
    printf("%s\n", room);
}

/* Uses more stack than there is. */
NOINLINE static int recurse(uint64_t depth)
{
    volatile char room[512];
    room[depth % sizeof(room)] = (char)depth;
    return depth == 0 ? 0 : recurse(depth - 1) + room[depth % sizeof(room)];
}

static void recurse_in_thread(void *argument)
{
    *(int *)argument = recurse(UINT64_MAX);
}

static void show_places(void)
{
    int here = 0;
    void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("stack %p\nmapping %p\nguard %016llx\n", (void *)&here, map,
           (unsigned long long)__stack_chk_guard);
}

int main(int argc, char **argv)
{
    static char text[256];
    const char *what = argc > 1 ? argv[1] : "";
    char *freed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(text, 'x', sizeof(text) - 1);
    if (strcmp(what, "places") == 0) {
        show_places();
    } else if (strcmp(what, "smash") == 0) {
        smash(text, 100);
    } else if (strcmp(what, "null") == 0) {
        write_to((volatile char *)8);
    } else if (strcmp(what, "child") == 0) {
        if (fork() == 0) {
            write_to((volatile char *)8);
        }
        return wait(NULL) > 0 ? 0 : 1;
    } else if (strcmp(what, "text") == 0) {
        write_to((volatile char *)(uintptr_t)write_to);
    } else if (strcmp(what, "constant") == 0) {
        write_to((volatile char *)(uintptr_t)constant);
    } else if (strcmp(what, "data") == 0) {
        jump_to((uint64_t)text);
    } else if (strcmp(what, "stack") == 0) {
        jump_to((uint64_t)&what);
    } else if (strcmp(what, "freed") == 0) {
        munmap(freed, 4096);
        write_to(freed);
    } else if (strcmp(what, "recurse") == 0) {
        return recurse(UINT64_MAX);
    } else if (strcmp(what, "recurse in a thread") == 0) {
        static struct hf_thread thread;
        int result = 0;
        if (hf_thread_run(&thread, PRIORITY_DEFAULT, recurse_in_thread, &result) == ERR_OK) {
            hf_thread_join(&thread);
        }
        return result;
    } else if (strcmp(what, "illegal") == 0) {
        __asm__ volatile("unimp");
    } else {
        return 2;
    }
    return 0;
}
