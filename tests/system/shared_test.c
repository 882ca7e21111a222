/* SPDX-License-Identifier: MIT */
/*
 * Shared memory: anonymous, by descriptor, by name and by handle, among processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/shared.h>
#include <tap.h>

#include "area.h"
#include "balance.h"

#define CHILD_OK 42

static volatile unsigned char *map(int fd, uint64_t pages, int prot, int flags)
{
    void *memory = mmap(NULL, pages * PAGE, prot, flags, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static bool unmap(volatile unsigned char *memory, uint64_t pages)
{
    return munmap((void *)memory, pages * PAGE) == 0;
}

static void child_leave(bool is_ok)
{
    _exit(is_ok ? CHILD_OK : 1);
}

/* The status with which the child ended; minus the signal that ended it. */
static int status_of(pid_t pid)
{
    int status = 0;
    if (pid <= 0 || waitpid(pid, &status, 0) != pid) {
        return -1000;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* What ends a process that reads there: 0, or minus a signal. */
static int end_of_read(const volatile unsigned char *at)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)*at;
        _exit(0);
    }
    return status_of(pid);
}

static int64_t size_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? (int64_t)status.st_size : -1;
}

TAP_TEST(r21_anonymous_shared_memory_is_seen_by_parent_and_child)
{
    const int prot = PROT_READ | PROT_WRITE;
    const uint64_t before = balance_free();
    volatile unsigned char *memory = map(-1, 600, prot, MAP_SHARED | MAP_ANONYMOUS);
    REQUIRE(memory != NULL);
    memory[0] = 1;
    pid_t pid = fork();
    if (pid == 0) {
        bool is_ok = memory[0] == 1;
        for (unsigned i = 0; i < 600; i++) {
            memory[i * PAGE] = (unsigned char)(i + 3);
        }
        child_leave(is_ok);
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    bool is_ok = true;
    for (unsigned i = 0; i < 600; i++) {
        is_ok = is_ok && memory[i * PAGE] == (unsigned char)(i + 3) && memory[i * PAGE + 9] == 0;
    }
    EXPECT(is_ok);
    EXPECT(unmap(memory, 600));
    EXPECT(balance_free() + 16 >= before);
}

TAP_TEST(r21_neighbours_that_are_anonymous_and_shared_stay_two_regions)
{
    const int prot = PROT_READ | PROT_WRITE;
    struct mem_region regions[3];
    struct mem_query_rep rep;
    volatile unsigned char *memory = map(-1, 4, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
    REQUIRE(memory != NULL);
    for (unsigned i = 0; i < 2; i++) {
        void *at = (void *)(memory + 2 * i * PAGE);
        EXPECT(mmap(at, 2 * PAGE, prot, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
    }
    memory[2 * PAGE] = 1;
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, (uint64_t)memory, 2, regions, &rep), ERR_OK));
    EXPECT_U64(regions[0].end, (uint64_t)memory + 2 * PAGE);
    EXPECT_U64(regions[0].flags, MAP_SHARED | MAP_ANONYMOUS);
    EXPECT_U64(regions[0].resident, 0);
    EXPECT_U64(regions[1].resident, 1);
    EXPECT(regions[0].object != 0 && regions[0].object != regions[1].object);
    EXPECT(unmap(memory, 4));
}

TAP_TEST(a_memfd_is_a_file_that_can_be_mapped)
{
    char text[8] = {0};
    int fd = memfd_create("test", 0);
    REQUIRE(EXPECT(fd >= 0));
    EXPECT_I64(size_of(fd), 0);
    EXPECT_I64(ftruncate(fd, 2 * PAGE), 0);
    EXPECT_I64(size_of(fd), 2 * PAGE);
    volatile unsigned char *shared = map(fd, 2, PROT_READ | PROT_WRITE, MAP_SHARED);
    volatile unsigned char *own = map(fd, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    REQUIRE(shared != NULL && own != NULL);
    shared[PAGE] = 'a';
    EXPECT(own[PAGE] == 'a');
    own[PAGE] = 'b';
    EXPECT(shared[PAGE] == 'a');
    EXPECT_I64(lseek(fd, PAGE, SEEK_SET), PAGE);
    EXPECT_I64(read(fd, text, 2), 2);
    EXPECT(text[0] == 'a' && text[1] == 0);
    EXPECT_I64(lseek(fd, -2, SEEK_END), 2 * PAGE - 2);
    EXPECT_I64(write(fd, "wxyz", 4), 4);
    EXPECT_I64(size_of(fd), 2 * PAGE + 2);
    EXPECT(shared[2 * PAGE - 1] == 'x');
    EXPECT_I64(close(fd), 0);
    EXPECT_I64(read(fd, text, 1), -1);
    EXPECT_I64(errno, EBADF);
    shared[0] = 7;
    EXPECT(own[0] == 7 && own[PAGE] == 'b');
    EXPECT(unmap(shared, 2) && unmap(own, 2));
}

TAP_TEST(pages_past_the_end_are_a_bus_error_and_come_back_as_zeros)
{
    int fd = memfd_create("test", 0);
    REQUIRE(EXPECT(fd >= 0));
    EXPECT_I64(ftruncate(fd, 3 * PAGE), 0);
    volatile unsigned char *shared = map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED);
    volatile unsigned char *own = map(fd, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    REQUIRE(shared != NULL && own != NULL);
    for (unsigned i = 0; i < 3; i++) {
        memset((void *)(shared + i * PAGE), 9, PAGE);
        own[i * PAGE] = 5;
    }
    EXPECT_I64(end_of_read(shared + 3 * PAGE), -SIGBUS);
    EXPECT_I64(ftruncate(fd, PAGE + 100), 0);
    EXPECT_I64(end_of_read(shared + 2 * PAGE), -SIGBUS);
    EXPECT_I64(end_of_read(own + 2 * PAGE), -SIGBUS);
    EXPECT(own[PAGE] == 5 && shared[PAGE + 99] == 9 && shared[PAGE + 100] == 0);
    EXPECT_I64(ftruncate(fd, 3 * PAGE), 0);
    EXPECT(shared[2 * PAGE] == 0 && own[2 * PAGE] == 0);
    EXPECT_I64(ftruncate(fd, -1), -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT_I64(close(fd), 0);
    EXPECT(unmap(shared, 4) && unmap(own, 4));
}

/* Until the other process has written `value`. */
static void wait_for(const volatile unsigned char *at, unsigned char value)
{
    while (*at != value) {
        (void)usleep(1000);
    }
}

TAP_TEST(shrinking_reaches_a_process_that_has_the_pages_mapped)
{
    int fd = memfd_create("test", 0);
    REQUIRE(EXPECT(fd >= 0));
    EXPECT_I64(ftruncate(fd, 2 * PAGE), 0);
    volatile unsigned char *shared = map(fd, 2, PROT_READ | PROT_WRITE, MAP_SHARED);
    REQUIRE(shared != NULL);
    pid_t pid = fork();
    if (pid == 0) {
        shared[PAGE] = 1; /* mapped for writing from now on */
        shared[0] = 1;
        wait_for(shared, 2);
        shared[PAGE] = 3;
        child_leave(false);
    }
    wait_for(shared, 1);
    EXPECT_I64(ftruncate(fd, PAGE), 0);
    shared[0] = 2;
    EXPECT_I64(status_of(pid), -SIGBUS);
    EXPECT_I64(close(fd), 0);
    EXPECT(unmap(shared, 2));
}

static bool is_refused(int result, int number)
{
    return result == -1 && errno == number;
}

TAP_TEST(seals_forbid_what_they_name)
{
    int plain = memfd_create("plain", 0);
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    REQUIRE(EXPECT(plain >= 0 && fd >= 0));
    EXPECT_I64(fcntl(plain, F_GET_SEALS), F_SEAL_SEAL);
    EXPECT(is_refused(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW), EPERM));
    EXPECT_I64(fcntl(fd, F_GET_SEALS), 0);
    EXPECT_I64(ftruncate(fd, 2 * PAGE), 0);
    EXPECT_I64(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), 0);
    EXPECT(is_refused(ftruncate(fd, PAGE), EPERM));
    EXPECT(is_refused(ftruncate(fd, 3 * PAGE), EPERM));
    volatile unsigned char *shared = map(fd, 1, PROT_READ | PROT_WRITE, MAP_SHARED);
    REQUIRE(shared != NULL);
    EXPECT(is_refused(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY));
    EXPECT(unmap(shared, 1));
    EXPECT_I64(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    EXPECT(is_refused((int)write(fd, "a", 1), EPERM));
    EXPECT(map(fd, 1, PROT_READ | PROT_WRITE, MAP_SHARED) == NULL && errno == EPERM);
    shared = map(fd, 1, PROT_READ, MAP_SHARED);
    REQUIRE(shared != NULL);
    EXPECT(is_refused(mprotect((void *)shared, PAGE, PROT_READ | PROT_WRITE), EACCES));
    EXPECT(unmap(shared, 1));
    EXPECT_I64(close(plain), 0);
    EXPECT_I64(close(fd), 0);
}

TAP_TEST(names_are_opened_made_once_and_unlinked)
{
    const int create = O_CREAT | O_EXCL | O_RDWR;
    char name[300];
    EXPECT(is_refused(shm_open("/shared-test", O_RDWR, 0), ENOENT));
    int fd = shm_open("/shared-test", create, 0600);
    REQUIRE(EXPECT(fd >= 0));
    EXPECT(is_refused(shm_open("/shared-test", create, 0600), EEXIST));
    EXPECT_I64(ftruncate(fd, PAGE), 0);
    EXPECT_I64(write(fd, "named", 6), 6);
    EXPECT_I64(close(fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int again = shm_open("shared-test", O_RDONLY, 0);
        const volatile unsigned char *memory = map(again, 1, PROT_READ, MAP_SHARED);
        bool is_ok = memory != NULL && memcmp((const void *)memory, "named", 6) == 0;
        is_ok = is_ok && map(again, 1, PROT_READ | PROT_WRITE, MAP_SHARED) == NULL;
        is_ok = is_ok && errno == EACCES && is_refused(ftruncate(again, 0), EINVAL);
        child_leave(is_ok);
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    fd = shm_open("/shared-test", O_CREAT | O_RDWR | O_TRUNC, 0);
    EXPECT_I64(size_of(fd), 0);
    EXPECT_I64(close(fd), 0);
    EXPECT_I64(shm_unlink("/shared-test"), 0);
    EXPECT(is_refused(shm_unlink("/shared-test"), ENOENT));
    EXPECT(is_refused(shm_open("/", create, 0), EINVAL));
    EXPECT(is_refused(shm_open("/a/b", create, 0), EINVAL));
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    EXPECT(is_refused(shm_open(name, create, 0), ENAMETOOLONG));
    name[255] = '\0';
    fd = shm_open(name, create, 0);
    EXPECT(fd >= 0);
    EXPECT_I64(shm_unlink(name), 0);
    EXPECT_I64(close(fd), 0);
}

TAP_TEST(a_child_has_the_descriptors_of_its_parent_and_keeps_the_object)
{
    const uint64_t before = balance_free();
    int fd = memfd_create("test", MFD_ALLOW_SEALING);
    REQUIRE(EXPECT(fd >= 0));
    volatile unsigned char *memory = map(-1, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
    REQUIRE(memory != NULL);
    EXPECT_I64(write(fd, "one", 3), 3);
    pid_t pid = fork();
    if (pid == 0) {
        char text[4] = {0};
        wait_for(memory, 1); /* the parent has closed it */
        bool is_ok = write(fd, "two", 3) == 3 && lseek(fd, 0, SEEK_SET) == 0;
        is_ok = is_ok && read(fd, text, 3) == 3 && memcmp(text, "one", 3) == 0;
        is_ok = is_ok && size_of(fd) == 6 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0;
        child_leave(is_ok && close(fd) == 0 && close(fd) == -1);
    }
    EXPECT_I64(close(fd), 0);
    memory[0] = 1;
    EXPECT_I64(status_of(pid), CHILD_OK);
    EXPECT(unmap(memory, 1));
    EXPECT(balance_free() + 16 >= before);
}

TAP_TEST(r13_a_handle_with_fewer_rights_maps_less_and_goes_stale_with_the_object)
{
    uint64_t object;
    uint64_t read_only;
    uint64_t at;
    struct mem_object_info_rep info;
    const uint64_t rights = MEM_OBJECT_READ | MEM_OBJECT_MAPPABLE;

    REQUIRE(EXPECT_ERR(hf_shared_make(PAGE, 0, 0, &object), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_shared_derive(object, rights, &read_only), ERR_OK));
    struct hf_map shared = {
        .length = PAGE,
        .prot = PROT_READ | PROT_WRITE,
        .flags = MAP_SHARED,
        .object = read_only,
    };
    EXPECT_ERR(hf_map(shared, &at), ERR_ACCES);
    EXPECT_ERR(hf_shared_resize(read_only, 0), ERR_ACCES);
    EXPECT_ERR(hf_shared_derive(read_only, MEM_OBJECT_WRITE, &at), ERR_ACCES);
    shared.prot = PROT_EXEC;
    EXPECT_ERR(hf_map(shared, &at), ERR_PERM);
    REQUIRE(EXPECT_ERR(hf_shared_info(read_only, &info), ERR_OK));
    EXPECT_U64(info.bytes, PAGE);
    EXPECT_U64(info.rights, rights);
    EXPECT_U64(info.holds, 2);
    EXPECT_U64(info.resident, 0);
    EXPECT_ERR(hf_shared_hold(read_only), ERR_OK);
    EXPECT_ERR(hf_shared_close(object), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_shared_info(read_only, &info), ERR_OK));
    EXPECT_U64(info.holds, 2);
    const struct hf_message close = {
        .tag = HF_HANDLE_AT(6),
        .words = {MEM_OBJECT_CLOSE, 0, 0, 0, 0, 0, read_only},
    };
    for (unsigned i = 0; i < 3; i++) {
        struct hf_message message = close;
        EXPECT_ERR(hf_mem_call(&message), i < 2 ? ERR_OK : ERR_STALE);
    }
    EXPECT_ERR(hf_shared_info(read_only, &info), ERR_STALE);
    shared.prot = PROT_READ;
    EXPECT_ERR(hf_map(shared, &at), ERR_BADF);
    EXPECT_ERR(hf_handle_close(read_only), ERR_OK);
}

TAP_TEST(who_made_an_object_has_its_size_and_its_number_for_a_handle)
{
    uint64_t object;
    uint64_t again = 0;
    uint64_t at = 0;
    struct mem_object_info_rep info;
    struct mem_object_info_rep before;

    REQUIRE(EXPECT_ERR(hf_shared_make(PAGE, MEM_OBJECT_OWNED, 0, &object), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_shared_info(object, &before), ERR_OK));
    EXPECT_U64(before.flags, MEM_OBJECT_OWNED);
    EXPECT_U64(before.holds, 1);
    EXPECT_U64(before.others, 0);
    const struct hf_map shared = {
        .length = PAGE, .prot = PROT_READ, .flags = MAP_SHARED, .object = object};
    REQUIRE(EXPECT_ERR(hf_map(shared, &at), ERR_OK));
    pid_t pid = fork();
    if (pid == 0) {
        /* The parent's number is nothing to a child, nor is the size. */
        child_leave(hf_shared_again(before.number, 0, &again) == ERR_NOENT);
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    REQUIRE(EXPECT_ERR(hf_shared_again(before.number, MEM_OBJECT_READ, &again), ERR_OK));
    EXPECT_ERR(hf_shared_resize(again, 0), ERR_ACCES);
    REQUIRE(EXPECT_ERR(hf_shared_info(again, &info), ERR_OK));
    EXPECT_U64(info.number, before.number);
    EXPECT_U64(info.rights, MEM_OBJECT_READ);
    EXPECT_U64(info.holds, 1);
    EXPECT_U64(info.others, 1); /* the region */
    EXPECT_ERR(hf_shared_resize(object, 2 * PAGE), ERR_OK);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, at, PAGE), ERR_OK);
    EXPECT_ERR(hf_shared_close(object), ERR_OK);
    EXPECT_ERR(hf_shared_info(again, &info), ERR_STALE);
    EXPECT_ERR(hf_shared_again(before.number, 0, &object), ERR_NOENT);
    EXPECT_ERR(hf_handle_close(again), ERR_OK);
}

TAP_TEST(what_processes_held_comes_back_when_they_end)
{
    const uint64_t before = balance_free();
    for (unsigned i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            uint64_t object;
            uint64_t copied = 0;
            static const char bytes[3 * PAGE] = {1};
            bool is_ok = hf_shared_make(100 * PAGE, 0, 0, &object) == ERR_OK;
            is_ok = is_ok && hf_shared_copy(object, (uint64_t)bytes, 50 * PAGE, sizeof(bytes),
                                            MEM_COPY_TO, &copied) == ERR_OK;
            child_leave(is_ok && copied == sizeof(bytes));
        }
        EXPECT_I64(status_of(pid), CHILD_OK);
    }
    EXPECT(balance_free() + 16 >= before);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r21_anonymous_shared_memory_is_seen_by_parent_and_child),
        TAP(r21_neighbours_that_are_anonymous_and_shared_stay_two_regions),
        TAP(a_memfd_is_a_file_that_can_be_mapped),
        TAP(pages_past_the_end_are_a_bus_error_and_come_back_as_zeros),
        TAP(shrinking_reaches_a_process_that_has_the_pages_mapped),
        TAP(seals_forbid_what_they_name),
        TAP(names_are_opened_made_once_and_unlinked),
        TAP(a_child_has_the_descriptors_of_its_parent_and_keeps_the_object),
        TAP(r13_a_handle_with_fewer_rights_maps_less_and_goes_stale_with_the_object),
        TAP(who_made_an_object_has_its_size_and_its_number_for_a_handle),
        TAP(what_processes_held_comes_back_when_they_end),
    };

    return TAP_RUN(argc, argv, tests);
}
