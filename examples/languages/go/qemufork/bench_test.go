package qemufork

import (
	"bytes"
	"context"
	"os/exec"
	"sort"
	"testing"
	"time"
)

// What a run costs beside os/exec, one after the other in one loop: go test -run '^$' -bench . -benchtime 1000x
func BenchmarkBesideOsExec(b *testing.B) {
	withEnd, end := context.WithCancel(ctx)
	defer end()
	megabyte := bytes.Repeat([]byte("x"), 1<<20)
	for _, c := range []struct {
		name  string
		ctx   context.Context
		input []byte
		argv  []string
	}{
		{"short", ctx, nil, []string{"/bin/echo", "hi"}},
		{"short, with a context", withEnd, nil, []string{"/bin/echo", "hi"}},
		{"1 MiB in and out", ctx, megabyte, []string{"/bin/cat"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			ours, theirs := make([]time.Duration, b.N), make([]time.Duration, b.N)
			for i := 0; i < b.N; i++ {
				begin := time.Now()
				if _, err := Run(c.ctx, c.argv, &RunOptions{Input: c.input}); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				command := exec.CommandContext(c.ctx, c.argv[0], c.argv[1:]...)
				var out, err bytes.Buffer
				command.Stdout, command.Stderr = &out, &err
				if c.input != nil {
					command.Stdin = bytes.NewReader(c.input)
				}
				if err := command.Run(); err != nil {
					b.Fatal(err)
				}
				ours[i], theirs[i] = middle.Sub(begin), time.Since(middle)
			}
			b.ReportMetric(median(ours), "us/Run")
			b.ReportMetric(median(theirs), "us/exec.Cmd")
			b.ReportMetric(median(ours)/median(theirs), "ratio")
		})
	}
}

func median(times []time.Duration) float64 {
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	return float64(times[len(times)/2].Nanoseconds()) / 1000
}
