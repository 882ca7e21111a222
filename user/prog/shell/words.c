/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <string.h>

/* Where the next character is read from and written to. */
struct cursor {
    const char *line;
    size_t length;
    size_t at;
    size_t put; /* in words->text */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Copy up to the closing quote. Returns: whether there is one. */
static bool take_quoted(struct cursor *cursor, char quote, char *text)
{
    while (cursor->at < cursor->length && cursor->line[cursor->at] != quote) {
        if (quote == '"' && cursor->line[cursor->at] == '\\' && cursor->at + 1 < cursor->length) {
            cursor->at++;
        }
        text[cursor->put++] = cursor->line[cursor->at++];
    }
    if (cursor->at == cursor->length) {
        return false;
    }
    cursor->at++;
    return true;
}

/* One word, which begins here. Returns: NULL, or what is wrong; `*is_bare`: nothing was quoted. */
static const char *take_word(struct cursor *cursor, char *text, bool *is_bare)
{
    *is_bare = true;
    while (cursor->at < cursor->length && !is_space(cursor->line[cursor->at])) {
        const char c = cursor->line[cursor->at++];
        if (c == '\'' || c == '"') {
            *is_bare = false;
            if (!take_quoted(cursor, c, text)) {
                return "a quote is not closed";
            }
        } else if (c == '\\') {
            *is_bare = false;
            if (cursor->at == cursor->length) {
                return "it ends with a backslash";
            }
            text[cursor->put++] = cursor->line[cursor->at++];
        } else {
            text[cursor->put++] = c;
        }
    }
    text[cursor->put++] = '\0';
    return NULL;
}

/* What keeps a bare word from being one: other shells would do something with it. NULL: nothing. */
static const char *why_not(const char *word)
{
    static const char *const others[][2] = {
        {"|", "there are no pipes; to have a | as a word, quote it"},
        {"<", "input comes from the console alone; to have a < as a word, quote it"},
        {";", "a line is one command; to have a ; as a word, quote it"},
        {"&&", "a line is one command; to have && as a word, quote it"},
        {"||", "a line is one command; to have || as a word, quote it"},
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(word, others[i][0]) == 0) {
            return others[i][1];
        }
    }
    return NULL;
}

const char *words_split(const char *line, size_t length, struct words *words)
{
    struct cursor cursor = {.line = line, .length = length};
    bool is_bare = false;
    bool is_output = false; /* the word to come */

    words->count = 0;
    words->is_background = false;
    words->is_appending = false;
    words->output_opt = NULL;
    /* Each word needs a character and its NUL, and is no longer than what it is made of. */
    if (length >= WORDS_LINE_MAX || memchr(line, '\0', length) != NULL) {
        return "it is too long, or holds a NUL";
    }
    for (;;) {
        while (cursor.at < length && is_space(line[cursor.at])) {
            cursor.at++;
        }
        if (cursor.at == length) {
            break;
        }
        if (words->is_background) {
            return "something follows the &";
        }
        if (words->count == WORDS_MAX) {
            return "it has too many words";
        }
        const char *word = &words->text[cursor.put];
        const char *wrong = take_word(&cursor, words->text, &is_bare);
        if (wrong == NULL && is_bare) {
            wrong = why_not(word);
        }
        if (wrong != NULL) {
            return wrong;
        }
        if (is_output) {
            words->output_opt = word;
            is_output = false;
        } else if (is_bare && strcmp(word, "&") == 0) {
            words->is_background = true;
        } else if (is_bare && (strcmp(word, ">") == 0 || strcmp(word, ">>") == 0)) {
            if (words->output_opt != NULL) {
                return "its output has two places to go";
            }
            is_output = true;
            words->is_appending = word[1] != '\0';
        } else {
            words->items[words->count++] = word;
        }
    }
    if (is_output) {
        return "no file follows the >";
    }
    if (words->output_opt != NULL && words->count == 0) {
        return "nothing stands before the >";
    }
    if (words->is_background && words->count == 0) {
        return "nothing stands before the &";
    }
    words->items[words->count] = NULL;
    return NULL;
}
