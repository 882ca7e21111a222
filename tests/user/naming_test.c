/* SPDX-License-Identifier: MIT */
/*
 * Names in the file system: taken away, given anew, told in order.
 */
#include <string.h>

#include <tap.h>

#include "grove.h"

TAP_TEST(an_append_only_file_is_neither_cut_nor_removed)
{
    grove_start();
    EXPECT_ERR(make("log"), ERR_OK);
    EXPECT_ERR(change("log", 0, FILES_CHANGE_APPEND_ONLY), ERR_OK);
    EXPECT_U64(found->mode, FILES_MODE_FILE | 0644);
    EXPECT_ERR(open_as("log", FILES_WRITE, 0), ERR_PERM);
    EXPECT_ERR(open_as("log", FILES_READ | FILES_TRUNCATE, 0), ERR_PERM);
    EXPECT_ERR(open_as("log", FILES_WRITE | FILES_APPENDING, 0), ERR_OK);
    EXPECT_ERR(open_as("log", FILES_READ, 0), ERR_OK);
    EXPECT_ERR(take_away("log"), ERR_PERM);
    EXPECT_ERR(move("log", "other"), ERR_PERM);
    EXPECT_ERR(make("other"), ERR_OK);
    EXPECT_ERR(move("other", "log"), ERR_PERM);
    EXPECT_ERR(change("log", 0777, FILES_CHANGE_MODE), ERR_PERM);
    EXPECT_ERR(change("tmp", 0, FILES_CHANGE_APPEND_ONLY), ERR_OPNOTSUPP);
    grove_finish();
}

TAP_TEST(unlinking_and_removing_folders)
{
    grove_start();
    EXPECT_ERR(make("file"), ERR_OK);
    EXPECT_ERR(make_folder("folder/"), ERR_OK);
    EXPECT_ERR(take_away("none"), ERR_NOENT);
    EXPECT_ERR(take_away("none/"), ERR_NOENT);
    EXPECT_ERR(take_away("file/"), ERR_NOTDIR);
    EXPECT_ERR(take_away("folder"), ERR_ISDIR);
    EXPECT_ERR(take_away("folder/"), ERR_ISDIR);
    EXPECT_ERR(take_away("."), ERR_ISDIR);
    EXPECT_ERR(take_away("/"), ERR_ISDIR);
    EXPECT_ERR(remove_folder("file"), ERR_NOTDIR);
    EXPECT_ERR(remove_folder("none"), ERR_NOENT);
    EXPECT_ERR(remove_folder("."), ERR_INVAL);
    EXPECT_ERR(remove_folder("folder/."), ERR_INVAL);
    EXPECT_ERR(remove_folder("folder/.."), ERR_NOTEMPTY);
    EXPECT_ERR(remove_folder("/"), ERR_BUSY);
    EXPECT_ERR(remove_folder("tmp"), ERR_BUSY);
    EXPECT_ERR(make("folder/x"), ERR_OK);
    EXPECT_ERR(remove_folder("folder"), ERR_NOTEMPTY);
    EXPECT_ERR(take_away("folder/x"), ERR_OK);
    tree_audit(&tree);
    EXPECT(tree.loose == found);
    EXPECT(node_find(&tree.table, found->number) == found);
    const uint64_t number = found->number;
    tree_forget(&tree, found);
    EXPECT(node_find(&tree.table, number) == NULL);
    EXPECT_ERR(remove_folder("folder/"), ERR_OK);
    EXPECT_ERR(find("folder"), ERR_NOENT);
    EXPECT_ERR(make_folder("file"), ERR_EXIST);
    EXPECT_ERR(make_folder("."), ERR_EXIST);
    EXPECT_ERR(make_folder("tmp/.."), ERR_EXIST);
    grove_finish();
}

TAP_TEST(loose_files_are_kept_in_turn_until_they_are_forgotten)
{
    struct node *files[3];
    grove_start();
    for (int i = 0; i < 3; i++) {
        const char name[2] = {(char)('a' + i), '\0'};
        EXPECT_ERR(make(name), ERR_OK);
        EXPECT_ERR(take_away(name), ERR_OK);
        files[i] = found;
    }
    EXPECT(tree.loose == files[0] && tree.loose_last == files[2]);
    tree_turn_loose(&tree);
    EXPECT(tree.loose == files[1] && tree.loose_last == files[0]);
    tree_audit(&tree);
    tree_forget(&tree, files[2]);
    EXPECT(tree.loose == files[1] && files[1]->next == files[0]);
    tree_audit(&tree);
    tree_forget(&tree, files[0]);
    tree_turn_loose(&tree);
    EXPECT(tree.loose == files[1] && tree.loose_last == files[1]);
    tree_forget(&tree, files[1]);
    EXPECT(tree.loose == NULL && tree.loose_last == NULL);
    EXPECT_U64(tree.quota.total.nodes, 0);
    grove_finish();
}

TAP_TEST(renaming_replaces_what_is_alike)
{
    grove_start();
    EXPECT_ERR(make("one"), ERR_OK);
    const struct node *one = found;
    EXPECT_ERR(make("two"), ERR_OK);
    struct node *two = found;
    EXPECT_ERR(move_as("one", "two", FILES_RENAME_NOREPLACE), ERR_EXIST);
    EXPECT_ERR(move("one", "one"), ERR_OK);
    EXPECT(found == NULL);
    EXPECT_ERR(move("one", "two"), ERR_OK);
    EXPECT(found == two && two->parent == NULL);
    EXPECT_ERR(find("two"), ERR_OK);
    EXPECT(found == one);
    EXPECT_ERR(find("one"), ERR_NOENT);
    EXPECT_ERR(make_folder("full"), ERR_OK);
    EXPECT_ERR(make_folder("full/in"), ERR_OK);
    EXPECT_ERR(make_folder("empty"), ERR_OK);
    EXPECT_ERR(move("two", "empty"), ERR_ISDIR);
    EXPECT_ERR(move("empty", "two"), ERR_NOTDIR);
    EXPECT_ERR(move("empty", "full"), ERR_NOTEMPTY);
    EXPECT_ERR(move("full", "full/in/x"), ERR_INVAL);
    EXPECT_ERR(move("full/in", "full"), ERR_NOTEMPTY);
    EXPECT_ERR(move("full", "empty"), ERR_OK);
    EXPECT(found == NULL);
    EXPECT_ERR(find("empty/in"), ERR_OK);
    expect_path(found, "/empty/in");
    EXPECT_ERR(move("empty/in", "moved/"), ERR_OK);
    EXPECT_ERR(find("moved"), ERR_OK);
    tree_audit(&tree);
    grove_finish();
}

TAP_TEST(renaming_refuses_what_linux_refuses)
{
    grove_start();
    EXPECT_ERR(make("one"), ERR_OK);
    EXPECT_ERR(move("none", "x"), ERR_NOENT);
    EXPECT_ERR(move("one", "none/x"), ERR_NOENT);
    EXPECT_ERR(move("one/", "x"), ERR_NOTDIR);
    EXPECT_ERR(move("one", "x/"), ERR_NOTDIR);
    EXPECT_ERR(move("one", "."), ERR_BUSY);
    EXPECT_ERR(move("..", "x"), ERR_BUSY);
    EXPECT_ERR(move("one", "/"), ERR_BUSY);
    EXPECT_ERR(move("one", "tmp/one"), ERR_XDEV);
    EXPECT_ERR(move("tmp", "x"), ERR_BUSY);
    EXPECT_ERR(make_folder("folder"), ERR_OK);
    EXPECT_ERR(move("folder", "tmp"), ERR_BUSY);
    EXPECT_ERR(find("one"), ERR_OK);
    grove_finish();
}

TAP_TEST(entries_are_told_once_whatever_comes_and_goes)
{
    char name[] = "n00";
    unsigned told = 0;
    uint64_t place = 0;
    const struct node *entry;
    grove_start();
    EXPECT_ERR(make_folder("many"), ERR_OK);
    for (int i = 0; i < 60; i++) {
        char full[] = "many/n00";
        full[6] = (char)('0' + i / 10);
        full[7] = (char)('0' + i % 10);
        EXPECT_ERR(make(full), ERR_OK);
    }
    EXPECT_ERR(find("many"), ERR_OK);
    struct node *folder = found;
    while ((entry = tree_entry_behind(&tree, folder, place)) != NULL && told < 100) {
        name[1] = (char)('0' + told / 10);
        name[2] = (char)('0' + told % 10);
        EXPECT_BYTES(entry->name, name, 3);
        place = entry->place;
        told++;
        if (told == 20) { /* where we are, and the next, go */
            EXPECT_ERR(take_away("many/n19"), ERR_OK);
            EXPECT_ERR(take_away("many/n20"), ERR_OK);
            EXPECT_ERR(move("many/n21", "n21"), ERR_OK);
            told += 2;
        }
    }
    EXPECT_U64(told, 60);
    EXPECT(tree_entry_behind(&tree, folder, place) == NULL);
    EXPECT_STR(tree_entry_behind(&tree, tree.root, 0)->name[0] == 't' ? "tmp" : "", "tmp");
    grove_finish();
}

/* Requests drawn at random, with the invariants checked. */
TAP_TEST(random_requests_keep_the_invariants)
{
    static const char *const names[] = {"a",     "b",   "a/a",       "a/b", "b/a", "a/a/a", "tmp/a",
                                        "tmp/b", "bin", "bin/hello", ".",   "..",  "a/..",  "tmp"};
    uint64_t state = 12345;
    grove_start();
    for (int i = 0; i < 20000; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const char *one = names[(state >> 33) % (sizeof(names) / sizeof(names[0]))];
        const char *two = names[(state >> 43) % (sizeof(names) / sizeof(names[0]))];
        enum err error = ERR_OK;
        switch (state >> 53 & 7) {
        case 0:
            error = make(one);
            break;
        case 1:
            error = make_folder(one);
            break;
        case 2:
            error = remove_folder(one);
            break;
        case 3:
            error = take_away(one);
            break;
        case 4:
        case 5:
            error = move(one, two);
            break;
        case 6:
            error = find(one);
            if (error == ERR_OK && !node_is_folder(found) && found->part != TREE_ARCHIVE) {
                error = tree_resize(&tree, found, state >> 44 & 0xffff, NOW);
            }
            break;
        default:
            if (tree.loose != NULL) {
                tree_forget(&tree, tree.loose);
            }
            break;
        }
        if (i % 16 == 0) {
            tree_audit(&tree);
        }
        (void)error;
    }
    grove_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(an_append_only_file_is_neither_cut_nor_removed),
        TAP(unlinking_and_removing_folders),
        TAP(loose_files_are_kept_in_turn_until_they_are_forgotten),
        TAP(renaming_replaces_what_is_alike),
        TAP(renaming_refuses_what_linux_refuses),
        TAP(entries_are_told_once_whatever_comes_and_goes),
        TAP(random_requests_keep_the_invariants),
    };
    return TAP_RUN(argc, argv, tests);
}
