package qemufork

/*
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// A sink is a function that takes the output, and what became of it.
type sink struct {
	take  func(childFd int, data []byte) error
	err   error // what it returned
	panic any   // what it panicked with: C must not be unwound, so it goes on when C has returned
}

//export qemuforkTake
func qemuforkTake(opaque C.uintptr_t, childFd C.int, data *C.char, length C.size_t) (goOn C.bool) {
	s := cgo.Handle(opaque).Value().(*sink)
	defer func() {
		if s.panic = recover(); s.panic != nil {
			goOn = false
		}
	}()
	s.err = s.take(int(childFd), unsafe.Slice((*byte)(unsafe.Pointer(data)), int(length)))
	return C.bool(s.err == nil)
}
