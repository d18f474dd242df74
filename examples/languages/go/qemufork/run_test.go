package qemufork

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func sh(script string, options *RunOptions) (*Result, error) {
	return Run(ctx, []string{"sh", "-c", script}, options)
}

func TestRunHasOutputAndStatus(t *testing.T) {
	result, err := sh("echo hi; echo oh >&2; exit 3", nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(result.Stdout) != "hi\n" || string(result.Stderr) != "oh\n" || result.Status.ExitCode() != 3 {
		t.Errorf("%+v", result)
	}
	if result.StdoutTotal != 3 || result.StderrTotal != 3 || result.Wall <= 0 || result.PipeHeld || result.InputLeft {
		t.Errorf("%+v", result)
	}
	if result, err = sh("kill $$", nil); err != nil || result.Status.Signal() != syscall.SIGTERM {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestRunHasInput(t *testing.T) {
	input := bytes.Repeat([]byte{0, 1, 2, '\n'}, 1<<18)
	result, err := Run(ctx, []string{"cat"}, &RunOptions{Input: input})
	if err != nil || !bytes.Equal(result.Stdout, input) {
		t.Error(err)
	}
	result, err = sh("test -p /dev/stdin && cat", &RunOptions{Input: []byte{}, Check: true})
	if err != nil || len(result.Stdout) != 0 {
		t.Error(err)
	}
	if result, err = sh("exit 0", &RunOptions{Input: input}); err != nil || !result.InputLeft {
		t.Error(err)
	}
}

func TestRunHasDirectoryAndEnvironment(t *testing.T) {
	options := &RunOptions{SpawnOptions: SpawnOptions{Dir: "/", Env: []string{"A=b", "PATH=/bin:/usr/bin"}}}
	result, err := sh("pwd; echo $A$HOME", options)
	if err != nil || string(result.Stdout) != "/\nb\n" {
		t.Errorf("%q %v", result.Stdout, err)
	}
	_, err = Run(ctx, []string{"true"}, &RunOptions{SpawnOptions: SpawnOptions{Dir: "/etc/not-there"}})
	var failure *Error
	if !errors.As(err, &failure) || failure.Step != StepCwd || !errors.Is(err, fs.ErrNotExist) || failure.Result != nil {
		t.Error(err)
	}
}

func TestRunChecks(t *testing.T) {
	result, err := sh("echo no such disk >&2; exit 32", &RunOptions{Check: true})
	if !errors.Is(err, syscall.EIO) || err.Error() != "'sh' exited with status 32: no such disk" {
		t.Error(err)
	}
	if result == nil || result.Status.ExitCode() != 32 {
		t.Errorf("%+v", result)
	}
}

// A program that leaves another one behind with its stdout, and says its process id.
const holdsThePipe = "sleep 60 & echo $!; "

// wasThere kills what the program has left behind, which must be alive when the run is over.
func wasThere(t *testing.T, result *Result) {
	t.Helper()
	pid, _ := strconv.Atoi(strings.TrimSpace(string(result.Stdout)))
	if pid <= 0 || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Errorf("the other process has ended before the run: %q", result.Stdout)
	}
}

func TestRunIsNotHeldUpByAPipe(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Hour} {
		result, err := sh(holdsThePipe, &RunOptions{Timeout: timeout})
		if err != nil || !result.PipeHeld {
			t.Fatal(err)
		}
		wasThere(t, result)
	}
}

func TestRunHasADeadline(t *testing.T) {
	for _, byContext := range []bool{false, true} {
		// A busy machine may take long to start a program: then again, with more time.
		var result *Result
		var err error
		for timeout := 100 * time.Millisecond; result == nil || len(result.Stdout) == 0; timeout *= 2 {
			short, cancel := ctx, func() {}
			options := &RunOptions{Timeout: timeout}
			if byContext {
				short, cancel = context.WithTimeout(ctx, timeout)
				options.Timeout = time.Hour
			}
			result, err = Run(short, []string{"sh", "-c", holdsThePipe + "exec sleep 60"}, options)
			cancel()
			if err == nil || errors.Is(err, context.DeadlineExceeded) != byContext {
				t.Fatalf("by context: %v: %v", byContext, err)
			}
		}
		if !byContext && !errors.Is(err, syscall.ETIMEDOUT) {
			t.Error(err)
		}
		wasThere(t, result)
	}
}

func TestRunIsCancelled(t *testing.T) {
	cancelled, cancel := context.WithCancel(ctx)
	result, err := Run(cancelled, []string{"sh", "-c", "echo half; exec sleep 1000"}, &RunOptions{
		Output: func(int, []byte) error { cancel(); return nil },
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, syscall.ECANCELED) || result == nil {
		t.Error(err)
	}
	if result, err = Run(cancelled, []string{"true"}, nil); !errors.Is(err, context.Canceled) || result != nil {
		t.Error(err)
	}
}

func TestRunGivesOutput(t *testing.T) {
	var lines []string
	take := func(fd int, line []byte) error {
		lines = append(lines, strconv.Itoa(fd)+string(line))
		if string(line) == "stop\n" {
			return fs.ErrInvalid
		}
		return nil
	}
	if _, err := sh("printf 'a\\nb\\nc'", &RunOptions{Output: take, Lines: true}); err != nil {
		t.Error(err)
	}
	if strings.Join(lines, "") != "1a\n1b\n1c" {
		t.Error(lines)
	}
	if _, err := sh("echo stop; exec sleep 1000", &RunOptions{Output: take, Lines: true}); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
}

func TestRunLimitsOutput(t *testing.T) {
	if _, err := sh("echo 1234567", &RunOptions{StdoutLimit: 4}); !errors.Is(err, syscall.ENOBUFS) {
		t.Error(err)
	}
	result, err := sh("echo 1234567", &RunOptions{StdoutLimit: 4, Cut: true})
	if err != nil || string(result.Stdout) != "1234" || result.StdoutTotal != 8 {
		t.Error(err)
	}
	result, err = sh("echo 1234567", &RunOptions{StdoutLimit: 4, KeepTail: true})
	if err != nil || string(result.Stdout) != "567\n" {
		t.Error(err)
	}
	if result, err = sh("head -c 17000000 /dev/zero", &RunOptions{StdoutLimit: -1}); err != nil || len(result.Stdout) != 17000000 {
		t.Error(err)
	}
}

func TestAHandleKillsAndStops(t *testing.T) {
	process, stdin := cat(t)
	defer process.Close()
	defer stdin.Close()
	pid, err := process.Pid()
	if err != nil || syscall.Kill(pid, 0) != nil {
		t.Error(err)
	}
	if _, err = process.Wait(0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if err = process.Kill(); err != nil {
		t.Error(err)
	}
	status, err := process.Wait(-1)
	if err != nil || status.Signal() != syscall.SIGKILL || status.ExitCode() != -1 {
		t.Error(status, err)
	}
	other, stdin2 := cat(t)
	defer other.Close()
	defer stdin2.Close()
	if status, err = other.Stop(time.Hour); err != nil || status.Signal() != syscall.SIGTERM {
		t.Error(status, err)
	}
}
