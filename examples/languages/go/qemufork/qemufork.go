// Package qemufork runs and starts programs through qemu-fork.
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
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// Flags of a spawn.
const (
	SearchPath = C.QEMU_SPAWN_SEARCH_PATH
	PipeStdin  = C.QEMU_SPAWN_PIPE_STDIN
	PipeStdout = C.QEMU_SPAWN_PIPE_STDOUT
	PipeStderr = C.QEMU_SPAWN_PIPE_STDERR
	// The child's stderr goes where its stdout goes.
	MergeStderr = C.QEMU_SPAWN_MERGE_STDERR
)

// A Step is one that can fail. The others are in the header.
type Step int

// The steps that a program most likely wants to know.
const (
	StepNone      Step = C.QEMU_SPAWN_STEP_NONE
	StepArguments Step = C.QEMU_SPAWN_STEP_ARGUMENTS
	StepCwd       Step = C.QEMU_SPAWN_STEP_CWD
	StepExec      Step = C.QEMU_SPAWN_STEP_EXEC
)

// SpawnOptions say what a program finds. nil: nothing special.
type SpawnOptions struct {
	Flags uint64
	Dir   string   // its working directory; "": the caller's
	Env   []string // its whole environment, "NAME=value"; nil: the caller's
}

// An Error says why a program could not be started, or why it was stopped. errors.Is knows its errno, and the error of
// a context or of a function that took the output.
type Error struct {
	Text   string
	Errno  syscall.Errno
	Step   Step    // of a start that failed; else StepNone
	Result *Result // of a run that was started; else nil
	cause  error
}

func (e *Error) Error() string { return e.Text }

// Unwrap is the errno.
func (e *Error) Unwrap() error { return e.Errno }

// Is is asked by errors.Is.
func (e *Error) Is(target error) bool { return e.cause != nil && errors.Is(e.cause, target) }

// As is asked by errors.As.
func (e *Error) As(target any) bool { return e.cause != nil && errors.As(e.cause, target) }

// newError takes what a function of C has said.
func newError(failure *C.Error, errno error) *Error {
	defer C.error_free(failure)
	number, _ := errno.(syscall.Errno)
	return &Error{Text: C.GoString(C.error_get_pretty(failure)), Errno: number}
}

// refuse says what is wrong with the arguments.
func refuse(format string, arguments ...any) *Error {
	text := fmt.Sprintf(format, arguments...)
	return &Error{Text: text, Errno: syscall.EINVAL, Step: StepArguments}
}

// cStrings copies texts into one piece of C's memory: a list of addresses, ended by NULL, and what they point to. What
// C is given may point to C's memory, not to Go's.
func cStrings(what string, texts []string) (**C.char, *Error) {
	pointer := int(unsafe.Sizeof(uintptr(0)))
	size := (len(texts) + 1) * pointer
	for _, text := range texts {
		if strings.IndexByte(text, 0) >= 0 {
			return nil, refuse("%s %q has a NUL", what, text)
		}
		size += len(text) + 1
	}
	memory := C.malloc(C.size_t(size)) // Go ends the program if there is none
	list := unsafe.Slice((**C.char)(memory), len(texts)+1)
	bytes := unsafe.Slice((*byte)(memory), size)
	at := len(list) * pointer
	for i, text := range texts {
		list[i] = (*C.char)(unsafe.Pointer(&bytes[at]))
		at += copy(bytes[at:], text)
		bytes[at] = 0
		at++
	}
	list[len(texts)] = nil
	return (**C.char)(memory), nil
}

// A request is what C needs to start a program; free it.
type request struct {
	argv, env, dir **C.char
	options        C.QemuSpawnOptions
}

func newRequest(argv []string, options *SpawnOptions) (*request, *Error) {
	if options == nil {
		options = new(SpawnOptions)
	}
	r := &request{options: C.QemuSpawnOptions{size: C.sizeof_QemuSpawnOptions, flags: C.uint64_t(options.Flags)}}
	if failure := r.copy(argv, options); failure != nil {
		r.free()
		return nil, failure
	}
	return r, nil
}

func (r *request) copy(argv []string, options *SpawnOptions) (failure *Error) {
	if r.argv, failure = cStrings("argument", argv); failure != nil {
		return failure
	}
	if options.Env != nil {
		if r.env, failure = cStrings("variable", options.Env); failure != nil {
			return failure
		}
		r.options.envp = r.env
	}
	if options.Dir != "" {
		if r.dir, failure = cStrings("directory", []string{options.Dir}); failure != nil {
			return failure
		}
		r.options.cwd = *r.dir
	}
	return nil
}

func (r *request) free() {
	C.free(unsafe.Pointer(r.argv))
	C.free(unsafe.Pointer(r.env))
	C.free(unsafe.Pointer(r.dir))
}

// milliseconds rounds up, so that a short time is not none at all.
func milliseconds(duration time.Duration) C.int64_t {
	if duration < 0 {
		return -1
	}
	whole := duration / time.Millisecond
	if duration%time.Millisecond > 0 {
		whole++
	}
	return C.int64_t(whole)
}
