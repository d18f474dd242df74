package qemufork

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// said is what a program writes to its stdout.
func said(t *testing.T, options SpawnOptions, argv ...string) string {
	t.Helper()
	result, err := Run(ctx, argv, &RunOptions{SpawnOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	return string(result.Stdout)
}

// failure is why a program could not be started.
func failure(t *testing.T, options SpawnOptions, argv ...string) *Error {
	t.Helper()
	var why *Error
	if _, err := Start(argv, &options); !errors.As(err, &why) {
		t.Fatalf("no error, but %v", err)
	}
	return why
}

// end starts a program, and waits for it.
func end(t *testing.T, options SpawnOptions, argv ...string) string {
	t.Helper()
	process, err := Start(argv, &options)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	status, err := process.Wait(-1)
	if err != nil {
		t.Fatal(err)
	}
	return status.String()
}

func TestOptionsFilesThatTheChildOpens(t *testing.T) {
	leaksNothing(t, func() {
		folder := t.TempDir()
		log := filepath.Join(folder, "log")
		options := SpawnOptions{Flags: MergeStderr, Dir: folder, Files: []File{
			{Target: 0, Path: "/proc/self/comm"},
			{Target: 1, Path: "log", Flags: os.O_WRONLY | os.O_CREATE | os.O_APPEND, Mode: 0o640},
		}}
		for i := 0; i < 2; i++ {
			end(t, options, "/bin/sh", "-c", "head -c 1 >/dev/null; echo oh >&2")
		}
		text, err := os.ReadFile(log)
		if about, _ := os.Stat(log); err != nil || string(text) != "oh\noh\n" || about.Mode()&0o027 != 0 {
			t.Errorf("%q, %v, %v", text, err, about)
		}
		why := failure(t, SpawnOptions{Files: []File{{Target: 7, Path: filepath.Join(folder, "none")}}}, "/bin/true")
		if why.Step != StepFiles || why.Errno != syscall.ENOENT || !strings.Contains(why.Text, "descriptor 7: ") {
			t.Error(why)
		}
		if why := failure(t, SpawnOptions{Files: []File{{Path: "a\x00b"}}}, "true"); why.Step != StepArguments {
			t.Error(why)
		}
	})
}

func TestOptionsDescriptorsThatTheChildDoesNotHave(t *testing.T) {
	options := SpawnOptions{ClosedFds: []int{0, 5}}
	if status := end(t, options, "/bin/sh", "-c", "test ! -e /proc/self/fd/0"); status != "exited with status 0" {
		t.Error(status)
	}
}

func TestOptionsThePathOfTheChild(t *testing.T) {
	options := SpawnOptions{SearchChildPath: true, Env: []string{"PATH=/bin"}}
	if text := said(t, options, "echo", "hello"); text != "hello\n" {
		t.Error(text)
	}
	options.Env = []string{"PATH=/none"}
	if why := failure(t, options, "echo"); why.Errno != syscall.ENOENT || why.Step != StepExec {
		t.Error(why)
	}
}

func TestOptionsNiceness(t *testing.T) {
	nice := 19
	if text := said(t, SpawnOptions{Nice: &nice}, "nice"); text != "19\n" {
		t.Error(text)
	}
	nice = 20
	if why := failure(t, SpawnOptions{Nice: &nice}, "/bin/true"); why.Errno != syscall.EINVAL {
		t.Error(why)
	}
}

func TestOptionsOrdinaryScheduling(t *testing.T) {
	const path = "/proc/self/oom_score_adj"
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		if err := os.WriteFile(path, text, 0); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte("200"))
	defer write(before)
	for clean, want := range map[bool]string{false: "exited with status 1", true: "exited with status 0"} {
		options := SpawnOptions{CleanSched: clean}
		if status := end(t, options, "/bin/grep", "-qx", "0", path); status != want {
			t.Errorf("%v: %s", clean, status)
		}
	}
}

func TestOptionsAUser(t *testing.T) {
	user := Credential{UID: uint32(os.Geteuid())}
	if user.UID == 0 {
		user.UID = 65534
	}
	if text := said(t, SpawnOptions{Credential: &user}, "id", "-u"); text != strconv.Itoa(int(user.UID))+"\n" {
		t.Error(text)
	}
	if os.Geteuid() != 0 {
		return
	}
	before, _ := syscall.Getgroups()
	if err := syscall.Setgroups([]int{4711}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setgroups(before) }()
	for _, keep := range []bool{false, true} {
		user.KeepGroups = keep
		if text := said(t, SpawnOptions{Credential: &user}, "id", "-G"); strings.Contains(text, "4711") != keep {
			t.Errorf("%v: %s", keep, text)
		}
	}
}

func TestOptionsTheForegroundWithoutATerminal(t *testing.T) {
	why := failure(t, SpawnOptions{Foreground: true}, "/bin/true")
	if why.Errno != syscall.ENXIO || why.Step != StepTerminal {
		t.Error(why)
	}
}

func TestOptionsACgroupThatIsNone(t *testing.T) {
	folder, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	why := failure(t, SpawnOptions{Cgroup: folder}, "/bin/true")
	if why.Errno != syscall.EBADF || why.Step != StepCgroup {
		t.Error(why)
	}
}
