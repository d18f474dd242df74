// Package qemufork starts programs through qemu-fork.
//
// SPDX-License-Identifier: MIT
package qemufork

/*
#cgo pkg-config: qemu-fork
#include <stdlib.h>
#include <qemu-fork.h>
#include <qemu-fork/error.h>
*/
import "C"

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// Flags of Spawn.
const (
	SearchPath = C.QEMU_SPAWN_SEARCH_PATH
	PipeStdout = C.QEMU_SPAWN_PIPE_STDOUT
)

// A SpawnError says why a program could not be started. errors.Is knows its errno.
type SpawnError struct {
	Text  string
	Errno error
}

func (e *SpawnError) Error() string { return e.Text }
func (e *SpawnError) Unwrap() error { return e.Errno }

// A Process is a child; Free it.
type Process struct{ handle *C.QemuProcess }

// Status says how a child ended.
type Status struct{ c C.QemuProcessStatus }

// Spawn starts a program.
func Spawn(flags uint64, argv ...string) (*Process, error) {
	// What C is given may point to C's memory, not to Go's.
	words := make([]*C.char, len(argv)+1)
	for i, word := range argv {
		words[i] = C.CString(word)
		defer C.free(unsafe.Pointer(words[i]))
	}
	options := C.QemuSpawnOptions{size: C.sizeof_QemuSpawnOptions, flags: C.uint64_t(flags)}
	var failure *C.Error
	handle, errno := C.qemu_spawn(&words[0], &options, &failure)
	if handle == nil {
		defer C.error_free(failure)
		return nil, &SpawnError{C.GoString(C.error_get_pretty(failure)), errno}
	}
	return &Process{handle}, nil
}

// TakeStdout takes the pipe from the child's stdout, which PipeStdout asked for.
func (p *Process) TakeStdout() (*os.File, error) {
	fd := C.qemu_process_take_fd(p.handle, 1)
	if fd < 0 {
		return nil, syscall.EBADF
	}
	return os.NewFile(uintptr(fd), "stdout"), nil
}

// Wait waits for the end of the child, for so long at most; a negative time is for ever. It takes an operating system's
// thread meanwhile, as every call of C does.
func (p *Process) Wait(timeout time.Duration) (status Status, ended bool) {
	milliseconds := C.int64_t(-1)
	if timeout >= 0 {
		milliseconds = C.int64_t(timeout.Milliseconds())
	}
	ended = C.qemu_process_wait(p.handle, milliseconds, &status.c, nil) == 1
	return status, ended
}

// Free lets go of the child.
func (p *Process) Free() {
	C.qemu_process_free(p.handle)
	p.handle = nil
}

// ExitCode is what the child gave to exit().
func (s Status) ExitCode() int { return int(s.c.exit_code) }

func (s Status) String() string {
	text := C.qemu_process_status_str(&s.c)
	if text == nil {
		return fmt.Sprintf("no status: %v", s.c)
	}
	defer C.free(unsafe.Pointer(text))
	return C.GoString(text)
}
