/* SPDX-License-Identifier: MIT */
#include "boot/text.h"

#include <base/checked.h>

size_t text_length(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    return length;
}

bool text_is_equal(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

bool text_equals(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

void text_copy(char *to, size_t room, const char *from, size_t length)
{
    size_t i = 0;
    while (i + 1 < room && i < length && from[i] != '\0') {
        to[i] = from[i];
        i++;
    }
    to[i] = '\0';
}

/* Value of a digit, or 16. */
static unsigned digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

bool text_to_number(const char *text, size_t length, uint64_t *number)
{
    unsigned base = 10;
    if (length > 2 && text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
        length -= 2;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (digit(text[i]) >= base || !checked_mul(value, base, &value) ||
            !checked_add(value, digit(text[i]), &value)) {
            return false;
        }
    }
    *number = value;
    return length > 0;
}

bool text_to_size(const char *text, size_t length, uint64_t *bytes)
{
    static const char units[] = "KMG";
    uint64_t unit = 1;
    for (size_t i = 0; units[i] != '\0'; i++) {
        if (length > 0 && text[length - 1] == units[i]) {
            unit = UINT64_C(1) << (10 * (i + 1));
            length--;
            break;
        }
    }
    uint64_t number;
    return text_to_number(text, length, &number) && checked_mul(number, unit, bytes);
}
