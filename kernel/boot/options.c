/* SPDX-License-Identifier: MIT */
#include "boot/options.h"

#include "boot/text.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* The word of `length` characters starts with `key`; *value is what follows. */
static bool word_has_key(const char *word, size_t length, const char *key, const char **value)
{
    const size_t key_length = text_length(key);
    if (length < key_length || !text_is_equal(word, key, key_length)) {
        return false;
    }
    *value = word + key_length;
    return true;
}

static void read_word(const char *word, size_t length, struct options *options)
{
    const char *value;
    if (word_has_key(word, length, "nonce=", &value)) {
        text_copy(options->nonce, sizeof(options->nonce), value, length - (size_t)(value - word));
    } else if (word_has_key(word, length, "seed=", &value)) {
        options->has_seed = text_to_number(value, length - (size_t)(value - word), &options->seed);
    } else if (word_has_key(word, length, "kernel-sum=", &value)) {
        options->has_kernel_sum =
            text_to_number(value, length - (size_t)(value - word), &options->kernel_sum);
    } else if (word_has_key(word, length, "archive-sum=", &value)) {
        options->has_archive_sum =
            text_to_number(value, length - (size_t)(value - word), &options->archive_sum);
    } else if (word_has_key(word, length, "harts=", &value)) {
        if (!text_to_number(value, length - (size_t)(value - word), &options->harts)) {
            options->harts = UINT64_MAX;
        }
    } else if (word_has_key(word, length, "mem=", &value)) {
        if (!text_to_size(value, length - (size_t)(value - word), &options->mem_bytes)) {
            options->mem_bytes = UINT64_MAX;
        }
    } else if (length == 5 && text_is_equal(word, "quiet", 5)) {
        options->is_quiet = true;
    } else if (length == 5 && text_is_equal(word, "trace", 5)) {
        options->is_traced = true;
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
