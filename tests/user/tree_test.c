/* SPDX-License-Identifier: MIT */
/*
 * The tree of the file system: paths, errors in Linux's order, and what memory and quota refuse.
 */
#include <stdio.h>
#include <string.h>

#include <tap.h>

#include "grove.h"

TAP_TEST(paths_lead_through_folders_dots_and_slashes)
{
    grove_start();
    static const char *const same[] = {
        "bin/hello",        "/bin/hello",      "//bin//hello",         "./bin/./hello",
        "bin/../bin/hello", "../../bin/hello", "/../bin/sub/../hello", "/./bin/hello"};
    REQUIRE(EXPECT_ERR(find("bin/hello"), ERR_OK));
    const struct node *hello = found;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        EXPECT_ERR(find(same[i]), ERR_OK);
        EXPECT(found == hello);
    }
    expect_path(hello, "/bin/hello");
    expect_path(tree.root, "/");
    static const char *const root[] = {"/", "//", ".", "..", "./", "bin/..", "/bin/../."};
    for (size_t i = 0; i < sizeof(root) / sizeof(root[0]); i++) {
        EXPECT_ERR(find(root[i]), ERR_OK);
        EXPECT(found == tree.root);
    }
    EXPECT_U64(hello->bytes, 5000);
    EXPECT_U64(hello->offset, 4096);
    EXPECT_U64(hello->mode, 0100555);
    grove_finish();
}

TAP_TEST(paths_that_lead_nowhere_say_why)
{
    char name[FILES_NAME_MAX + 2];
    char slashes[FILES_PATH_MAX + 2];
    grove_start();
    EXPECT_ERR(find(""), ERR_NOENT);
    EXPECT_ERR(find("none"), ERR_NOENT);
    EXPECT_ERR(find("none/x"), ERR_NOENT);
    EXPECT_ERR(find("bin/none/../hello"), ERR_NOENT);
    EXPECT_ERR(find("bin/hello/"), ERR_NOTDIR);
    EXPECT_ERR(find("bin/hello/x"), ERR_NOTDIR);
    EXPECT_ERR(find("bin/hello/.."), ERR_NOTDIR);
    EXPECT_ERR(find("bin/hello/."), ERR_NOTDIR);
    EXPECT_ERR(find("bin/"), ERR_OK);
    memset(name, 'n', sizeof(name));
    name[FILES_NAME_MAX + 1] = '\0';
    EXPECT_ERR(find(name), ERR_NAMETOOLONG);
    EXPECT_ERR(make(name), ERR_NAMETOOLONG);
    name[FILES_NAME_MAX] = '\0';
    EXPECT_ERR(find(name), ERR_NOENT);
    EXPECT_ERR(make(name), ERR_OK);
    EXPECT_ERR(find(name), ERR_OK);
    memset(slashes, '/', sizeof(slashes));
    slashes[FILES_PATH_MAX + 1] = '\0';
    EXPECT_ERR(find(slashes), ERR_NAMETOOLONG);
    slashes[FILES_PATH_MAX] = '\0';
    EXPECT_ERR(find(slashes), ERR_OK);
    EXPECT_ERR(make_folder("dark"), ERR_OK);
    EXPECT_ERR(make("dark/x"), ERR_OK);
    EXPECT_ERR(change("dark", 0600, FILES_CHANGE_MODE), ERR_OK);
    EXPECT_ERR(find("dark/x"), ERR_ACCES);
    EXPECT_ERR(find("dark/.."), ERR_ACCES);
    EXPECT_ERR(find("dark"), ERR_OK);
    grove_finish();
}

TAP_TEST(opening_makes_only_what_is_asked_for)
{
    grove_start();
    EXPECT_ERR(open_as("new", FILES_READ, 0), ERR_NOENT);
    EXPECT_ERR(make("new"), ERR_OK);
    const struct node *made = found;
    EXPECT_U64(made->mode, FILES_MODE_FILE | 0644);
    EXPECT_U64(made->owner, OWNER);
    EXPECT_U64(made->changed, NOW);
    EXPECT_ERR(make("new"), ERR_OK);
    EXPECT(found == made);
    EXPECT_ERR(open_as("new", FILES_WRITE | FILES_CREATE | FILES_EXCLUSIVE, 0), ERR_EXIST);
    EXPECT_ERR(make("new/"), ERR_ISDIR);
    EXPECT_ERR(make("other/"), ERR_ISDIR);
    EXPECT_ERR(make("none/x"), ERR_NOENT);
    EXPECT_ERR(make("new/x"), ERR_NOTDIR);
    EXPECT_ERR(make("tmp"), ERR_ISDIR);
    EXPECT_ERR(make("."), ERR_ISDIR);
    EXPECT_ERR(open_as("/", FILES_CREATE | FILES_EXCLUSIVE, 0), ERR_EXIST);
    EXPECT_ERR(open_as("tmp", FILES_WRITE, 0), ERR_ISDIR);
    EXPECT_ERR(open_as("tmp", FILES_READ, 0), ERR_OK);
    EXPECT_ERR(open_as("tmp/", FILES_READ | FILES_FOLDER, 0), ERR_OK);
    EXPECT_ERR(open_as("new", FILES_READ | FILES_FOLDER, 0), ERR_NOTDIR);
    EXPECT_ERR(open_as("x", FILES_CREATE | FILES_FOLDER, 0), ERR_INVAL);
    EXPECT_ERR(find("x"), ERR_NOENT);
    grove_finish();
}

TAP_TEST(the_archive_is_read_only)
{
    grove_start();
    EXPECT_ERR(open_as("bin/hello", FILES_READ, 0), ERR_OK);
    EXPECT_ERR(open_as("bin/hello", FILES_READ | FILES_WRITE, 0), ERR_ROFS);
    EXPECT_ERR(open_as("bin/hello", FILES_READ | FILES_TRUNCATE, 0), ERR_ROFS);
    EXPECT_ERR(open_as("README", FILES_WRITE, 0), ERR_ROFS);
    EXPECT_ERR(make("bin/new"), ERR_ROFS);
    EXPECT_ERR(make_folder("bin/new"), ERR_ROFS);
    EXPECT_ERR(make_folder("bin/hello"), ERR_EXIST);
    EXPECT_ERR(take_away("bin/hello"), ERR_ROFS);
    EXPECT_ERR(take_away("bin/none"), ERR_ROFS);
    EXPECT_ERR(remove_folder("bin/sub"), ERR_ROFS);
    EXPECT_ERR(remove_folder("bin"), ERR_BUSY);
    EXPECT_ERR(take_away("README"), ERR_BUSY);
    EXPECT_ERR(move("bin/hello", "bin/other"), ERR_ROFS);
    EXPECT_ERR(move("bin/hello", "other"), ERR_XDEV);
    EXPECT_ERR(move("README", "other"), ERR_BUSY);
    EXPECT_ERR(make("file"), ERR_OK);
    EXPECT_ERR(move("file", "README"), ERR_BUSY);
    EXPECT_ERR(change("bin/hello", 0777, FILES_CHANGE_MODE), ERR_ROFS);
    EXPECT_ERR(tree_add_archive(&tree, TREE_ARCHIVE, "bin/hello", 0, 0, 0, &found), ERR_EXIST);
    EXPECT_ERR(tree_add_archive(&tree, TREE_ARCHIVE, "bin/hello/x", 0, 0, 0, &found), ERR_EXIST);
    EXPECT_ERR(tree_add_archive(&tree, TREE_ARCHIVE, "bin/../x", 0, 0, 0, &found), ERR_INVAL);
    EXPECT_ERR(tree_add_archive(&tree, TREE_ARCHIVE, "bin/", 0, 0, 0, &found), ERR_INVAL);
    EXPECT_ERR(tree_add_archive(&tree, TREE_ARCHIVE, "", 0, 0, 0, &found), ERR_INVAL);
    grove_finish();
}

TAP_TEST(files_of_a_disk_are_read_only_and_come_again)
{
    struct node *first = NULL;
    grove_start();
    EXPECT_ERR(open_as("disk/a/b", FILES_READ, 0), ERR_NOENT);
    EXPECT_ERR(tree_add_archive(&tree, TREE_DISK, "disk/a/b", 0644, 5000, 0, &first), ERR_OK);
    EXPECT_ERR(tree_add_archive(&tree, TREE_DISK, "disk/c", 0755, 1, 0, &found), ERR_OK);
    EXPECT_U64(tree.part_pages[TREE_DISK], 3);
    EXPECT_U64(tree.part_nodes[TREE_DISK], 4);
    EXPECT_U64(tree.quota.total.pages, 0);
    EXPECT_ERR(open_as("disk/a/b", FILES_READ, 0), ERR_OK);
    EXPECT(found == first);
    EXPECT_U64(found->flags, FILES_IS_ARCHIVE | FILES_IS_DISK);
    EXPECT_ERR(open_as("disk/a/b", FILES_READ | FILES_WRITE, 0), ERR_ROFS);
    EXPECT_ERR(make("disk/new"), ERR_ROFS);
    EXPECT_ERR(take_away("disk/c"), ERR_ROFS);
    EXPECT_ERR(tree_add_archive(&tree, TREE_DISK, "disk/a/b", 0644, 1, 0, &found), ERR_EXIST);
    EXPECT_ERR(tree_add_archive(&tree, TREE_DISK, "disk/c/d", 0644, 1, 0, &found), ERR_EXIST);
    tree_audit(&tree);
    /* Mounted again: the one before it has no name, and goes when nobody has it. */
    tree_remove(&tree, first);
    EXPECT_ERR(tree_add_archive(&tree, TREE_DISK, "disk/a/b", 0644, 9000, 0, &found), ERR_OK);
    EXPECT_U64(tree.part_pages[TREE_DISK], 6);
    tree_audit(&tree);
    tree_forget(&tree, first);
    EXPECT_U64(tree.part_pages[TREE_DISK], 4);
    EXPECT_U64(tree.loose_count, 0);
    grove_finish();
}

TAP_TEST(rights_of_the_owner_decide)
{
    grove_start();
    EXPECT_ERR(open_as("made", FILES_READ | FILES_WRITE | FILES_CREATE, 0), ERR_OK);
    EXPECT_ERR(open_as("made", FILES_READ, 0), ERR_ACCES);
    EXPECT_ERR(change("made", 0400, FILES_CHANGE_MODE), ERR_OK);
    EXPECT_ERR(open_as("made", FILES_READ, 0), ERR_OK);
    EXPECT_ERR(open_as("made", FILES_WRITE, 0), ERR_ACCES);
    EXPECT_ERR(open_as("made", FILES_READ | FILES_TRUNCATE, 0), ERR_ACCES);
    EXPECT_ERR(make_folder("shut"), ERR_OK);
    EXPECT_ERR(make("shut/x"), ERR_OK);
    EXPECT_ERR(change("shut", 0500, FILES_CHANGE_MODE), ERR_OK);
    EXPECT_ERR(make("shut/y"), ERR_ACCES);
    EXPECT_ERR(make_folder("shut/y"), ERR_ACCES);
    EXPECT_ERR(take_away("shut/x"), ERR_ACCES);
    EXPECT_ERR(move("shut/x", "x"), ERR_ACCES);
    EXPECT_ERR(move("made", "shut/made"), ERR_ACCES);
    EXPECT_ERR(make_folder("into"), ERR_OK);
    EXPECT_ERR(move("shut", "into/shut"), ERR_ACCES);
    EXPECT_ERR(move("shut", "closed"), ERR_OK);
    grove_finish();
}

TAP_TEST(files_of_the_part_without_execution_are_marked)
{
    grove_start();
    EXPECT_ERR(make_folder("tmp/a"), ERR_OK);
    EXPECT_ERR(make("tmp/a/b"), ERR_OK);
    EXPECT_U64(found->flags, FILES_IS_NOEXEC);
    EXPECT_U64(found->part, TREE_TEMPORARY);
    EXPECT_ERR(make("c"), ERR_OK);
    EXPECT_U64(found->flags, 0);
    EXPECT_U64(found->part, TREE_ROOT);
    grove_finish();
}

TAP_TEST(an_owner_has_three_quarters_of_the_room)
{
    struct node *file;
    grove_start();
    EXPECT_ERR(make("big"), ERR_OK);
    file = found;
    EXPECT_ERR(tree_resize(&tree, file, ROOM * 4096u * 3 / 4, NOW), ERR_OK);
    EXPECT_ERR(tree_resize(&tree, file, ROOM * 4096u * 3 / 4 + 1, NOW), ERR_NOSPC);
    EXPECT_U64(quota_left(&tree.quota, OWNER), 0);
    EXPECT_U64(quota_left(&tree.quota, OWNER + 1), ROOM / 4);
    EXPECT_ERR(tree_resize(&tree, file, UINT64_MAX, NOW), ERR_NOSPC);
    EXPECT_U64(file->bytes, ROOM * 4096u * 3 / 4);
    EXPECT_ERR(tree_resize(&tree, file, 4097, NOW + 1), ERR_OK);
    EXPECT_U64(tree.quota.owners[OWNER].pages, 2);
    EXPECT_U64(tree.part_pages[TREE_ROOT], 2);
    EXPECT_U64(file->changed, NOW + 1);
    tree_audit(&tree);
    for (unsigned i = 1; i < 2 * QUOTA_NODES_FIRST; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        if (make(name) != ERR_OK) {
            break;
        }
    }
    EXPECT_U64(tree.quota.owners[OWNER].nodes, QUOTA_NODES_FIRST * 3 / 4);
    EXPECT_ERR(make_folder("one more"), ERR_NOSPC);
    EXPECT_ERR(take_away("big"), ERR_OK);
    EXPECT_U64(tree.quota.owners[OWNER].pages, 2);
    tree_forget(&tree, found);
    EXPECT_U64(tree.quota.owners[OWNER].pages, 0);
    EXPECT_ERR(make_folder("one more"), ERR_OK);
    grove_finish();
}

TAP_TEST(without_memory_nothing_changes)
{
    for (int left = 0; left < 6; left++) {
        grove_start();
        EXPECT_ERR(make("there"), ERR_OK);
        const struct node *there = found;
        const uint64_t count = tree.table.count;
        takes_left = left;
        enum err error = make("new");
        EXPECT(error == ERR_OK || error == ERR_NOSPC);
        EXPECT_U64(tree.table.count, count + (error == ERR_OK ? 1 : 0));
        tree_audit(&tree);
        takes_left = left;
        error = move("there", "elsewhere");
        EXPECT(error == ERR_OK || error == ERR_NOSPC);
        EXPECT_ERR(find(error == ERR_OK ? "elsewhere" : "there"), ERR_OK);
        EXPECT(found == there);
        tree_audit(&tree);
        takes_left = -1;
        grove_finish();
    }
}

TAP_TEST(a_long_path_is_told_in_pieces)
{
    char whole[200] = "";
    char told[200] = "";
    grove_start();
    for (int i = 0; i < 12; i++) {
        strcat(whole, "/folder-of-a");
        EXPECT_ERR(make_folder(whole), ERR_OK);
    }
    EXPECT_ERR(find(whole), ERR_OK);
    for (uint32_t offset = 0; offset < strlen(whole); offset += 7) {
        EXPECT_U64(tree_path_of(&tree, found, offset, told + offset, 7), strlen(whole));
    }
    EXPECT_STR(told, whole);
    EXPECT_ERR(make("x"), ERR_OK);
    EXPECT_ERR(take_away("x"), ERR_OK);
    EXPECT_U64(tree_path_of(&tree, found, 0, told, 7), 0);
    grove_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(paths_lead_through_folders_dots_and_slashes),
        TAP(paths_that_lead_nowhere_say_why),
        TAP(opening_makes_only_what_is_asked_for),
        TAP(the_archive_is_read_only),
        TAP(files_of_a_disk_are_read_only_and_come_again),
        TAP(rights_of_the_owner_decide),
        TAP(files_of_the_part_without_execution_are_marked),
        TAP(an_owner_has_three_quarters_of_the_room),
        TAP(without_memory_nothing_changes),
        TAP(a_long_path_is_told_in_pieces),
    };
    return TAP_RUN(argc, argv, tests);
}
