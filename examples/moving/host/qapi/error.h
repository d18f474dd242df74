/*
 * A miniature host: it has an Error API of its own, in a header of the name that QEMU's has. The Error API is that of
 * the tests' small host program.
 *
 * SPDX-License-Identifier: MIT
 */
#include "host-error.h"
