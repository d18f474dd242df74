package qemufork

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var ctx = context.Background()

// cat is a child that ends when its stdin is closed.
func cat(t *testing.T) (*Process, *os.File) {
	t.Helper()
	process, err := Start([]string{"cat"}, &SpawnOptions{Flags: SearchPath | PipeStdin})
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := process.Take(0)
	if err != nil {
		t.Fatal(err)
	}
	return process, stdin
}

func children() (n int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		n += len(strings.Fields(string(text)))
	}
	return n
}

// descriptors counts them when no child is left. A busy system may be late with the end of one: a later call reaps it.
func descriptors(t *testing.T) int {
	t.Helper()
	withEnd, end := context.WithCancel(ctx)
	defer end()
	for i := 0; i == 0 || i < 1000 && children() > 0; i++ {
		if _, err := Run(withEnd, []string{"true"}, nil); err != nil { // the runtime's own descriptors are there now
			t.Fatal(err)
		}
	}
	if n := children(); n > 0 {
		t.Errorf("%d children are left", n)
	}
	found, _ := filepath.Glob("/proc/self/fd/*")
	return len(found)
}

// leaksNothing calls a function, and compares what is in use.
func leaksNothing(t *testing.T, call func()) {
	t.Helper()
	before, goroutines := descriptors(t), runtime.NumGoroutine()
	call()
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors instead of %d", after, before)
	}
	for runtime.NumGoroutine() > goroutines { // some have still to end; if they do not, the test's time is up
		runtime.Gosched()
	}
}

func TestMisuseEveryMethodAfterClose(t *testing.T) {
	leaksNothing(t, func() {
		process, stdin := cat(t)
		if _, err := process.Stop(-1); err != nil {
			t.Fatal(err)
		}
		stdin.Close()
		process.Close()
		for name, call := range methods(process) {
			if err := call(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestMisuseAProcessThatNobodyStarted(t *testing.T) {
	for name, call := range methods(new(Process)) {
		if err := call(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text := (Status{}).String(); text != "has not ended" {
		t.Error(text)
	}
}

func methods(p *Process) map[string]func() error {
	return map[string]func() error{
		"Close":  p.Close,
		"Kill":   p.Kill,
		"Pid":    func() error { _, err := p.Pid(); return err },
		"Signal": func() error { return p.Signal(0) },
		"Stop":   func() error { _, err := p.Stop(0); return err },
		"Take":   func() error { _, err := p.Take(0); return err },
		"Wait":   func() error { _, err := p.Wait(0); return err },
	}
}

func TestMisuseCloseWhileOthersWait(t *testing.T) {
	const waiters = 4
	leaksNothing(t, func() {
		process, stdin := cat(t)
		ends := make(chan error)
		for i := 0; i < waiters; i++ {
			go func() {
				status, err := process.Wait(-1)
				if err == nil && !status.Success() {
					err = errors.New(status.String())
				}
				ends <- err
			}()
		}
		for users := 0; users < waiters; runtime.Gosched() {
			process.lock.Lock()
			users = process.users
			process.lock.Unlock()
		}
		if err := process.Close(); err != nil {
			t.Error(err)
		}
		if _, err := process.Wait(0); !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
		stdin.Close()
		for i := 0; i < waiters; i++ {
			if err := <-ends; err != nil {
				t.Error(err)
			}
		}
		for process.handle != nil { // the last one has answered before it has left
			process.lock.Lock()
			process.lock.Unlock() //nolint:staticcheck // it orders the look
			runtime.Gosched()
		}
	})
}

func TestMisuseTakeTwiceAndWithoutAPipe(t *testing.T) {
	leaksNothing(t, func() {
		process, stdin := cat(t)
		defer process.Close()
		for _, fd := range []int{0, 1, -1, 7} {
			if _, err := process.Take(fd); !errors.Is(err, syscall.EBADF) {
				t.Errorf("%d: %v", fd, err)
			}
		}
		stdin.Close()
		_, _ = process.Wait(-1)
	})
}

func TestMisuseSignalAfterTheEnd(t *testing.T) {
	process, stdin := cat(t)
	defer process.Close()
	stdin.Close()
	_, _ = process.Wait(-1)
	if err := process.Kill(); !errors.Is(err, os.ErrProcessDone) || !errors.Is(err, syscall.ESRCH) {
		t.Error(err)
	}
	if err := process.Signal(12345); err == nil {
		t.Error("there is no signal of that number")
	}
}

func TestAdoptAndCheck(t *testing.T) {
	leaksNothing(t, func() {
		command := exec.Command("sh", "-c", "exit 3")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		process, err := Adopt(command.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		defer process.Close()
		status, _ := process.Wait(-1)
		if err := status.Check("the child"); !errors.Is(err, syscall.EIO) || err.Error() != "the child exited with status 3" {
			t.Error(err)
		}
		if err := new(Status).Check("nobody"); !errors.Is(err, syscall.EINVAL) {
			t.Error(err)
		}
		if _, err := Adopt(command.Process.Pid); !errors.Is(err, syscall.ECHILD) {
			t.Error(err)
		}
		if _, err := Adopt(0); !errors.Is(err, syscall.EINVAL) {
			t.Error(err)
		}
		_ = command.Process.Release()
		good, err := Start([]string{"/bin/true"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer good.Close()
		if status, _ := good.Wait(-1); status.Check("it") != nil || status.Check("a\x00b") == nil {
			t.Error(status)
		}
	})
}

func TestMisuseAStringWithANul(t *testing.T) {
	leaksNothing(t, func() {
		for name, options := range map[string]*RunOptions{
			"argument":  {},
			"directory": {SpawnOptions: SpawnOptions{Dir: "/tmp\x00/etc"}},
			"variable":  {SpawnOptions: SpawnOptions{Env: []string{"A=b", "C=\x00"}}},
		} {
			argv := []string{"echo", "a"}
			if name == "argument" {
				argv[1] = "a\x00b"
			}
			_, err := Run(ctx, argv, options)
			var failure *Error
			if !errors.As(err, &failure) || failure.Errno != syscall.EINVAL || failure.Step != StepArguments {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := Start(argv, &options.SpawnOptions); !errors.Is(err, syscall.EINVAL) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestMisuseNoArguments(t *testing.T) {
	if _, err := Run(ctx, nil, nil); !errors.Is(err, syscall.EINVAL) {
		t.Error(err)
	}
	if _, err := Start(nil, nil); !errors.Is(err, syscall.EINVAL) {
		t.Error(err)
	}
}

func TestMisuseAnOutputFunctionThatPanics(t *testing.T) {
	leaksNothing(t, func() {
		defer func() {
			if found := recover(); found != "too late" {
				t.Error(found)
			}
		}()
		_, err := Run(ctx, []string{"sh", "-c", "echo hi; exec cat"}, &RunOptions{
			InheritStdin: true,
			Output:       func(int, []byte) error { panic("too late") },
		})
		t.Error("it goes on: ", err)
	})
}

func TestMisuseContradictions(t *testing.T) {
	for name, options := range map[string]*RunOptions{
		"Cut and KeepTail":       {Cut: true, KeepTail: true},
		"Lines without Output":   {Lines: true},
		"input and the caller's": {Input: []byte{}, InheritStdin: true},
		"a pipe":                 {SpawnOptions: SpawnOptions{Flags: PipeStdout}},
	} {
		if _, err := Run(ctx, []string{"true"}, options); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// It was only a look once.
func TestMisuseAWaitOfLessThanAMillisecond(t *testing.T) {
	process, stdin := cat(t)
	defer process.Close()
	defer stdin.Close()
	const short = 300 * time.Microsecond
	begin := time.Now()
	_, err := process.Wait(short)
	if took := time.Since(begin); !errors.Is(err, os.ErrDeadlineExceeded) || took < short {
		t.Errorf("%v after %v", err, took)
	}
	_, _ = process.Stop(0)
}

// resident is the memory of this process in bytes.
func resident(t *testing.T) int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return pages * os.Getpagesize()
}

func TestMisuseMemoryDoesNotGrow(t *testing.T) {
	const rounds, size = 32, 1 << 20
	big := strings.Repeat("x", size)
	round := func() {
		_, err := Run(ctx, []string{"sh", "-c", "head -c 1048576 /dev/zero; exit 3"}, &RunOptions{Check: true})
		var failure *Error
		if !errors.As(err, &failure) || len(failure.Result.Stdout) != size {
			t.Fatal(err)
		}
		if _, err := Run(ctx, []string{"true", big, "\x00"}, nil); !errors.Is(err, syscall.EINVAL) {
			t.Fatal(err)
		}
		if _, err := Run(ctx, []string{"/" + big}, nil); !errors.Is(err, syscall.ENAMETOOLONG) {
			t.Fatal(err) // its text has the name
		}
	}
	leaksNothing(t, func() {
		// The collector frees memory when it likes, so a while without growth is enough: a leak grows in each.
		grown := rounds * size
		for try := 0; try < 8 && grown > rounds*size/2; try++ {
			before := resident(t)
			for i := 0; i < rounds; i++ {
				round()
			}
			runtime.GC()
			grown = resident(t) - before
		}
		if grown > rounds*size/2 {
			t.Errorf("%d KiB more than before, each time", grown>>10)
		}
	})
}
