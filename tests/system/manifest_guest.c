/* SPDX-License-Identifier: MIT */
/*
 * A program that finds out what it may do, for manifest_test.py: prints one line a right. Without
 * an argument it ends with status 5 at once; as "server" it answers at the endpoint in slot 64.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/name.h>

#define HUNT_ENDS  90u /* in all; the manifest lets it be started again as often */
#define HUNT_EARLY 2u

static void say(const char *what, enum err error)
{
    printf("%s: %s\n", what, hf_strerror(error));
}

/* The highest priority that a thread of this process may have. */
static void say_priority(void)
{
    struct mem_thread_make_rep thread;
    uint64_t priority = 0;
    while (priority < PRIORITY_COUNT && hf_thread_make(HF_OWN_SPACE, priority, &thread) == ERR_OK) {
        (void)hf_thread_end(thread.thread, 0);
        (void)hf_handle_close(thread.thread);
        priority++;
    }
    printf("priorities below %lu\n", (unsigned long)priority);
}

static void say_lock(void)
{
    struct mem_limits_rep limit;
    uint64_t addr = 0;
    enum err error = hf_limit_get_bytes(HF_OWN_SPACE, MEM_LIMIT_LOCKED, &limit);
    if (error == ERR_OK) {
        const struct hf_map map = {.length = limit.value + HF_PAGE_BYTES,
                                   .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                                   .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
        error = hf_map(map, &addr);
    }
    if (error == ERR_OK) {
        error = hf_lock(HF_OWN_SPACE, addr, limit.value + HF_PAGE_BYTES, 0);
    }
    say("lock beyond the limit", error);
}

static void say_child(const char *what, uint64_t priority, uint64_t privileges)
{
    struct mem_space_make_rep made;
    enum err error = hf_space_make_privileged("child", 0, priority, privileges, &made);
    if (error == ERR_OK) {
        (void)hf_space_end(made.space, 0);
        (void)hf_space_end(made.space, 0);
        (void)hf_handle_close(made.space);
        (void)hf_handle_close(made.kernel_space);
    }
    say(what, error);
}

/* What the slots hold that a manifest can fill. */
static void say_handles(void)
{
    uint64_t count = 0;
    if (hf_handles_read(0, 0, &count) != ERR_OK) {
        return;
    }
    const struct handle_info *infos = hf_message_page();
    char line[256] = "slots";
    for (uint64_t i = 0; i < count; i++) {
        const size_t length = strlen(line);
        snprintf(line + length, sizeof(line) - length, " %u:%u:%lx", infos[i].slot, infos[i].rights,
                 (unsigned long)(infos[i].slot >= 64 ? infos[i].badge : 0));
    }
    puts(line);
}

/* The processes that may be looked at: names, and whether more than looking is possible. */
static void say_look(void)
{
    struct mem_look_rep rep = {.space_id = 0};
    struct mem_query_rep totals;
    uint64_t addr = 0;
    while (hf_look(rep.space_id, &rep) == ERR_OK) {
        const struct hf_map map = {.space = rep.space,
                                   .length = HF_PAGE_BYTES,
                                   .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
        printf("see %.16s: %s, %s, %s\n", rep.name,
               hf_strerror(hf_query(rep.space, 0, 0, NULL, &totals)),
               hf_strerror(hf_map(map, &addr)), hf_strerror(hf_space_end(rep.space, 0)));
        (void)hf_handle_close(rep.space);
    }
}

static void say_budget(void)
{
    struct mem_limits_rep rep;
    enum err error = hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &rep);
    printf("budget %lu (%s)\n", (unsigned long)rep.value, hf_strerror(error));
}

/* How the machine promises memory: the mode, and what is refused of half and twice the frames. */
static void say_commit(void)
{
    struct mem_commit_rep commit;
    uint64_t addr = 0;
    if (hf_commit_get(&commit) != ERR_OK) {
        return;
    }
    const struct hf_map half = {.length = commit.frames / 2 * HF_PAGE_BYTES,
                                .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                                .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
    struct hf_map twice = half;
    twice.length *= 4;
    printf("commit %lu, %lu percent, limit %s\n", (unsigned long)commit.mode,
           (unsigned long)commit.percent, commit.limit == MEM_UNLIMITED ? "none" : "some");
    say("half", hf_map(half, &addr));
    say("another half", hf_map(half, &addr));
    say("a third half", hf_map(half, &addr));
    say("twice", hf_map(twice, &addr));
    say("set by a program", hf_commit_set(MEM_COMMIT_ALWAYS, 100));
}

/* Leave a name of shared memory behind, with three pages of five written. */
static int leave_name(void)
{
    const int fd = shm_open("/left", O_RDWR | O_CREAT | O_EXCL, 0600);
    char *pages = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, 5 * HF_PAGE_BYTES) == 0) {
        pages = mmap(NULL, 5 * HF_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    for (size_t i = 0; pages != MAP_FAILED && i < 3; i++) {
        pages[i * HF_PAGE_BYTES] = 1;
    }
    return pages != MAP_FAILED ? 7 : 1;
}

static void say_names(void)
{
    uint64_t endpoint = 0;
    uint64_t found = 0;
    enum err error = hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT);
    if (error == ERR_OK) {
        error = hf_object_make(OBJECT_ENDPOINT, 0, &endpoint);
    }
    say("register sum", error == ERR_OK ? hf_name_register("sum", endpoint) : error);
    say("find sum", hf_name_find("sum", 1, &found));
}

/* End each process of this name on sight, some before they run; then it must be served. */
static int hunt(void)
{
    unsigned ended_early = 0;
    uint64_t last = 0; /* that was ended: one that goes can be seen for a while */
    for (unsigned ends = 0; ends < HUNT_ENDS && ended_early < HUNT_EARLY;) {
        struct mem_look_rep process = {.space_id = 0};
        while (hf_look(process.space_id, &process) == ERR_OK) {
            if (strcmp(process.name, "bin/server") == 0 && process.space_id != last &&
                hf_space_end(process.space, 0) == ERR_OK) {
                last = process.space_id;
                ended_early += process.threads == 0;
                ends++;
            }
            (void)hf_handle_close(process.space);
        }
    }
    struct hf_message message = {.tag = 0};
    printf("ended before they ran: %s\n", ended_early == HUNT_EARLY ? "enough" : "too few");
    say("the next one", hf_call(70, &message));
    return 0;
}

int main(int argc, char **argv)
{
    if (strcmp(argv[0], "server") == 0) {
        struct hf_request request = {.badge = 0};
        while (hf_reply_wait(64, &request) == ERR_OK) {
            request.message = (struct hf_message){.tag = 0};
        }
    }
    if (argc < 2) {
        return 5;
    }
    if (strcmp(argv[1], "hunt") == 0) {
        return hunt();
    }
    if (strcmp(argv[1], "leave") == 0) {
        return leave_name();
    }
    if (strcmp(argv[1], "commit") == 0) {
        say_commit();
        return 0;
    }
    if (strcmp(argv[1], "names") == 0) {
        say_names();
        return 0;
    }
    say_handles();
    say_priority();
    say_lock();
    say_child("child of priority 8", 8, 0);
    say_child("child that may lock", 1, MEM_PRIVILEGE_LOCK);
    say_child("child that may map low", 1, MEM_PRIVILEGE_LOW);
    say_child("child that may look", 1, MEM_PRIVILEGE_LOOK);
    say_child("child that may have DMA", 1, MEM_PRIVILEGE_DMA);
    say_child("child that may kill", 1, MEM_PRIVILEGE_KILL);
    say_child("child that may know frames", 1, MEM_PRIVILEGE_PHYSICAL);
    say_child("child with an unknown privilege", 1, MEM_PRIVILEGES + 1);
    say_look();
    say_budget();
    return 0;
}
