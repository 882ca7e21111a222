/* SPDX-License-Identifier: MIT */
/*
 * MOUNT: files whose bytes are objects of somebody else, the driver of a disk; WATCH, by which he
 * learns that nobody knows of them any longer.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server.h"

/* As serve(). */
MUST_USE enum err serve_mount(struct request *request);
MUST_USE enum err serve_watch(struct request *request);
