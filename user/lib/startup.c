/* SPDX-License-Identifier: MIT */
#include "startup.h"

#include <stddef.h>
#include <string.h>

#include <hf/auxv.h>

#define STACK_ALIGNMENT UINT64_C(16)

/* A vector's length and the bytes of its strings. */
struct vector_size {
    uint64_t count;
    uint64_t bytes;
};

/* Where the next word and the next string go, in the buffer; `there` is what to add for the
 * stack. */
struct cursor {
    char *buffer;
    uint64_t word;
    uint64_t text;
    uint64_t there;
};

static struct vector_size vector_measure(const char *const *vector)
{
    struct vector_size size = {0, 0};
    for (; vector[size.count] != NULL; size.count++) {
        size.bytes += strlen(vector[size.count]) + 1;
    }
    return size;
}

static void word_put(struct cursor *cursor, uint64_t word)
{
    memcpy(cursor->buffer + cursor->word, &word, sizeof(word));
    cursor->word += sizeof(word);
}

/* Returns: its address on the stack. */
static uint64_t text_put(struct cursor *cursor, const void *text, uint64_t bytes)
{
    uint64_t address = cursor->there + cursor->text;
    memcpy(cursor->buffer + cursor->text, text, bytes);
    cursor->text += bytes;
    return address;
}

static void vector_put(struct cursor *cursor, const char *const *vector)
{
    for (; *vector != NULL; vector++) {
        word_put(cursor, text_put(cursor, *vector, strlen(*vector) + 1));
    }
    word_put(cursor, 0);
}

bool startup_build(const struct startup *startup, uint64_t top, void *buffer, uint64_t buffer_bytes,
                   uint64_t *sp)
{
    struct vector_size argv = vector_measure(startup->argv);
    struct vector_size envp = vector_measure(startup->envp);
    uint64_t text_bytes =
        argv.bytes + envp.bytes + strlen(startup->name) + 1 + STARTUP_RANDOM_BYTES;
    /* argc, two ends of vectors, and three pairs of our own. */
    uint64_t words = 1 + argv.count + 1 + envp.count + 1 + 2 * (startup->aux_count + 3);
    uint64_t bytes = text_bytes + words * sizeof(uint64_t);
    bytes = (bytes + STACK_ALIGNMENT - 1) & ~(STACK_ALIGNMENT - 1);
    if (bytes > buffer_bytes || bytes > top) {
        return false;
    }

    memset(buffer, 0, bytes);
    struct cursor cursor = {
        .buffer = buffer,
        .text = bytes - text_bytes,
        .there = top - bytes,
    };
    word_put(&cursor, argv.count);
    vector_put(&cursor, startup->argv);
    vector_put(&cursor, startup->envp);
    for (uint64_t i = 0; i < startup->aux_count; i++) {
        word_put(&cursor, startup->aux[i].type);
        word_put(&cursor, startup->aux[i].value);
    }
    word_put(&cursor, HF_AT_EXECFN);
    word_put(&cursor, text_put(&cursor, startup->name, strlen(startup->name) + 1));
    word_put(&cursor, HF_AT_RANDOM);
    word_put(&cursor, text_put(&cursor, startup->random, STARTUP_RANDOM_BYTES));
    *sp = top - bytes;
    return true;
}
