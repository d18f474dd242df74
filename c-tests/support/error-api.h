/*
 * The Error API for a test: the library's, or in host mode that of the small host program.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ERROR_API_H
#define ERROR_API_H

#ifdef HOST_ERROR_API
#include "host-error.h"
#else
#include <qemu-fork/error.h>
#endif

#endif /* ERROR_API_H */
