package qemufork

/*
#include <qemu-fork.h>
#include <qemu-fork/error.h>

bool qemuforkTake(uintptr_t opaque, int child_fd, char *data, size_t len);

static bool take(void *opaque, int child_fd, const char *data, size_t len)
{
    return qemuforkTake((uintptr_t)opaque, child_fd, (char *)data, len);
}

// Addresses are arguments of their own: a structure of Go's may not have them when C is called.
static bool run(char **argv, QemuSpawnOptions spawn, QemuRunOptions options, const void *input, uintptr_t sink,
                QemuSpawnStep *step, QemuRunResult *result, Error **errp)
{
    spawn.failed_step = step;
    options.input = input;
    options.sink = sink ? take : NULL;
    options.opaque = (void *)sink;
    return qemu_run((const char *const *)argv, &spawn, &options, result, errp);
}
*/
import "C"

import (
	"context"
	"math"
	"os"
	"runtime/cgo"
	"syscall"
	"time"
	"unsafe"
)

// RunOptions say how a program is run. A program without a slash in its name is searched for in PATH.
type RunOptions struct {
	SpawnOptions
	Input    []byte // what it reads from its stdin; nil: its stdin is /dev/null
	Check    bool   // an exit status other than 0 is an error, with the last line of the program's stderr
	Cut      bool   // too much output is no error: the beginning is kept
	KeepTail bool   // too much output is no error: the end is kept
	Kill     bool   // stop it by SIGKILL, without SIGTERM before

	InheritStdin, InheritStdout, InheritStderr bool // the caller's, and not captured

	Timeout time.Duration // for all of it; 0: as long as the context allows
	Grace   time.Duration // between SIGTERM and SIGKILL; 0: a second; negative: for ever
	Linger  time.Duration // for what others write who hold its pipes after its end; 0: 0.1 s; negative: for ever

	StdoutLimit, StderrLimit int // bytes; 0: 16 MiB; negative: no limit

	// Output takes what comes from stdout (1) and stderr (2), instead of its being kept. data is valid during the
	// call. An error stops the program, and is the error of Run. Lines: it gets whole lines.
	Output func(childFd int, data []byte) error
	Lines  bool
}

// A Result is what became of a program.
type Result struct {
	Status         Status
	Stdout, Stderr []byte
	// How much came, which may be more than was kept.
	StdoutTotal, StderrTotal uint64
	PipeHeld                 bool // at the end another process still held its stdout or stderr
	InputLeft                bool // it has not read all of its input
	User, System, Wall       time.Duration
	PeakKiB                  uint64 // 0: not known
}

// Run runs a program to its end, or to the end of its time or of the context. It then stops the program. It does not
// wait for another process that still has the program's stdout.
//
// If the error is nil, the program has ended by itself, and its output is complete. The result is nil only if the
// program was not started. The error is an *Error. errors.Is finds context.DeadlineExceeded or context.Canceled in it
// if the context was the reason.
func Run(ctx context.Context, argv []string, options *RunOptions) (*Result, error) {
	if options == nil {
		options = new(RunOptions)
	}
	if err := ctx.Err(); err != nil {
		return nil, &Error{Text: "the program was not started: " + err.Error(), Errno: syscall.ECANCELED, cause: err}
	}
	request, refused := newRequest(argv, &options.SpawnOptions)
	if refused != nil {
		return nil, refused
	}
	defer request.free()
	request.set(C.QEMU_SPAWN_SEARCH_PATH, !options.SearchChildPath)

	run := C.QemuRunOptions{
		size:         C.sizeof_QemuRunOptions,
		flags:        options.flags(),
		input_len:    C.size_t(len(options.Input)),
		stdout_limit: limit(options.StdoutLimit),
		stderr_limit: limit(options.StderrLimit),
		grace_ms:     milliseconds(options.Grace),
		linger_ms:    milliseconds(options.Linger),
	}
	timeout, byContext := options.timeout(ctx)
	run.timeout_ms = milliseconds(timeout)
	if ctx.Done() != nil {
		fd, release, err := cancelFd(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		run.flags |= C.QEMU_RUN_CANCEL_FD
		run.cancel_fd = C.QemuFd(fd)
	}
	var take *sink
	var handle cgo.Handle
	if options.Output != nil {
		take = &sink{take: options.Output}
		handle = cgo.NewHandle(take)
		defer handle.Delete()
	}

	input := unsafe.Pointer(nil)
	if len(options.Input) > 0 {
		input = unsafe.Pointer(&options.Input[0])
	} else if options.Input != nil {
		input = unsafe.Pointer(&empty)
	}
	var failure *C.Error
	var step C.QemuSpawnStep
	c := C.QemuRunResult{size: C.sizeof_QemuRunResult}
	good, errno := C.run(request.argv, request.options, run, input, C.uintptr_t(handle), &step, &c, &failure)
	defer C.qemu_run_result_clear(&c)
	if take != nil && take.panic != nil {
		C.error_free(failure)
		panic(take.panic)
	}
	result := newResult(&c)
	if good {
		return result, nil
	}
	err := newError(failure, errno)
	err.Step, err.Result = Step(step), result
	switch {
	case c.end == C.QEMU_RUN_END_STOPPED:
		err.cause = take.err
	case c.end == C.QEMU_RUN_END_CANCELLED:
		err.cause = ctx.Err()
	case err.Errno == syscall.ETIMEDOUT && byContext:
		err.cause = context.DeadlineExceeded
	}
	return result, err
}

func (o *RunOptions) flags() (flags C.uint64_t) {
	for _, flag := range []struct {
		set   bool
		value C.uint64_t
	}{
		{o.Check, C.QEMU_RUN_CHECK},
		{o.Cut, C.QEMU_RUN_CUT},
		{o.KeepTail, C.QEMU_RUN_KEEP_TAIL},
		{o.Kill, C.QEMU_RUN_KILL},
		{o.Lines, C.QEMU_RUN_LINES},
		{o.InheritStdin, C.QEMU_RUN_INHERIT_STDIN},
		{o.InheritStdout, C.QEMU_RUN_INHERIT_STDOUT},
		{o.InheritStderr, C.QEMU_RUN_INHERIT_STDERR},
	} {
		if flag.set {
			flags |= flag.value
		}
	}
	return flags
}

// timeout is the shorter one of the option and of what the context leaves, and tells whether that is the context's.
func (o *RunOptions) timeout(ctx context.Context) (timeout time.Duration, byContext bool) {
	deadline, is := ctx.Deadline()
	if !is {
		return o.Timeout, false
	}
	left := time.Until(deadline)
	if o.Timeout > 0 && o.Timeout < left {
		return o.Timeout, false
	}
	if left < time.Millisecond {
		left = time.Millisecond // 0 is for ever
	}
	return left, true
}

// empty is the address of no input.
var empty byte

// limit is a number of bytes as C takes it.
func limit(bytes int) C.size_t {
	if bytes < 0 {
		return math.MaxUint
	}
	return C.size_t(bytes)
}

// cancelFd is a descriptor that hangs up when the context is done.
func cancelFd(ctx context.Context) (fd uintptr, release func(), err error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	over, closed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		defer writer.Close()
		select {
		case <-ctx.Done():
		case <-over:
		}
	}()
	return reader.Fd(), func() {
		close(over)
		<-closed
		reader.Close()
	}, nil
}

// newResult copies what C has stored; nil if the program was not started.
func newResult(c *C.QemuRunResult) *Result {
	if c.end == C.QEMU_RUN_END_NOT_STARTED {
		return nil
	}
	microseconds := func(value C.uint64_t) time.Duration { return time.Duration(value) * time.Microsecond }
	return &Result{
		Status:      Status{c.status},
		Stdout:      bytesOf(c.out, c.out_len),
		Stderr:      bytesOf(c.err, c.err_len),
		StdoutTotal: uint64(c.out_total),
		StderrTotal: uint64(c.err_total),
		PipeHeld:    c.flags&C.QEMU_RUN_RESULT_PIPE_HELD != 0,
		InputLeft:   c.flags&C.QEMU_RUN_RESULT_INPUT_LEFT != 0,
		User:        microseconds(c.usage.user_us),
		System:      microseconds(c.usage.system_us),
		Wall:        microseconds(c.usage.wall_us),
		PeakKiB:     uint64(c.usage.peak_kib),
	}
}

func bytesOf(data *C.char, length C.size_t) []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(data)), int(length))...)
}
