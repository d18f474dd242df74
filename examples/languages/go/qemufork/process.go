package qemufork

/*
#include <stdlib.h>
#include <qemu-fork.h>
#include <qemu-fork/error.h>

// The step is a value, because C may not store it where the options, which are Go's, point to.
static QemuProcess *start(char **argv, QemuSpawnOptions options, QemuSpawnStep *step, Error **errp)
{
    options.failed_step = step;
    return qemu_spawn((const char *const *)argv, &options, errp);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// A Process is a child; Close it. Any number of goroutines may use it at once.
type Process struct {
	lock   sync.Mutex
	handle *C.QemuProcess
	users  int // calls that use the handle now
	closed bool
}

// Status says how a child ended.
type Status struct{ c C.QemuProcessStatus }

// Start starts a program.
func Start(argv []string, options *SpawnOptions) (*Process, error) {
	request, refused := newRequest(argv, options)
	if refused != nil {
		return nil, refused
	}
	defer request.free()
	var failure *C.Error
	var step C.QemuSpawnStep
	handle, errno := C.start(request.argv, request.options, &step, &failure)
	if handle == nil {
		err := newError(failure, errno)
		err.Step = Step(step)
		return nil, err
	}
	return &Process{handle: handle}, nil
}

// Adopt makes a Process of a child that other code has started, and that nobody has reaped. syscall.ECHILD: there is no
// such child.
func Adopt(pid int) (*Process, error) {
	var failure *C.Error
	handle, errno := C.qemu_process_adopt(C.pid_t(pid), &failure)
	if handle == nil {
		return nil, newError(failure, errno)
	}
	return &Process{handle: handle}, nil
}

// use calls a function with the handle, which is not freed meanwhile.
func (p *Process) use(call func(handle *C.QemuProcess) error) error {
	p.lock.Lock()
	if p.closed || p.handle == nil {
		p.lock.Unlock()
		return os.ErrClosed
	}
	p.users++
	p.lock.Unlock()
	defer p.leave()
	return call(p.handle)
}

// leave ends a use. The last one frees the handle, if it was closed meanwhile.
func (p *Process) leave() {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.users--
	p.freeUnused()
}

func (p *Process) freeUnused() {
	if p.closed && p.users == 0 {
		C.qemu_process_free(p.handle)
		p.handle = nil
	}
}

// Close lets go of the child, which goes on if it still runs. A call that is waiting for the child goes on waiting. A
// second Close is os.ErrClosed, as every other call from now on.
func (p *Process) Close() error {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.closed || p.handle == nil {
		return os.ErrClosed
	}
	p.closed = true
	p.freeUnused()
	return nil
}

// Pid is the child's process id.
func (p *Process) Pid() (pid int, err error) {
	err = p.use(func(handle *C.QemuProcess) error {
		pid = int(C.qemu_process_pid(handle))
		return nil
	})
	return pid, err
}

// Take takes the pipe of the child's stdin (0), stdout (1) or stderr (2), which a flag of Start asked for.
func (p *Process) Take(childFd int) (file *os.File, err error) {
	err = p.use(func(handle *C.QemuProcess) error {
		fd, errno := C.qemu_process_take_fd(handle, C.int(childFd))
		if fd < 0 {
			number, _ := errno.(syscall.Errno)
			return &Error{Text: fmt.Sprintf("there is no pipe of the child's descriptor %d", childFd), Errno: number}
		}
		file = os.NewFile(uintptr(fd), fmt.Sprintf("pipe of the child's descriptor %d", childFd))
		return nil
	})
	return file, err
}

// Wait waits for the end of the child, for so long at most; a negative time is for ever. If the time is up, it is
// os.ErrDeadlineExceeded. It takes an operating system's thread meanwhile, as every call of C does.
func (p *Process) Wait(timeout time.Duration) (status Status, err error) {
	err = p.use(func(handle *C.QemuProcess) error {
		var failure *C.Error
		switch result, errno := C.qemu_process_wait(handle, milliseconds(timeout), &status.c, &failure); result {
		case 1:
			return nil
		case 0:
			return os.ErrDeadlineExceeded
		default:
			return newError(failure, errno)
		}
	})
	return status, err
}

// Signal sends a signal to the child, and never to another process. os.ErrProcessDone: it has ended.
func (p *Process) Signal(signal syscall.Signal) error {
	return p.use(func(handle *C.QemuProcess) error {
		var failure *C.Error
		if sent, errno := C.qemu_process_kill(handle, C.int(signal), &failure); !sent {
			err := newError(failure, errno)
			if errors.Is(err, syscall.ESRCH) {
				err.cause = os.ErrProcessDone
			}
			return err
		}
		return nil
	})
}

// Kill sends SIGKILL.
func (p *Process) Kill() error { return p.Signal(syscall.SIGKILL) }

// Stop ends the child: SIGTERM, and SIGKILL if it has not ended after so long; a negative time is for ever.
func (p *Process) Stop(grace time.Duration) (status Status, err error) {
	err = p.use(func(handle *C.QemuProcess) error {
		var failure *C.Error
		if ended, errno := C.qemu_process_stop(handle, milliseconds(grace), &status.c, &failure); !ended {
			return newError(failure, errno)
		}
		return nil
	})
	return status, err
}

// ExitCode is what the child gave to exit(); -1 if a signal ended it, or if it has not ended.
func (s Status) ExitCode() int {
	if s.c.end != C.QEMU_PROCESS_EXITED {
		return -1
	}
	return int(s.c.exit_code)
}

// Signal is what ended the child; 0 if none did.
func (s Status) Signal() syscall.Signal { return syscall.Signal(s.c.term_signal) }

// Success tells whether the exit status is 0.
func (s Status) Success() bool { return s.ExitCode() == 0 }

// Check is an error unless the exit status is 0; what names the program in its text.
func (s Status) Check(what string) error {
	if strings.IndexByte(what, 0) >= 0 {
		return refuse("a name %q has a NUL", what)
	}
	name := C.CString(what)
	defer C.free(unsafe.Pointer(name))
	var failure *C.Error
	if good, errno := C.qemu_process_status_check(&s.c, name, &failure); !good {
		return newError(failure, errno)
	}
	return nil
}

func (s Status) String() string {
	text := C.qemu_process_status_str(&s.c)
	if text == nil {
		return "has not ended"
	}
	defer C.free(unsafe.Pointer(text))
	return C.GoString(text)
}
