/* SPDX-License-Identifier: MIT */
#include "boot/options.h"

#include "boot/text.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* The word of `length` characters starts with `key`. */
static bool word_has_key(const char *word, size_t length, const char *key)
{
    const size_t key_length = text_length(key);
    return length >= key_length && text_is_equal(word, key, key_length);
}

/* The word is `key` and a number, which is read; a malformed one is none. */
static bool read_number(const char *word, size_t length, const char *key, uint64_t *number,
                        bool *is_there)
{
    const size_t key_length = text_length(key);
    if (!word_has_key(word, length, key)) {
        return false;
    }
    *is_there = text_to_number(word + key_length, length - key_length, number);
    return true;
}

static void read_word(const char *word, size_t length, struct options *options)
{
    bool has_harts = true;
    if (word_has_key(word, length, "nonce=")) {
        text_copy(options->nonce, sizeof(options->nonce), word + 6, length - 6);
    } else if (word_has_key(word, length, "mem=")) {
        if (!text_to_size(word + 4, length - 4, &options->mem_bytes)) {
            options->mem_bytes = UINT64_MAX;
        }
    } else if (length == 5 && text_is_equal(word, "quiet", 5)) {
        options->is_quiet = true;
    } else if (length == 5 && text_is_equal(word, "trace", 5)) {
        options->is_traced = true;
    } else if (read_number(word, length, "seed=", &options->seed, &options->has_seed) ||
               read_number(word, length, "kernel-sum=", &options->kernel_sum,
                           &options->has_kernel_sum) ||
               read_number(word, length, "archive-sum=", &options->archive_sum,
                           &options->has_archive_sum) ||
               read_number(word, length, "harts=", &options->harts, &has_harts)) {
        options->harts = has_harts ? options->harts : UINT64_MAX;
    }
}

struct options options_read(const char *line)
{
    struct options options = {.harts = UINT64_MAX, .mem_bytes = UINT64_MAX};
    while (*line != '\0') {
        size_t length = 0;
        while (line[length] != '\0' && !is_space(line[length])) {
            length++;
        }
        if (length > 0) {
            read_word(line, length, &options);
        }
        line += length;
        while (is_space(*line)) {
            line++;
        }
    }
    return options;
}
