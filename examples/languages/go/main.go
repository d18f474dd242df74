// A program run with input and a deadline; one started, its output, its status; and why another cannot be started.
//
// SPDX-License-Identifier: MIT
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"example.org/spawn/qemufork"
)

func spawn() error {
	options := qemufork.SpawnOptions{Flags: qemufork.SearchPath | qemufork.PipeStdout}
	process, err := qemufork.Start([]string{"sh", "-c", "echo hello; exit 3"}, &options)
	if err != nil {
		return err
	}
	defer process.Close()
	output, err := process.Take(1)
	if err != nil {
		return err
	}
	defer output.Close()
	if _, err := io.Copy(os.Stdout, output); err != nil {
		return err
	}
	status, err := process.Wait(-1)
	fmt.Println(status)
	return err
}

func main() {
	if err := spawn(); err != nil {
		log.Fatal(err)
	}
	var failure *qemufork.Error
	if _, err := qemufork.Run(context.Background(), []string{"/etc/not-there"}, nil); errors.As(err, &failure) {
		fmt.Println(failure)
	}
}
