// A program started, its output, its status, and why another cannot be started.
//
// SPDX-License-Identifier: MIT
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"example.org/spawn/qemufork"
)

func run() error {
	process, err := qemufork.Spawn(qemufork.SearchPath|qemufork.PipeStdout, "sh", "-c", "echo hello; exit 3")
	if err != nil {
		return err
	}
	defer process.Free()
	output, err := process.TakeStdout()
	if err != nil {
		return err
	}
	defer output.Close()
	if _, err := io.Copy(os.Stdout, output); err != nil {
		return err
	}
	status, _ := process.Wait(-1)
	fmt.Println(status)
	return nil
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
	if _, err := qemufork.Spawn(0, "/etc/not-there"); err != nil {
		fmt.Println(err)
	}
}
