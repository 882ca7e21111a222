/* SPDX-License-Identifier: MIT */
#include "statement.h"

#include <string.h>

bool statement_refuse(const struct reader *reader, uint32_t word, const char *reason)
{
    struct manifest_error *error = reader->error;
    memset(error->word, 0, sizeof(error->word));
    if (word < STATEMENT_WORDS_MAX && word < reader->words->count) {
        const size_t length = reader->words->lengths[word];
        memcpy(error->word, reader->words->items[word],
               length < sizeof(error->word) ? length : sizeof(error->word) - 1);
    }
    error->reason = reason;
    return false;
}

bool statement_is_word(const struct words *words, uint32_t word, const char *text)
{
    return words->lengths[word] == strlen(text) &&
           memcmp(words->items[word], text, words->lengths[word]) == 0;
}

bool statement_take_name(const struct reader *reader, uint32_t word, char name[MANIFEST_NAME_BYTES])
{
    const size_t length = reader->words->lengths[word];
    if (length >= MANIFEST_NAME_BYTES) {
        return statement_refuse(reader, word, "is longer than 31 characters");
    }
    memset(name, 0, MANIFEST_NAME_BYTES);
    memcpy(name, reader->words->items[word], length);
    return true;
}

bool statement_read_number(const char *digits, size_t length, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9' || value > (UINT64_MAX - 9) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(digits[i] - '0');
    }
    *number = value;
    return true;
}

bool statement_take_number(const struct reader *reader, uint32_t word, uint64_t low, uint64_t high,
                           const char *reason, uint64_t *number)
{
    uint64_t value = 0;
    if (!statement_read_number(reader->words->items[word], reader->words->lengths[word], &value) ||
        value < low || value > high) {
        return statement_refuse(reader, word, reason);
    }
    *number = value;
    return true;
}

const char *statement_split(const char *line, size_t length, struct words *words)
{
    size_t at = 0;
    words->count = 0;
    while (at < length && line[at] != '#') {
        const size_t start = at;
        while (at < length && line[at] > ' ' && line[at] < 0x7f && line[at] != '#') {
            at++;
        }
        if (at > start) {
            if (words->count == STATEMENT_WORDS_MAX) {
                return "has too many words";
            }
            words->items[words->count] = &line[start];
            words->lengths[words->count] = at - start;
            words->count++;
        } else if (line[at] == ' ' || line[at] == '\t') {
            at++;
        } else {
            return "has a character that is no plain text";
        }
    }
    return NULL;
}
