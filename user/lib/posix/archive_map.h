/* SPDX-License-Identifier: MIT */
/*
 * Files of the boot archive in memory: its pages as they lie there, without a copy.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>
#include <hf/mem.h>

#include "files.h"

/*
 * Map a file of the archive as `map` says, whose object is none yet and whose offset is in the
 * file.
 *
 * The last page is a copy, since the next file follows in it; touching what lies behind it is a bus
 * error.
 *
 * Returns:   as MAP, in the LINUX form; ERR_NODEV: there is no handle to the archive.
 */
MUST_USE enum err archive_map(const struct file *file, struct hf_map map, uint64_t *addr);
