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
	"os"
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
	StepFiles     Step = C.QEMU_SPAWN_STEP_FILES
	StepCgroup    Step = C.QEMU_SPAWN_STEP_CGROUP
	StepTerminal  Step = C.QEMU_SPAWN_STEP_TERMINAL
)

// SpawnOptions say what a program finds. nil: nothing special.
type SpawnOptions struct {
	Flags uint64
	Dir   string   // its working directory; "": the caller's
	Env   []string // its whole environment, "NAME=value"; nil: the caller's

	Files      []File      // files that the child opens
	ClosedFds  []int       // descriptors that the child does not have
	Credential *Credential // its user; nil: the caller's
	Nice       *int        // its niceness, the value itself; nil: the caller's
	Cgroup     *os.File    // an open directory of a cgroup2; nil: the caller's

	CleanSched      bool // it is scheduled as an ordinary program, whatever the caller is
	Foreground      bool // it is a job in the foreground of the terminal
	SearchChildPath bool // it is searched for in the PATH of its own environment
}

// A File is one that the child opens, as its user and in its working directory.
type File struct {
	Target int // the child's descriptor
	Path   string
	Flags  int         // os.O_WRONLY and the like
	Mode   os.FileMode // of a file that is made
}

// A Credential is a user, without the caller's supplementary groups or with them.
type Credential struct {
	UID        uint32
	KeepGroups bool
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
	argv, env, dir, paths **C.char
	files                 *C.QemuSpawnFile
	fds                   *C.QemuSpawnFd
	options               C.QemuSpawnOptions
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
	if failure = r.copyFiles(options.Files); failure != nil {
		return failure
	}
	if n := len(options.ClosedFds); n > 0 {
		r.fds = (*C.QemuSpawnFd)(C.calloc(C.size_t(n), C.sizeof_QemuSpawnFd))
		for i, fd := range options.ClosedFds {
			unsafe.Slice(r.fds, n)[i] = C.QemuSpawnFd{source: C.QEMU_SPAWN_FD_CLOSED, target: C.int(fd)}
		}
		r.options.fds, r.options.n_fds = r.fds, C.size_t(n)
	}
	if user := options.Credential; user != nil {
		r.options.uid = C.QemuUid(user.UID)
		r.set(C.QEMU_SPAWN_SET_UID, true)
		r.set(C.QEMU_SPAWN_KEEP_GROUPS, user.KeepGroups)
	}
	if options.Nice != nil {
		r.options.nice = C.int(*options.Nice)
		r.set(C.QEMU_SPAWN_SET_NICE, true)
	}
	if options.Cgroup != nil {
		r.options.cgroup_fd = C.QemuFd(options.Cgroup.Fd())
		r.set(C.QEMU_SPAWN_INTO_CGROUP, true)
	}
	r.set(C.QEMU_SPAWN_CLEAN_SCHED, options.CleanSched)
	r.set(C.QEMU_SPAWN_FOREGROUND, options.Foreground)
	r.set(C.QEMU_SPAWN_SEARCH_CHILD_PATH, options.SearchChildPath)
	return nil
}

func (r *request) set(flag C.uint64_t, wanted bool) {
	if wanted {
		r.options.flags |= flag
	}
}

func (r *request) copyFiles(files []File) (failure *Error) {
	n := len(files)
	if n == 0 {
		return nil
	}
	paths := make([]string, n)
	for i, file := range files {
		paths[i] = file.Path
	}
	if r.paths, failure = cStrings("file", paths); failure != nil {
		return failure
	}
	r.files = (*C.QemuSpawnFile)(C.calloc(C.size_t(n), C.sizeof_QemuSpawnFile))
	for i, file := range files {
		unsafe.Slice(r.files, n)[i] = C.QemuSpawnFile{
			target: C.int(file.Target), path: unsafe.Slice(r.paths, n)[i],
			flags: C.int(file.Flags), mode: C.QemuMode(file.Mode.Perm()),
		}
	}
	r.options.files, r.options.n_files = r.files, C.size_t(n)
	return nil
}

func (r *request) free() {
	C.free(unsafe.Pointer(r.argv))
	C.free(unsafe.Pointer(r.env))
	C.free(unsafe.Pointer(r.dir))
	C.free(unsafe.Pointer(r.paths))
	C.free(unsafe.Pointer(r.files))
	C.free(unsafe.Pointer(r.fds))
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
