/* SPDX-License-Identifier: MIT */
/*
 * The one error type of kernel, server and native clients, built from error.def.
 */
#pragma once

enum err {
    ERR_OK = 0,
#define ERROR(name, number, text) ERR_##name = (number),
#include <abi/error.def>
#undef ERROR
};
