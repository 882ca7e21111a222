/* SPDX-License-Identifier: MIT */
/*
 * No request keeps the memory server from its next message for long: the longest of many page
 * faults of an urgent client, while another does with 16 MiB what can be done with them: enough for
 * what is not cut to be seen, and what is cut does not depend on it.
 *
 * The other does it again and again; what is not to be measured it does in pieces. The urgent one
 * sleeps for a moment before each fault, so that it meets the other anywhere.
 */
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <abi/layout.h>
#include <hf/clone.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "balance.h"
#include "child.h"
#include "count.h"

#define BYTES (UINT64_C(16) << 20)
#define PIECE (16 * HF_PAGE_BYTES)
/* Pages that are touched, one a fault, and the ticks between two: not in step with anything. */
#define PROBES     60u
#define WAIT_LEAST 200u
#define WAIT_VARY  701u

/* Instructions from before a fault to after it, at most: a turn of the other, and the fault. */
#define LATENCY 42000u

#define PRIORITY_HOG 2u

static uint64_t map_bytes(uint32_t flags)
{
    uint64_t address = 0;
    const struct hf_map map = {
        .length = BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | flags,
    };
    return hf_map(map, &address) == ERR_OK ? address : 0;
}

/* The same with all pages touched, or given back, piece by piece. */
static void fill(uint64_t address)
{
    for (uint64_t i = 0; i < BYTES; i += PIECE) {
        (void)hf_advise(HF_OWN_SPACE, address + i, PIECE, MEM_ADVISE_POPULATE_WRITE);
    }
}

static void drop(uint64_t address)
{
    for (uint64_t i = BYTES; i > 0; i -= PIECE) {
        (void)hf_unmap(HF_OWN_SPACE, address + i - PIECE, PIECE);
    }
}

static void hog_unmap(void)
{
    const uint64_t address = map_bytes(0);

    fill(address);
    (void)hf_unmap(HF_OWN_SPACE, address, BYTES);
}

static void hog_populate(void)
{
    drop(map_bytes(MEM_MAP_POPULATE));
}

static void hog_discard(void)
{
    const uint64_t address = map_bytes(0);

    fill(address);
    (void)hf_advise(HF_OWN_SPACE, address, BYTES, MEM_ADVISE_DONTNEED);
    (void)hf_advise(HF_OWN_SPACE, address, BYTES, MEM_ADVISE_POPULATE_READ);
    (void)hf_advise(HF_OWN_SPACE, address, BYTES, MEM_ADVISE_POPULATE_WRITE);
    drop(address);
}

static void hog_protect(void)
{
    static uint64_t address;

    if (address == 0) {
        address = map_bytes(0);
        fill(address);
    }
    (void)hf_protect(HF_OWN_SPACE, address, BYTES, MEM_PROT_READ);
    (void)hf_protect(HF_OWN_SPACE, address, BYTES, MEM_PROT_READ | MEM_PROT_WRITE);
}

static void hog_lock(void)
{
    const uint64_t address = map_bytes(0);

    (void)hf_lock(HF_OWN_SPACE, address, MEM_LOCKED_MAX_DEFAULT, 0);
    (void)hf_unlock(HF_OWN_SPACE, address, MEM_LOCKED_MAX_DEFAULT);
    drop(address);
}

/* A child that ends with them. */
static void hog_end(void)
{
    struct hf_process child;
    struct mem_next_rep end;
    bool is_child;

    if (hf_clone(&child, &is_child) != ERR_OK) {
        return;
    }
    if (is_child) {
        fill(map_bytes(0));
        hf_exit(0);
    }
    if (hf_process_wait(&child, &end) == ERR_OK) {
        hf_process_forget(&child);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} hogs[] = {
    {"unmap", hog_unmap},     {"populate", hog_populate}, {"discard", hog_discard},
    {"protect", hog_protect}, {"lock", hog_lock},         {"end", hog_end},
};

/* Do the one named by the argument for ever, after telling the test so. */
static void hog_run(void *argument)
{
    struct hf_message ready = {.tag = 0};

    (void)hf_call(CHILD_HANDLE, &ready);
    for (size_t i = 0; i < sizeof(hogs) / sizeof(hogs[0]); i++) {
        while (strcmp(hogs[i].name, argument) == 0) {
            hogs[i].run();
        }
    }
}

static int role_hog(char *word)
{
    static struct hf_thread thread;

    if (hf_thread_run(&thread, PRIORITY_HOG, hog_run, word) != ERR_OK) {
        return 1;
    }
    hf_thread_join(&thread);
    return 2;
}

/* The longest of many faults, each after a moment's sleep. */
static uint64_t longest_fault(void)
{
    uint64_t notification;
    uint64_t bits;
    uint64_t address;
    uint64_t most = 0;
    const struct hf_map map = {
        .length = PROBES * HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS,
    };

    if (!object_make(OBJECT_NOTIFICATION, &notification) || hf_map(map, &address) != ERR_OK) {
        return UINT64_MAX;
    }
    for (uint64_t i = 0; i < PROBES; i++) {
        (void)hf_wait(notification, 0, time_now() + WAIT_LEAST + i * 97 % WAIT_VARY, &bits);
        const uint64_t start = count_instructions();
        *(volatile uint64_t *)(address + i * HF_PAGE_BYTES) = 1;
        const uint64_t taken = count_instructions() - start;
        most = taken > most ? taken : most;
    }
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, map.length), ERR_OK);
    (void)hf_object_destroy(notification);
    (void)hf_handle_close(notification);
    return most;
}

static void expect_no_long_wait_beside(const char *word)
{
    struct hf_request request = {.token = {0, 0}};
    struct mem_next_rep end;
    struct child child;
    uint64_t home;

    REQUIRE(object_make(OBJECT_ENDPOINT, &home));
    REQUIRE(child_run("hog", "nothing", &end)); /* what is kept from now on is kept */
    (void)longest_fault();
    const uint64_t before = balance_free();
    REQUIRE(child_make(&child, "hog", word));
    REQUIRE(child_give(&child, home, RIGHT_CALL, CHILD_HANDLE));
    REQUIRE(child_go(&child));
    REQUIRE(hf_reply_wait(home, &request) == ERR_OK);
    REQUIRE(hf_reply(request) == ERR_OK);
    const uint64_t most = longest_fault();
    EXPECT_ERR(hf_space_end(child.process.space, 0), ERR_OK);
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.cause, CAUSE_KILLED);
    tap_note("longest of %u faults beside %s: %lu instructions", PROBES, word, (unsigned long)most);
    EXPECT(most < LATENCY || !count_is_exact());
    EXPECT_U64(balance_free(), before);
    EXPECT_ERR(hf_object_destroy(home), ERR_OK);
    (void)hf_handle_close(home);
}

TAP_TEST(unmapping_16_mib_keeps_no_other_client_waiting)
{
    expect_no_long_wait_beside("unmap");
}

TAP_TEST(making_16_mib_present_keeps_no_other_client_waiting)
{
    expect_no_long_wait_beside("populate");
}

TAP_TEST(locking_as_much_as_one_may_keeps_no_other_client_waiting)
{
    expect_no_long_wait_beside("lock");
}

TAP_TEST(giving_back_the_pages_of_16_mib_keeps_no_other_client_waiting)
{
    expect_no_long_wait_beside("discard");
}

TAP_TEST(taking_rights_from_16_mib_keeps_no_other_client_waiting)
{
    expect_no_long_wait_beside("protect");
}

TAP_TEST(the_end_of_16_mib_keeps_no_other_client_waiting)
{
    expect_no_long_wait_beside("end");
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(unmapping_16_mib_keeps_no_other_client_waiting),
        TAP(making_16_mib_present_keeps_no_other_client_waiting),
        TAP(locking_as_much_as_one_may_keeps_no_other_client_waiting),
        TAP(giving_back_the_pages_of_16_mib_keeps_no_other_client_waiting),
        TAP(taking_rights_from_16_mib_keeps_no_other_client_waiting),
        TAP(the_end_of_16_mib_keeps_no_other_client_waiting),
    };
    const char *role_opt = child_role(argc, argv);

    if (role_opt != NULL) {
        return role_hog(argv[2]);
    }
    return TAP_RUN(argc, argv, tests);
}
