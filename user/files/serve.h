/* SPDX-License-Identifier: MIT */
/*
 * Requests to the file system, one function each: from words to the tree and back.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server.h"

/*
 * Do what the request asks. The answer's words but for the first are written on ERR_OK.
 *
 * Returns:   word 0 of the answer.
 */
MUST_USE enum err serve(struct request *request);

/*
 * The answer of a request that was served cannot be delivered with its handles, which are closed:
 * take back what was done only for them.
 */
void serve_undo(struct request *request);
